import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from murai.nets.base import StylizationNetwork  # noqa: E402
from murai.train.losses import content_loss, style_loss  # noqa: E402
from murai.train.photos import list_photos, style_picture  # noqa: E402
from murai.train.quality import Judge, centre_square, measure_quality, style_grams  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402


class Same(StylizationNetwork):
    """Paints nothing."""

    def forward(self, x):
        return x


def test_a_network_that_paints_nothing_keeps_all_content_and_has_no_style(vgg19_file, photo_folder, style_file):
    style = style_picture(style_file, size=64)
    row = measure_quality(Same(), load_loss_network(vgg19_file), list_photos(photo_folder), style)
    assert row["structure"] == pytest.approx(1)
    assert row["effectiveness"] < 3
    assert row["palette"] > 0.01
    assert row["photographs"] == 5


def test_a_photograph_of_the_style_itself_has_all_of_the_style(vgg19_file, tmp_path):
    folder = tmp_path / "same"
    folder.mkdir()
    Image.effect_noise((64, 64), 60).convert("RGB").save(folder / "style.png")
    style = centre_square(folder / "style.png")
    row = measure_quality(Same(), load_loss_network(vgg19_file), list_photos(folder), style)
    assert row["effectiveness"] > 10
    assert row["palette"] == pytest.approx(0, abs=1e-6)
    assert row["contrast"] == row["gradient"] == pytest.approx(1)


def test_the_centre_square_is_the_middle_of_the_picture(tmp_path):
    picture = Image.new("RGB", (300, 100), (0, 0, 0))
    picture.paste((255, 0, 0), (100, 0, 200, 100))
    picture.save(tmp_path / "p.png")
    square = centre_square(tmp_path / "p.png", 50)
    assert square.shape == (3, 50, 50)
    assert (square[0] > 0.9).all()
    assert (square[1:] < 0.1).all()


def test_the_judge_gives_the_losses_of_the_painting_it_is_shown(vgg19_file, photo_folder, style_file):
    loss_network = load_loss_network(vgg19_file)
    judge = Judge(loss_network, list_photos(photo_folder), side=32)
    style = style_picture(style_file, size=48)
    grams = style_grams(loss_network, style)
    painted = 1 - judge.photograph(1)
    maps, wanted = loss_network(painted[None]), loss_network(judge.photograph(1)[None])
    for _ in range(2):  # the second time from memory
        content, styled = judge.losses(1, painted, grams)
        assert content == pytest.approx(float(content_loss(maps, wanted)))
        assert styled == pytest.approx(float(style_loss(maps, grams)))
    assert judge.losses(0, painted, grams)[0] != pytest.approx(content)
    assert judge.losses(1, judge.photograph(1), grams)[0] == 0


def test_the_grams_are_those_of_the_style_layers(vgg19_file, style_file):
    grams = style_grams(load_loss_network(vgg19_file), style_picture(style_file, size=48))
    assert list(grams) == ["relu1_2", "relu2_2", "relu3_3", "relu4_1"]
    assert all(gram.shape == (1, 4, 4) for gram in grams.values())
