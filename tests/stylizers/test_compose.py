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
    assert compose.fit(1919, 1079, None) == (1919, 1079)


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


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_enlarged_painting_is_the_enlargement_and_a_share_of_the_lost_detail(share):
    rng = np.random.default_rng(1)
    image = rng.integers(80, 176, (60, 80, 3), np.uint8)  # nothing beyond 0 and 255
    small = compose.resize(image, 40, 30)
    painted = rng.integers(80, 176, small.shape, np.uint8)
    bigger, blurred = (compose.resize(each, 80, 60).astype(float) for each in (painted, small))
    expected = np.clip(bigger + share * (image - blurred), 0, 255)
    assert np.abs(compose.enlarge(painted, small, image, share) - expected).max() <= 2 + 2 * share


def test_a_painting_that_changes_nothing_becomes_the_whole_picture_again():
    image = np.random.default_rng(2).integers(0, 256, (60, 80, 3), np.uint8)
    small = compose.resize(image, 40, 30)
    assert np.abs(compose.enlarge(small, small, image, 1.0).astype(int) - image).max() <= 1


def test_a_painting_of_the_right_size_is_not_enlarged():
    image = np.zeros((6, 8, 3), np.uint8)
    painted = image + 7
    assert compose.enlarge(painted, image, image, 0.5) is painted


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
