"""Coefficients laid over a picture, against the same formula in numpy at twice the precision."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from murai.stylizers import apply as module
from murai.stylizers.apply import apply

TOLERANCE = 1  # levels
SIZES = st.integers(1, 70)
HALVES = st.integers(1, 30)

pytestmark = pytest.mark.timeout(300)  # where it is compiled first


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def coefficients(height, width, size=1.0, seed=1):
    random = np.random.default_rng(seed)
    return (
        random.normal(0, size, (height, width, 3)).astype(np.float32),
        random.normal(0, size, (height // 2, width // 2, 9)).astype(np.float32),
    )


def enlarged(small, height, width):
    """Bilinear, with half-pixel centres and clamped edges."""
    for axis, pixels in enumerate((height, width)):
        cells = small.shape[axis]
        place = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
        before = np.floor(place).astype(int)
        share = np.expand_dims(place - before, (1, 2) if axis == 0 else (0, 2))
        after = np.minimum(before + 1, cells - 1)
        small = np.take(small, before, axis) * (1 - share) + np.take(small, after, axis) * share
    return small


def in_numpy(image, strokes, matrix, strength=1.0):
    height, width = image.shape[:2]
    photographed = image / 255.0
    mixed = enlarged(matrix.astype(np.float64), height, width).reshape(height, width, 3, 3)
    v = (mixed @ (2 * photographed - 1)[..., None])[..., 0] + enlarged(strokes.astype(np.float64), height, width)
    painted = np.clip((1.1 * np.tanh(v) + 1) / 2, 0, 1)
    return np.round(255 * (photographed + strength * (painted - photographed)))


def furthest(image, wanted):
    return np.abs(image - wanted).max()


@given(SIZES, SIZES, HALVES, HALVES, st.floats(0, 1), st.sampled_from([0.1, 1.0, 10.0]))
@example(1, 1, 1, 1, 1.0, 1.0)
@example(37, 51, 19, 26, 1.0, 1.0)
@example(1, 70, 30, 1, 0.5, 1.0)
@settings(max_examples=150, deadline=None)
def test_any_sizes_agree_with_numpy(height, width, rows, columns, strength, size):
    image, (strokes, matrix) = picture(height, width), coefficients(2 * rows, 2 * columns, size)
    result = apply(image, strokes, matrix, strength)
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    assert furthest(result, in_numpy(image, strokes, matrix, strength)) <= TOLERANCE


@pytest.mark.parametrize(
    ("size", "work"),
    [
        ((360, 640), (360, 640)),
        ((720, 1280), (360, 640)),
        ((1080, 1440), (416, 554)),
        ((200, 2600), (50, 640)),  # two tiles
        ((200, 2300), (50, 2400)),  # two tiles, coefficients finer than the picture
    ],
)
def test_sizes_of_a_show_agree_with_numpy(size, work):
    image, (strokes, matrix) = picture(*size), coefficients(*work)
    assert furthest(apply(image, strokes, matrix), in_numpy(image, strokes, matrix)) <= TOLERANCE


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_number_of_threads_changes_nothing(monkeypatch, threads):
    image, (strokes, matrix) = picture(301, 420), coefficients(100, 140)
    wanted = apply(image, strokes, matrix, 0.7)
    monkeypatch.setattr(module, "THREADS", threads)
    assert np.array_equal(apply(image, strokes, matrix, 0.7), wanted)


def test_at_strength_nought_it_is_the_picture():
    image = picture(30, 40)
    assert np.array_equal(apply(image, *coefficients(20, 30), 0.0), image)
    assert np.abs(apply(image, *coefficients(20, 30), 1e-9).astype(int) - image).max() == 0


@pytest.mark.parametrize("size", [50.0, 1e6, 1e30])
def test_huge_coefficients_give_black_and_white(size):
    image, (strokes, matrix) = picture(50, 70), coefficients(20, 30)
    strokes, matrix = strokes * np.float32(size), matrix * np.float32(size)
    result = apply(image, strokes, matrix)
    assert furthest(result, in_numpy(image, strokes, matrix)) <= TOLERANCE
    assert np.isin(result, (0, 255)).mean() > 0.9
    strokes[:] = size, -size, 0
    assert (apply(image, strokes, np.zeros_like(matrix)) == (255, 0, 128)).all()


def test_the_whole_curve_is_within_a_level():
    strokes, matrix = coefficients(2, 4000)
    strokes[:] = np.linspace(-3, 3, 4000)[:, None]
    image, matrix = picture(2, 4000), np.zeros_like(matrix)
    result = apply(image, strokes, matrix)
    assert furthest(result, in_numpy(image, strokes, matrix)) <= TOLERANCE
    assert (np.diff(result[0, :, 0].astype(int)) >= 0).all()
    assert (result.min(), result.max()) == (0, 255)


def test_views_and_what_is_read_only_serve_as_well():
    image, (strokes, matrix) = picture(60, 80), coefficients(20, 30)
    wanted = apply(image[::-1, ::2].copy(), strokes[:, ::-1].copy(), matrix[:, ::-1].copy())
    image.flags.writeable = strokes.flags.writeable = matrix.flags.writeable = False
    assert np.array_equal(apply(image[::-1, ::2], strokes[:, ::-1], matrix[:, ::-1]), wanted)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert np.array_equal(apply(planes, strokes, matrix), apply(image, strokes, matrix))


def test_several_threads_at_once_get_what_one_gets():
    jobs = [(picture(300, 400, seed), *coefficients(100, 140, 1.0, seed)) for seed in range(8)]
    wanted = [apply(*job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for result, right in zip(pool.map(lambda job: apply(*job), jobs), wanted, strict=True):
                assert np.array_equal(result, right)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_can_paint():
    program = """
