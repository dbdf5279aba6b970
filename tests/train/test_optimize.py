import pytest

torch = pytest.importorskip("torch")

from murai.train.optimize import optimize  # noqa: E402
from murai.train.photos import list_photos, style_picture  # noqa: E402
from murai.train.quality import Judge, style_grams  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402


@pytest.fixture
def judge(vgg19_file, photo_folder):
    return Judge(load_loss_network(vgg19_file), list_photos(photo_folder), side=32)


@pytest.fixture
def grams(judge, style_file):
    return style_grams(judge.loss_network, style_picture(style_file, size=48))


def total(judge, painted, grams):
    content, style = judge.losses(0, painted, grams)
    return content + 5 * style


def test_the_total_falls_and_more_iterations_go_further(judge, grams):
    photograph, network = judge.photograph(0), judge.loss_network
    paintings = [optimize(photograph, grams, network, iterations=n) for n in (2, 12)]
    assert all(painted.shape == (3, 32, 32) and 0 <= painted.min() <= painted.max() <= 1 for painted in paintings)
    few, many = (total(judge, painted, grams) for painted in paintings)
    assert many < few < total(judge, photograph, grams)


def test_a_photograph_in_its_own_style_stays_as_it_is(judge):
    photograph = judge.photograph(0)
    painted = optimize(photograph, style_grams(judge.loss_network, photograph), judge.loss_network, iterations=3)
    assert torch.equal(painted, photograph)


def test_a_heavier_style_gives_up_more_of_the_content(judge, grams):
    photograph, network = judge.photograph(0), judge.loss_network
    light, heavy = (
        judge.losses(0, optimize(photograph, grams, network, iterations=10, style_weight=weight), grams)
        for weight in (0.05, 50)
    )
    assert light[0] < heavy[0]
    assert light[1] > heavy[1]


def test_every_iteration_is_heard_once_and_the_photograph_is_left_alone(judge, grams):
    photograph, heard = judge.photograph(0), []
    before = photograph.clone()
    optimize(photograph, grams, judge.loss_network, iterations=4, on_step=lambda step, loss: heard.append((step, loss)))
    assert [step for step, _ in heard] == [0, 1, 2, 3, 4]
    assert heard[0][1] == pytest.approx(total(judge, before, grams), rel=1e-4)
    assert heard[-1][1] < heard[0][1]
    assert torch.equal(photograph, before)
