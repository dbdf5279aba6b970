import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

torch = pytest.importorskip("torch")

from murai.measure.crops import JUDGES, bands, centre_of, distance, judge, measure_crops, table  # noqa: E402
from murai.train.photos import style_picture, to_tensor  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402


def blotches(size, seed=0, grain=4):
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height // grain, width // grain, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


@given(
    whole=st.tuples(st.integers(16, 3000), st.integers(16, 3000)),
    share=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
)
def test_the_centre_lies_in_the_middle(whole, share):
    size = tuple(max(1, int(length * part)) for length, part in zip(whole, share, strict=True))
    x, y, w, h = centre_of((0, 0, *size), whole)
    assert (w, h) == size
    assert 0 <= whole[0] - w - 2 * x <= 1
    assert 0 <= whole[1] - h - 2 * y <= 1


def test_a_picture_is_at_no_distance_from_itself():
    assert distance(bands(blotches((96, 80))), bands(blotches((96, 80)))) == 0


def test_the_same_texture_is_near_and_another_far_whatever_the_size():
    work = bands(blotches((160, 128), seed=1))
    same = distance(bands(blotches((96, 96), seed=2)), work)
    coarser = distance(bands(blotches((96, 96), seed=2, grain=12)), work)
    flat = distance(bands(Image.new("RGB", (96, 96), (128, 128, 128))), work)
    assert same < 0.3 * coarser
    assert same < 0.3 * flat


def test_colours_count():
    work, swapped = blotches((96, 96)), blotches((96, 96)).convert("L").convert("RGB")
    assert distance(bands(swapped), bands(work)) > 0.1


@settings(deadline=None, max_examples=20)
@given(width=st.integers(8, 70), height=st.integers(8, 70))
def test_bands_together_are_the_picture(width, height):
    picture = blotches((width * 4, height * 4), grain=3 if min(width, height) > 1 else 1)
    *details, rest = bands(picture)
    for detail in reversed(details):
        back = Image.fromarray(np.clip(rest.round(), 0, 255).astype(np.uint8))
        back = back.resize(detail.shape[1::-1], Image.Resampling.BILINEAR)
        rest = detail + np.asarray(back, np.float32)
    assert np.array_equal(rest, np.asarray(picture, np.float32))


def test_both_judges_prefer_the_work_itself(lessons):
    network = load_loss_network(lessons / "vgg19.safetensors")
    work, other = (to_tensor(blotches((96, 96), seed=s, grain=g)) for s, g in ((0, 4), (1, 16)))
    near, far = judge([work, work], work, network), judge([other], work, network)
    assert set(near) == set(JUDGES)
    assert all(near[k] < 1e-4 < far[k] for k in JUDGES)


def test_the_figures_say_for_how_many_pictures_the_suggestion_is_better(lessons):
    picture = Image.new("RGB", (160, 96), (128, 128, 128))
    picture.paste(blotches((60, 96)), (100, 0))
    picture.save("wall.png")
    network = load_loss_network(lessons / "vgg19.safetensors")
    said = []
    photos = [lessons / "photos" / "0.png", lessons / "photos" / "1.png"]
    figures = measure_crops([lessons / "wall.png"], photos, network, size=32, side=32, iterations=3, say=said.append)
    (row,) = figures["rows"]
    assert row["picture"] == "wall"
    assert style_picture(lessons / "wall.png", crop=tuple(row["crop"]), size=32).shape[0] == 3
    assert figures["photographs"] == 2
    assert figures["better"] == {k: int(row["suggested"][k] < row["centre"][k]) for k in JUDGES}
    assert said[0].startswith("wall, grams ")
    text = table(figures)
    assert f"{row['suggested']['grams']:.3f}" in text
    assert f"{figures['better']['patches']} by patches" in text