import os, sys
import numpy as np
from murai.stylizers.apply import apply
work = np.zeros((400, 400, 3), np.uint8), np.ones((4, 4, 3), np.float32), np.ones((2, 2, 9), np.float32)
wanted = apply(*work)
child = os.fork()
if child == 0:
    os._exit(0 if (apply(*work) == wanted).all() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=240).returncode == 0


def test_it_is_compiled_where_nothing_can_be_kept():
    program = """
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []
from murai.stylizers.apply import prepare
prepare()
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=240).returncode == 0


@pytest.mark.parametrize(
    ("image", "strokes", "matrix", "strength"),
    [
        (np.zeros((4, 4, 4), np.uint8), *coefficients(4, 4), 1.0),
        (np.zeros((4, 4), np.uint8), *coefficients(4, 4), 1.0),
        (np.zeros((0, 4, 3), np.uint8), *coefficients(4, 4), 1.0),
        (np.zeros((4, 4, 3), np.float32), *coefficients(4, 4), 1.0),
        (picture(4, 4), coefficients(4, 4)[0].astype(np.float64), coefficients(4, 4)[1], 1.0),
        (picture(4, 4), np.zeros((3, 4, 3), np.float32), np.zeros((1, 2, 9), np.float32), 1.0),
        (picture(4, 4), np.zeros((0, 0, 3), np.float32), np.zeros((0, 0, 9), np.float32), 1.0),
        (picture(4, 4), coefficients(4, 4)[0], coefficients(4, 6)[1], 1.0),
        (picture(4, 4), *coefficients(4, 4), 1.5),
        (picture(4, 4), *coefficients(4, 4), float("nan")),
    ],
)
def test_another_shape_or_type_is_refused(image, strokes, matrix, strength):
    with pytest.raises(ValueError):
        apply(image, strokes, matrix, strength)


COLD = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from murai.stylizers.apply import apply
work = np.zeros((40, 40, 3), np.uint8), np.ones((4, 4, 3), np.float32), np.ones((2, 2, 9), np.float32)
with ThreadPoolExecutor(4) as pool:
    paintings = list(pool.map(lambda _: apply(*work), range(4)))
assert all(np.array_equal(painting, paintings[0]) for painting in paintings)
"""


def test_threads_that_begin_together_and_a_damaged_cache_are_no_trouble(tmp_path):
    """The first start keeps what it compiled; of the second all that is kept is empty, as a power cut leaves it."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", COLD], env=environment, timeout=240).returncode == 0
        kept = [file for file in tmp_path.rglob("*.nb*") if file.is_file()]
        assert kept
        for file in kept:
            file.write_bytes(b"")
