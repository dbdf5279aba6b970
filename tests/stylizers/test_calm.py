"""Noise held back while nothing moves, against the same arithmetic in numpy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.controls import Controls
from murai.packs import StylePack
from murai.stylizers.calm import BLOCK, LEAST, MOTION, NOISE, Calm
from murai.stylizers.openvino import OpenVINOStylizer

TOLERANCE = 1  # levels: a value halfway between two may round either way


def picture(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(40, 216, (height, width, 3), dtype=np.uint8)


def noisy(image, count, sigma=4.0):
    random = np.random.default_rng(7)
    return [(image + random.normal(0, sigma, image.shape)).round().clip(0, 255).astype(np.uint8) for _ in range(count)]


def change(pictures):
    return np.mean([np.abs(b.astype(int) - a).mean() for a, b in pairwise(pictures)])


def in_numpy(pictures, calm, cell):
    """What `Calm` does, for pictures of whole blocks."""
    before, least = pictures[0].astype(np.float64), 1 - (1 - LEAST) * calm
    for image in pictures:
        rows, columns = image.shape[0] // BLOCK // cell, image.shape[1] // BLOCK // cell
        seen = (image - before).reshape(rows * BLOCK, cell, columns * BLOCK, cell, 3).mean((1, 3))
        square = (seen**2).reshape(rows, BLOCK, columns, BLOCK, 3).mean((1, 3, 4))
        padded = np.pad(square, 1, constant_values=np.nan)
        near = np.stack([padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)])
        gain = np.clip((np.nanmean(near, 0) - NOISE) / (MOTION - NOISE), least, 1)
        before = before + np.kron(gain, np.ones((BLOCK * cell, BLOCK * cell)))[..., None] * (image - before)
        yield before.round().clip(0, 255)


@pytest.mark.parametrize("calm", [0.3, 1.0])
@pytest.mark.parametrize("cell", [1, 2, 4])
def test_it_is_what_numpy_makes_of_noise_and_of_motion(calm, cell):
    still = noisy(picture(), 4)
    moved = np.roll(still[-1], 16, 1)
    moved[:24] = still[0][:24]  # the upper half stays
    pictures, calmed = [*still, moved, *noisy(moved, 2)], Calm()
    for image, wanted in zip(pictures, in_numpy(pictures, calm, cell), strict=True):
        assert np.abs(calmed(image, calm, cell) - wanted).max() <= TOLERANCE


@given(height=st.integers(1, 40), width=st.integers(1, 40), calm=st.floats(0, 1), cell=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_the_first_picture_of_any_size_comes_out_as_it_is(height, width, calm, cell):
    image = picture(height, width)
    assert np.array_equal(Calm()(image, calm, cell), image)


def test_the_noise_of_a_dim_camera_is_held_back_where_it_is_less_in_the_mean():
    pictures = noisy(picture(96, 128), 12, sigma=15)
    single, many = (change([calm(image, 1.0, cell) for image in pictures]) for calm, cell in ((Calm(), 1), (Calm(), 3)))
    assert single > 0.9 * change(pictures)
    assert many < 0.4 * single


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (37, 51), (48, 64)])
def test_still_pictures_change_less_the_calmer(size):
    pictures = noisy(picture(*size), 12)
    changes = []
    for level in (0.0, 0.5, 1.0):
        calm = Calm()
        changes.append(change([calm(image, level) for image in pictures]))
    assert changes[0] == change(pictures)
    assert changes[0] > 1.3 * changes[1] > 2 * changes[2]


@given(calm=st.floats(0, 1), columns=st.integers(8, 40))
@settings(max_examples=15, deadline=None)
def test_what_moves_leaves_no_trail(calm, columns):
    calmed, image = Calm(), picture()
    calmed(image, calm)
    moved = np.roll(image, columns, 1)
    assert np.array_equal(calmed(moved, calm), moved)


def test_nothing_is_remembered_after_a_reset_at_0_and_at_another_size():
    first, second = noisy(picture(), 2)
    for between in (
        lambda calm: calm.reset(),
        lambda calm: calm(first, 0.0),
        lambda calm: calm(picture(20, 20), 1.0),
        lambda calm: calm(first, 1.0, 2),
    ):
        calm = Calm()
        calm(first, 1.0)
        between(calm)
        assert np.array_equal(calm(second, 1.0), second)
    calm = Calm()
    calm(first, 1.0)
    assert not np.array_equal(calm(second, 1.0), second)


def test_a_stylizer_paints_still_scenes_calmer_and_the_same_each_time(tiny_pack):
    pictures = noisy(picture(), 8)
    stylizer = OpenVINOStylizer(StylePack.load(tiny_pack), precision="f32")
    plain = [stylizer(image) for image in pictures]
    stylizer.use(Controls(calm=1.0))
    calm = [stylizer(image) for image in pictures]
    stylizer.reset()
    assert all(np.array_equal(stylizer(image), before) for image, before in zip(pictures, calm, strict=True))
    assert change(calm) < 0.4 * change(plain)
    stylizer.use(Controls())
    assert all(np.array_equal(stylizer(image), before) for image, before in zip(pictures, plain, strict=True))
