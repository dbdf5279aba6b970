"""Laying the network's coefficients over a full picture: what `strokes` and `matrix` say, at every pixel.

The network looks at a small copy of the picture and says, for each of its pixels, what becomes of a colour there: each
colour painted is a mixture of the three photographed ones and a stroke, through a tanh. Coefficients are smooth, so
they are enlarged, bilinearly, and the picture itself keeps every pixel it has.

    x = 2 * picture / 255 - 1
    v = matrix @ x + strokes                    both sampled at the pixel
    painted = (1.1 * tanh(v) + 1) / 2           held in 0..1
    result = 255 * (picture / 255 + strength * (painted - picture / 255)), rounded

It is within a level of 255 of this. It is compiled for the processor it runs on (Numba), and written so that eight
pixels are done at once: each row of coefficients is spread to the picture's width once, into planes, one for each
coefficient, and every row of pixels mixes two such rows. Odd and even rows of coefficients have planes of their own,
so going down means spreading one row over the one that is no longer needed.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from math import atanh
from threading import Lock
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from murai.frame import Image

Floats = NDArray[np.float32]
Axis = tuple[NDArray[np.int32], Floats, NDArray[np.int32]]
"""For each pixel the coefficient before it and the weight of the one after; for each coefficient its first pixel."""

_first = Lock()
_Number = TypeVar("_Number", bound=np.generic)
_Function = TypeVar("_Function", bound=Callable[..., Any])

THREADS = min(4, os.cpu_count() or 1)
SMALL = 50_000
"""Pixels: up to so many, a second thread does not pay."""

TILE = 1920
"""Columns done at once: planes for so many stay in a core's own cache."""
LANES = 8
"""Pixels that are spread at once."""
PLANE = TILE + LANES
"""Numbers in a plane, with room for what is spread beyond the tile."""
SHEET = 4 * PLANE
"""Numbers in a sheet: a plane of weights, and three of coefficients."""
SHEETS = 8
"""Strokes of even rows, of odd rows, and so for each of the three rows of the matrix."""

LIMIT = np.float32(atanh(1 / 1.1))
"""From here on 1.1 * tanh is above 1: no more of the curve is needed."""
C1, C3, C5, C7, C9 = (np.float32(140.25 * c) for c in (0.99929943, -0.32636315, 0.11318866, -0.02783253, 0.00321703))
"""140.25 * tanh as an odd polynomial up to `LIMIT`, within 0.013: 140.25 is 1.1 * 255 / 2."""
SCALE, ONE, MIDDLE, HALF = np.float32(2 / 255), np.float32(1), np.float32(127.5), np.float32(0.5)


