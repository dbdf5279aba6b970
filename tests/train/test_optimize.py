import pytest

torch = pytest.importorskip("torch")

from murai.train.objective import judge_by  # noqa: E402
from murai.train.optimize import optimize  # noqa: E402
from murai.train.photos import list_photos, style_picture  # noqa: E402
from murai.train.quality import Judge  # noqa: E402
from murai.train.settings import Settings  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402


@pytest.fixture
def judge(vgg19_file, photo_folder):
    return Judge(load_loss_network(vgg19_file), list_photos(photo_folder), side=32)


@pytest.fixture
def asks(judge, style_file):
    """A function that gives what settings ask of paintings in the style of a picture."""
    picture = style_picture(style_file, size=48)
    return lambda **changes: judge_by(judge.loss_network, picture, Settings(**changes))


def total(asked, painted, photograph):
    return float(sum(asked(painted[None], photograph[None]).values()))


def test_the_loss_falls_and_more_iterations_go_further(judge, asks):
    photograph, asked = judge.photograph(0), asks()
    paintings = [optimize(photograph, asked, iterations=n) for n in (2, 12)]
    assert all(painted.shape == (3, 32, 32) and 0 <= painted.min() <= painted.max() <= 1 for painted in paintings)
    few, many = (total(asked, painted, photograph) for painted in paintings)
    assert many < few < total(asked, photograph, photograph)


def test_a_photograph_in_its_own_style_stays_as_it_is(judge):
    photograph = judge.photograph(0)
    painted = optimize(photograph, judge_by(judge.loss_network, photograph, Settings(parts=0)), iterations=3)
    assert torch.allclose(painted, photograph, atol=1e-3)


def test_a_heavier_style_gives_up_more_of_the_content(judge, asks):
    photograph, even = judge.photograph(0), asks()
    light, heavy = (
        even(optimize(photograph, asks(style=weight), iterations=10)[None], photograph[None]) for weight in (0.05, 50)
    )
    assert light["content"] < heavy["content"]
    assert light["style"] > heavy["style"]


def test_every_iteration_is_heard_once_and_the_photograph_is_left_alone(judge, asks):
    photograph, heard = judge.photograph(0), []
    before = photograph.clone()
    optimize(photograph, asks(), iterations=4, on_step=lambda step, loss: heard.append((step, loss)))
    assert [step for step, _ in heard] == [0, 1, 2, 3, 4]
    assert heard[0][1] == pytest.approx(total(asks(), before, before), rel=1e-4)
    assert heard[-1][1] < heard[0][1]
    assert torch.equal(photograph, before)
