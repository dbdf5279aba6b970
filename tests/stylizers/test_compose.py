"""The picture functions around the network, against plain float arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.stylizers import compose

SIDES = st.integers(1, 5000)
SHAPES = ((1, 1), (3, 5), (48, 64), (700, 101), (2, 40_000))


def pictures(shape, count=2):
    rng = np.random.default_rng(shape[0])
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(count)]


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_fitted_picture_is_inside_the_size_and_never_larger(width, height, wide, high):
    w, h = compose.fit(width, height, (wide, high))
    assert 1 <= w <= width
    assert 1 <= h <= height
    assert max(w, h) <= max(wide, high)
    assert min(w, h) <= min(wide, high)
    assert abs(w * height - h * width) <= max(width, height) / 2 + 1 or 1 in (w, h)  # same aspect, to half a pixel


def test_a_picture_fits_as_large_as_it_can_lying_or_standing():
    assert compose.fit(1280, 720, (640, 360)) == (640, 360)
    assert compose.fit(720, 1280, (640, 360)) == (360, 640)
    assert compose.fit(640, 480, (640, 360)) == (480, 360)
    assert compose.fit(320, 240, (640, 360)) == (320, 240)


@pytest.mark.parametrize("picture", [(640, 360), (1280, 720), (1920, 1080), (3840, 2160)])
def test_pictures_of_one_aspect_have_one_work_size(picture):
    assert compose.work_size(*picture, None, 1.0) == (640, 360)
    assert compose.work_size(*picture[::-1], None, 1.0) == (360, 640)
    assert compose.work_size(*picture, None, 2.0) == (320, 180)
    assert compose.work_size(*picture, (320, 320), 1.0) == (320, 180)


@pytest.mark.parametrize(
    ("picture", "size", "stroke_size", "work"),
    [
        ((320, 240), None, 1.0, (320, 240)),  # small pictures their own
        ((38, 52), None, 1.0, (38, 52)),
        ((1, 1), None, 1.0, (2, 2)),
        ((1, 1), None, 4.0, (2, 2)),
        ((20_000, 20), None, 1.0, (15_180, 16)),
        ((1280, 720), None, 0.5, (1280, 720)),
        ((960, 540), None, 0.5, (960, 540)),  # no larger than it is
        ((1920, 1080), None, 0.5, (1280, 720)),
        ((640, 360), None, 0.5, (640, 360)),
        ((640, 360), None, 4.0, (160, 90)),
        ((640, 360), None, 1.1, (640, 360)),  # strokes are as large in halves
        ((640, 360), None, 1.4, (426, 240)),
        ((1920, 1080), (640, 640), 1.0, (640, 360)),
        ((1080, 1920), (640, 300), 1.0, (300, 532)),
        ((320, 180), (640, 640), 0.5, (320, 180)),
        ((640, 360), (1, 1), 1.0, (2, 2)),
    ],
)
def test_the_work_size_of(picture, size, stroke_size, work):
    assert compose.work_size(*picture, size, stroke_size) == work


@given(SIDES, SIDES, st.none() | st.tuples(SIDES, SIDES), st.floats(0.5, 4))
def test_a_work_size_is_even_has_the_aspect_and_is_not_larger_than_the_picture(width, height, size, stroke_size):
    w, h = compose.work_size(width, height, size, stroke_size)
    assert w % 2 == h % 2 == 0
    assert 2 <= w <= width + 1
    assert 2 <= h <= height + 1
    if size is None:
        area = compose.AREA / (round(2 * stroke_size) / 2) ** 2
        assert w * h <= area + 2 * (w + h) + 12 or 2 in (w, h)
    if min(w, h) >= 16:
        assert abs(w / h - width / height) <= 2 * (width / height) * (1 / w + 1 / h) * (1 + stroke_size)


@given(SIDES, SIDES, st.floats(0.5, 4))
def test_lying_and_standing_pictures_have_the_same_work_size(width, height, stroke_size):
    assert (
        compose.work_size(width, height, None, stroke_size) == compose.work_size(height, width, None, stroke_size)[::-1]
    )


def test_a_picture_of_the_right_size_is_not_touched():
    (image,) = pictures((48, 64), 1)
    assert compose.resize(image, 64, 48) is image


@pytest.mark.parametrize("size", [(32, 24), (128, 96), (1, 1), (65, 47)])
def test_a_resized_picture_has_the_size_and_the_same_mean(size):
    gradient = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
    resized = compose.resize(gradient, *size)
    assert resized.shape == (size[1], size[0], 3)
    assert resized.dtype == np.uint8
    assert abs(resized.mean() - gradient.mean()) < 2


@pytest.mark.parametrize("size", [(64, 48), (32, 24), (21, 10), (1, 1), (66, 50)])
def test_a_shrunk_picture_has_the_size_and_the_same_mean(size):
    gradient = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
    shrunk = compose.shrink(gradient, *size)
    assert shrunk.shape == (size[1], size[0], 3)
    assert shrunk.dtype == np.uint8
    assert abs(shrunk.mean() - gradient.mean()) < 2
    assert (shrunk is gradient) == (size == (64, 48))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [0.1, 0.5, 0.999])
def test_a_mix_is_the_weighted_mean_to_a_level_and_a_half(shape, strength):
    image, painted = pictures(shape)
    exact = image + (painted.astype(float) - image) * strength
    mixed = compose.mix(image, painted, strength)
    assert mixed.dtype == np.uint8
    # Half a level of rounding and half of one of the 256 steps.
    assert np.abs(mixed - exact).max() <= 1.0


def test_the_ends_of_a_mix_are_exact_and_it_stays_between():
    image, painted = pictures((48, 64))
    assert np.array_equal(compose.mix(image, painted, 0.0), image)
    assert np.array_equal(compose.mix(image, painted, 1.0), painted)
    for strength in np.linspace(0, 1, 7):
        mixed = compose.mix(image, painted, float(strength))
        assert (mixed >= np.minimum(image, painted)).all()
        assert (mixed <= np.maximum(image, painted)).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_kept_colours_move_by_the_change_of_brightness(shape):
    image, painted = pictures(shape)
    change = (painted.astype(float) - image) @ [0.2126, 0.7152, 0.0722]
    exact = np.clip(image + change[..., None], 0, 255)
    kept = compose.keep_colors(image, painted)
    assert kept.dtype == np.uint8
    assert np.abs(kept - exact).max() <= 0.51


def test_a_grey_painting_of_a_grey_picture_is_itself():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(compose.keep_colors(grey[:, ::-1], grey), grey)


@settings(max_examples=30)
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_a_painting_that_changes_nothing_keeps_every_colour(red, green, blue):
    image = np.full((4, 4, 3), (red, green, blue), np.uint8)
    assert np.array_equal(compose.keep_colors(image, image), image)


def test_pictures_that_are_not_contiguous_are_fine():
    image, painted = pictures((48, 64))
    flipped, mirrored = image[:, ::-1], painted[::-1]
    plain = np.ascontiguousarray(flipped), np.ascontiguousarray(mirrored)
    assert np.array_equal(compose.mix(flipped, mirrored, 0.4), compose.mix(*plain, 0.4))
    assert np.array_equal(compose.keep_colors(flipped, mirrored), compose.keep_colors(*plain))
    assert np.array_equal(compose.resize(flipped, 30, 20), compose.resize(plain[0], 30, 20))


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_laid_over_a_picture_is_mixed_by_the_mask(shape):
    image, painted = pictures(shape)
    mask = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    laid = compose.lay_over(image, painted, mask)
    exact = image + (painted.astype(float) - image) * (mask / 255)[..., None]
    assert laid.dtype == np.uint8
    assert np.abs(laid - exact).max() <= 1.5
    assert np.array_equal(laid[mask == 0], image[mask == 0])
    assert np.array_equal(laid[mask == 255], painted[mask == 255])