def apply(picture: Image, strokes: Floats, matrix: Floats, strength: float = 1.0, threads: int | None = None) -> Image:
    """`picture` painted as the coefficients say, a new picture; `picture` itself at `strength` 0.

    picture   uint8 [H, W, 3], RGB, of any size; views of any layout
    strokes   float32 [h, w, 3], h and w even
    matrix    float32 [h / 2, w / 2, 9]: 3 x 3, a row for each painted colour, a column for each photographed one
    strength  0..1, from the picture to the painting
    threads   at most so many work on it; None is THREADS

    Coefficients are finite and no larger than 1e30. Any number of threads may call this at once, and it does not hold
    Python's lock while it works. The first call waits for `prepare`. Raises ValueError for another shape or type.
    """
    _check(picture, strokes, matrix, strength)
    if strength == 0:
        return picture
    kernel = prepare()
    (height, width), result = picture.shape[:2], np.empty(picture.shape, np.uint8)
    down, across = _axis(height, strokes.shape[0]), _axis(width, strokes.shape[1])
    matrix_down, matrix_across = _axis(height, matrix.shape[0]), _axis(width, matrix.shape[1])
    source, target, small, half = _rows(picture), _rows(result), _rows(strokes), _rows(matrix)

    def band(top: int, bottom: int) -> None:
        share = np.float32(strength)
        kernel(source, small, half, down, across, matrix_down, matrix_across, share, target, top, bottom)

    bands = min(threads or THREADS, height) if height * width > SMALL else 1
    edges = [height * number // bands for number in range(bands + 1)]
    others = [_pool().submit(band, *edges[number : number + 2]) for number in range(1, bands)]
    band(*edges[:2])
    for other in others:
        other.result()
    return result


def prepare() -> Callable[..., None]:
    """What paints a band, compiled: some seconds the first time, less once that is kept in a folder."""
    with _first:  # a cache alone lets others begin as well
        return _kernel()


@cache
def _kernel() -> Callable[..., None]:
    kinds: Any = numba.types
    picture, coefficients = (kinds.Array(kind, 2, "C", readonly=True) for kind in (kinds.uint8, kinds.float32))
    axis = kinds.Tuple((kinds.int32[::1], kinds.float32[::1], kinds.int32[::1]))
    target, numbers = kinds.uint8[:, ::1], (kinds.intp, kinds.intp)
    arguments = (picture, coefficients, coefficients, axis, axis, axis, axis, kinds.float32, target, *numbers)
    kernel: Any = _compiled(_band, keep=True)
    try:
        kernel.compile(arguments)
    except Exception:  # what is kept is damaged, or the disk is full: Numba raises whatever it meets
        kernel = _compiled(_band)
        kernel.compile(arguments)
    kernel.disable_compile()
    return cast(Callable[..., None], kernel)


def _check(picture: Image, strokes: Floats, matrix: Floats, strength: float) -> None:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"a picture is uint8 [H, W, 3], not {picture.dtype} {list(picture.shape)}")
    if strokes.dtype != np.float32 or matrix.dtype != np.float32:
        raise ValueError(f"coefficients are float32, not {strokes.dtype} and {matrix.dtype}")
    height, width = strokes.shape[:2] if strokes.ndim == 3 else (0, 0)
    if strokes.shape != (height, width, 3) or height < 2 or width < 2 or height % 2 or width % 2:
        raise ValueError(f"strokes are [h, w, 3] with h and w even, not {list(strokes.shape)}")
    if matrix.shape != (height // 2, width // 2, 9):
        raise ValueError(f"the matrix is {[height // 2, width // 2, 9]} for these strokes, not {list(matrix.shape)}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength is 0 to 1, not {strength}")


def _rows(array: NDArray[_Number]) -> NDArray[_Number]:
    return np.ascontiguousarray(array).reshape(len(array), -1)


@lru_cache(64)
def _axis(pixels: int, cells: int) -> Axis:
    place = np.clip((np.arange(pixels) + 0.5) * (cells / pixels) - 0.5, 0, cells - 1)
    before = place.astype(np.int32)
    return before, (place - before).astype(np.float32), np.searchsorted(before, np.arange(cells + 1)).astype(np.int32)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, THREADS - 1), "apply")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not come along


def _compiled(function: _Function, keep: bool = False) -> _Function:
    """`function` for this processor and without Python's lock; `keep` it in a folder, where one can be written."""
    # Of all that is not exact, only this: a multiplication and an addition in one.
    compiler = partial(numba.njit, nogil=True, fastmath={"contract"}, error_model="numpy")
    try:
        return cast(_Function, compiler(cache=keep)(function))
    except RuntimeError:  # no such folder
        return cast(_Function, compiler()(function))


@_compiled
def _at(plane: int, column: int) -> Any:
    return np.uint64(plane * PLANE) + np.uint64(column)  # unsigned: what may be negative is not vectorized


@_compiled
def _spread(row: Floats, deep: int, first: int, axis: Axis, left: int, columns: int, sheet: Floats) -> None:
    """Three coefficients of `row`, from the `first` of each `deep`, at the columns from `left` on."""
    before, _, starts = axis
    cells = len(starts) - 1
    for cell in range(before[left], before[left + columns - 1] + 1):
        here, after = cell * deep + first, min(cell + 1, cells - 1) * deep + first
        c0, c1, c2 = row[here], row[here + 1], row[here + 2]
        d0, d1, d2 = row[after] - c0, row[after + 1] - c1, row[after + 2] - c2
        start, end = max(starts[cell] - left, 0), min(starts[cell + 1] - left, columns)
        end = start + (end - start + LANES - 1) // LANES * LANES  # the next cell overwrites what is too much
        for x in range(start, end):
            weight = sheet[_at(0, x)]
            sheet[_at(1, x)] = c0 + weight * d0
            sheet[_at(2, x)] = c1 + weight * d1
            sheet[_at(3, x)] = c2 + weight * d2


