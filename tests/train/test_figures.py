import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from PIL import Image, ImageFilter  # noqa: E402

from murai.errors import TrainError  # noqa: E402
from murai.train.figures import (  # noqa: E402
    Bell,
    Yardstick,
    contrast,
    gradient,
    look,
    palette,
    palette_distance,
    structure,
)
from murai.train.photos import to_picture, to_tensor  # noqa: E402
from murai.train.vgg import LossNetwork, LossNetworkInfo  # noqa: E402
from tests.train.conftest import vgg_weights  # noqa: E402

LAYERS = ["relu1_2", "relu2_2", "relu3_3", "relu4_1"]
NETWORK = LossNetwork(vgg_weights((2, 2, 4, 4), width=12), LossNetworkInfo("vgg19", "random", "", "imagenet"))

seeds = st.integers(0, 1000)
sides = st.integers(8, 40)


def blotches(seed, size=(48, 40), grain=4):
    """A picture [3, H, W] of squares of random colours."""
    width, height = size
    colours = np.random.default_rng(seed).integers(0, 256, (-(-height // grain), -(-width // grain), 3), dtype=np.uint8)
    large = Image.fromarray(colours).resize(
        (colours.shape[1] * grain, colours.shape[0] * grain), Image.Resampling.NEAREST
    )
    return to_tensor(large.crop((0, 0, width, height)))


def blurred(picture, radius=3.0):
    return to_tensor(to_picture(picture).filter(ImageFilter.GaussianBlur(radius)))


def greyed(picture):
    return to_tensor(to_picture(picture).convert("L").convert("RGB"))


def flat(colour, size):
    return torch.tensor(colour)[:, None, None].expand(3, size[1], size[0]).contiguous()


def figures(painted, photograph, style, network=NETWORK):
    seen = look(network, photograph)["relu3_3"]
    return Yardstick(network, style).measure(painted, look(network, painted), seen)


@settings(deadline=None, max_examples=15)
@given(seed=seeds, other=seeds, width=sides, height=sides)
def test_the_style_picture_itself_has_the_best_figures(seed, other, width, height):
    style, photograph = blotches(seed, (width, height)), blotches(other + 1001, (width, height), grain=6)
    best, found = figures(style, style, style), figures(photograph, style, style)
    assert list(best) == ["effectiveness", *LAYERS, "structure", "palette", "contrast", "gradient"]
    assert [best[name] for name in ("palette", "contrast", "gradient")] == [0, 1, 1]
    assert best["structure"] == pytest.approx(1)
    for name in ("effectiveness", *LAYERS):
        assert best[name] == pytest.approx(-math.log(1e-6))
        assert found[name] <= best[name]
    assert found["effectiveness"] < best["effectiveness"]
    assert found["palette"] > 0
    assert found["effectiveness"] == pytest.approx(sum(found[name] for name in LAYERS) / 4)


@settings(deadline=None, max_examples=15)
@given(seed=seeds, spoil=st.sampled_from([blurred, greyed]))
def test_a_blurred_or_greyed_picture_is_worse(seed, spoil):
    style = blotches(seed, (96, 96))
    like = blotches(seed + 5000, (96, 96))
    good, bad = figures(like, like, style), figures(spoil(like), like, style)
    assert bad["effectiveness"] < good["effectiveness"]
    assert bad["structure"] < good["structure"]
    assert bad["palette"] > good["palette"]
    assert bad["contrast"] < good["contrast"]


def test_a_blurred_picture_has_less_gradient_and_a_grey_one_as_much():
    style = blotches(0, (96, 96))
    found = figures(blurred(style), style, style)
    assert found["gradient"] < 0.7
    assert figures(greyed(style), style, style)["gradient"] == pytest.approx(1, abs=0.02)


@settings(deadline=None, max_examples=25)
@given(
    colours=st.tuples(*[st.tuples(*[st.floats(0, 1, width=32)] * 3)] * 2),
    sizes=st.tuples(*[st.tuples(sides, sides)] * 2),
    seed=seeds,
    which=st.sampled_from(["painting", "style", "both"]),
)
def test_pictures_of_one_colour_have_finite_figures(colours, sizes, seed, which):
    painted = flat(colours[0], sizes[0]) if which != "style" else blotches(seed, sizes[0])
    style = flat(colours[1], sizes[1]) if which != "painting" else blotches(seed, sizes[1])
    found = figures(painted, blotches(seed, sizes[0], grain=3), style)
    assert all(math.isfinite(value) for value in found.values())
    assert -1 <= found["structure"] <= 1


@pytest.mark.parametrize("colour", [0.0, 0.5, 1.0])
def test_black_grey_and_white_are_finite_without_biases_too(colour):
    weights = {name: 0 * w if "bias" in name else w for name, w in vgg_weights((2, 2, 4, 4)).items()}
    network = LossNetwork(weights, LossNetworkInfo("vgg19", "random", "", "caffe"))
    one, other = flat((colour,) * 3, (16, 16)), blotches(0, (32, 24))
    for pictures in ((one, one, one), (one, other, other), (other, other, one), (other, one, other)):
        found = figures(pictures[0], pictures[0], pictures[2], network)
        assert all(math.isfinite(value) for value in found.values())


def test_a_flat_painting_keeps_no_structure():
    photograph = torch.randn(1, 6, 20, 20)
    assert structure(torch.ones(1, 6, 20, 20), photograph) == pytest.approx(0, abs=1e-3)
    assert structure(torch.zeros(1, 6, 20, 20), photograph) == 0
    assert structure(photograph, photograph) == 1
    assert structure(-photograph, photograph) == pytest.approx(-1, abs=1e-3)
    assert structure(torch.zeros(1, 6, 4, 4), torch.zeros(1, 6, 4, 4)) == 1


@settings(deadline=None)
@given(seed=seeds, scale=st.floats(0.5, 5), shift=st.floats(-1, 1))
def test_structure_does_not_count_light_and_contrast(seed, scale, shift):
    generator = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(1, 6, 12, 12, generator=generator) for _ in range(2))
    assert structure(scale * x + shift, x) == pytest.approx(1, abs=0.02)
    assert structure(scale * (x + noise) + shift, x) == pytest.approx(structure(x + noise, x), abs=0.02)


def test_structure_is_the_correlation():
    x, y = torch.randn(2, 1, 6, 40, 40, generator=torch.Generator().manual_seed(0))
    y = 0.6 * x + 0.8 * y
    channels = zip(x[0].flatten(1), y[0].flatten(1), strict=True)
    wanted = np.mean([np.corrcoef(a.numpy(), b.numpy())[0, 1] for a, b in channels])
    assert structure(y, x) == pytest.approx(wanted, abs=0.01)


class TestDivergence:
    """Of features drawn from Gaussians, where the divergence is known."""

    def features(self, mean, deviations, seed=0):
        noise = torch.randn(len(mean), 400 * 400, generator=torch.Generator().manual_seed(seed))
        x = torch.tensor(mean)[:, None] + torch.tensor(deviations)[:, None] * noise
        return x.reshape(1, len(mean), 400, 400)

    @settings(deadline=None, max_examples=10)
    @given(shift=st.floats(-2, 2), spread=st.floats(0.5, 2))
    def test_it_is_that_of_the_painting_from_the_style(self, shift, spread):
        style = self.features([1.0, 2.0], [1.0, 1.0])
        painted = self.features([1.0 + shift, 2.0], [spread, 1.0], seed=1)
        wanted = 0.5 * (spread**2 + shift**2 - 1 - math.log(spread**2)) / 2
        assert Bell.of(style).divergence(painted) == pytest.approx(wanted, abs=0.03, rel=0.05)

    def test_it_looks_along_the_directions_that_hold_nine_tenths(self):
        bell = Bell.of(self.features([0.0, 0.0, 0.0], [3.0, 1.0, 0.1]))
        assert bell.directions.shape == (3, 2), "the first holds 0.899"
        faint = self.features([0.0, 0.0, 5.0], [3.0, 1.0, 0.1], seed=1)
        assert bell.divergence(faint) < 0.01, "what the style hardly has is not looked at"

    def test_a_turn_of_the_channels_changes_nothing(self):
        style, painted = self.features([0.0, 1.0], [2.0, 1.0]), self.features([1.0, 1.0], [1.0, 1.0], seed=1)
        plain = Bell.of(style).divergence(painted)
        turn = torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]])
        style, painted = (torch.einsum("ij,njhw->nihw", turn, x) for x in (style, painted))
        assert Bell.of(style).divergence(painted) == pytest.approx(plain, rel=1e-3)