@_compiled
def _paint(source: Image, s: Any, m: Any, strength: Any, sheets: Floats, target: Image) -> None:
    """A row of pixels. `s`, `m`: the weights of the even and of the odd row, of strokes and of the matrix."""
    for x in range(len(target) // 3):
        p0, p1, p2 = np.float32(source[3 * x]), np.float32(source[3 * x + 1]), np.float32(source[3 * x + 2])
        x0, x1, x2 = p0 * SCALE - ONE, p1 * SCALE - ONE, p2 * SCALE - ONE
        e0, e1, e2 = x0 * m[0], x1 * m[0], x2 * m[0]
        o0, o1, o2 = x0 * m[1], x1 * m[1], x2 * m[1]
        for c in range(3):
            v = sheets[_at(1 + c, x)] * s[0] + sheets[_at(5 + c, x)] * s[1]
            even, odd = 9 + 8 * c, 13 + 8 * c
            v += sheets[_at(even, x)] * e0 + sheets[_at(even + 1, x)] * e1 + sheets[_at(even + 2, x)] * e2
            v += sheets[_at(odd, x)] * o0 + sheets[_at(odd + 1, x)] * o1 + sheets[_at(odd + 2, x)] * o2
            v = min(max(v, -LIMIT), LIMIT)
            q = v * v
            level = MIDDLE + v * (C1 + q * (C3 + q * (C5 + q * (C7 + q * C9))))
            p = (p0, p1, p2)[c]
            target[3 * x + c] = np.uint8(np.int32(p + strength * (level - p) + HALF))


@_compiled
def _shares(axis: Axis, y: int) -> Any:
    """How much of the even and of the odd row of coefficients is in row `y` of the picture."""
    after = axis[1][y]
    return (ONE - after, after) if axis[0][y] % 2 == 0 else (after, ONE - after)


def _band(
    picture: Image,
    strokes: Floats,
    matrix: Floats,
    strokes_down: Axis,
    strokes_across: Axis,
    matrix_down: Axis,
    matrix_across: Axis,
    strength: Any,
    result: Image,
    top: int,
    bottom: int,
) -> None:
    """The rows of `result` from `top` to before `bottom`."""
    width = picture.shape[1] // 3
    sheets = np.zeros(SHEETS * SHEET, np.float32)
    held = np.empty(4, np.int64)  # the rows of coefficients in the sheets: strokes, even and odd, matrix, even and odd
    for left in range(0, width, TILE):
        columns = min(TILE, width - left)
        for number in range(SHEETS):
            across = strokes_across if number < 2 else matrix_across
            sheets[number * SHEET : number * SHEET + columns] = across[1][left : left + columns]
        held[:] = -1
        for y in range(top, bottom):
            for row in range(strokes_down[0][y], min(strokes_down[0][y] + 2, len(strokes))):
                if held[row % 2] != row:
                    held[row % 2] = row
                    sheet = sheets[row % 2 * SHEET :]
                    _spread(strokes[row], 3, 0, strokes_across, left, columns, sheet)
            for row in range(matrix_down[0][y], min(matrix_down[0][y] + 2, len(matrix))):
                if held[2 + row % 2] != row:
                    held[2 + row % 2] = row
                    for c in range(3):
                        sheet = sheets[(2 + 2 * c + row % 2) * SHEET :]
                        _spread(matrix[row], 9, 3 * c, matrix_across, left, columns, sheet)
            pixels = slice(3 * left, 3 * (left + columns))
            shares = _shares(strokes_down, y), _shares(matrix_down, y)
            _paint(picture[y, pixels], *shares, strength, sheets, result[y, pixels])