@settings(deadline=None)
@given(seed=seeds, size=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_the_palette_does_not_know_where_colours_are_nor_how_large_the_picture_is(seed, size):
    picture = blotches(seed, size, grain=1)
    shuffled = picture.flatten(1)[:, torch.randperm(size[0] * size[1])].reshape(picture.shape)
    assert palette_distance(palette(shuffled), palette(picture)) == pytest.approx(0, abs=1e-6)
    twice = picture.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert palette_distance(palette(twice), palette(picture)) == pytest.approx(0, abs=1e-6)


def test_the_palette_of_black_is_0_87_from_that_of_white():
    black, white = (palette(flat((light,) * 3, (8, 8))) for light in (0.0, 1.0))
    assert palette_distance(black, white) == pytest.approx(math.sqrt(3) / 2, abs=0.02)
    half = palette(flat((0.5,) * 3, (8, 8)))
    assert palette_distance(black, half) == pytest.approx(palette_distance(black, white) / 2)


def test_one_colour_is_as_far_from_black_as_another():
    black = palette(flat((0.0,) * 3, (8, 8)))
    far = [palette_distance(black, palette(flat(tuple(c), (8, 8)))) for c in np.eye(3, dtype=np.float32).tolist()]
    assert far == pytest.approx([0.5] * 3, abs=0.02)


def test_contrast_and_gradient_of_a_ramp():
    ramp = (torch.arange(40) / 100).expand(3, 30, 40)
    assert gradient(ramp) == pytest.approx(0.01, rel=1e-4)
    assert contrast(ramp) == pytest.approx(float(np.std(np.arange(40) / 100)), rel=1e-4)
    assert gradient(ramp.transpose(1, 2)) == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("size", [(40, 1), (1, 40), (7, 7)])
def test_a_picture_that_is_too_small_is_refused(size):
    with pytest.raises(TrainError, match=f"a picture of {size[0]}x{size[1]} pixels is too small.*8 pixels a side"):
        look(NETWORK, blotches(0, size))
    with pytest.raises(TrainError, match="too small"):
        Yardstick(NETWORK, blotches(0, size))
