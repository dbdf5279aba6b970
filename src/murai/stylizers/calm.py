"""Holding back the noise of what stands still, before it is painted: the only memory between two pictures.

The same idea as in cameras and video encoders (recursive temporal noise reduction, after Dubois and Sabri 1984): each
block of a picture moves what is remembered of it by a gain, small where the difference is no more than a camera's
noise, and 1, which forgets, where something moved. So nothing trails behind, and what the noise would have made of the
strokes of a wall or a face at rest does not happen.
"""

from typing import Any

import numpy as np

from murai.frame import Image
from murai.stylizers.compose import BLOCK, LEAST, MOTION, NOISE
from murai.stylizers.core import op, ov, prepared


class Calm:
    """Pictures of one stream with their noise held back: uint8 [H, W, 3], the same type and shape out."""

    def __init__(self) -> None:
        self._prepared: tuple[tuple[int, ...], int] = (), 1
        self._request: Any = None
        self._fresh = True

    def reset(self) -> None:
        """Forget: the next picture comes out as it is."""
        self._fresh = True

    def __call__(self, image: Image, calm: float, cell: int = 1) -> Image:
        """`image`, with what stands still changing less: `calm` 0 is not at all, and forgets; 1 is most.

        Differences are looked at in the mean of `cell` x `cell` pixels, in which there is less noise; another one
        forgets.
        """
        if calm == 0:
            self.reset()
            return image
        if self._prepared != (image.shape, cell):
            self._request = prepared(_graph(image.shape[0], image.shape[1], cell), "f32")
            self._prepared = image.shape, cell
        elif self._fresh:
            self._request.reset_state()
        self._fresh = False
        gain = np.float32(1 - (1 - LEAST) * calm)
        still: Image = self._request.infer({0: np.ascontiguousarray(image), 1: gain}, share_inputs=True)[0]
        return still


def _graph(height: int, width: int, cell: int) -> Any:
    """From a picture and the gain at rest to the picture at rest; what it remembers begins as its first picture."""
    block = BLOCK * cell  # pixels a side that have one gain
    rows, columns = -(-height // block), -(-width // block)
    flat = [1, 1, rows * block, columns * block * 3]  # colours side by side, so that pooling takes all three
    image, least = op.parameter([height, width, 3], np.uint8), op.parameter([], np.float32)
    margin = [rows * block - height, columns * block - width, 0]
    whole = op.pad(image, _numbers([0, 0, 0]), _numbers(margin), "edge")
    now = op.reshape(op.convert(whole, "f32"), _numbers(flat), special_zero=False)
    before = op.read_value(now, "before", ov.Type.f32, flat)
    change = op.subtract(now, before)
    shape, seen = [BLOCK, BLOCK * 3], change
    if cell > 1:
        cells = op.reshape(change, _numbers([rows * BLOCK, cell, columns * BLOCK, cell, 3]), special_zero=False)
        means = op.reduce_mean(cells, _numbers([1, 3]))
        seen = op.reshape(means, _numbers([1, 1, rows * BLOCK, columns * BLOCK * 3]), special_zero=False)
    square = op.avg_pool(op.multiply(seen, seen), shape, [0, 0], [0, 0], shape, exclude_pad=True)
    square = op.avg_pool(square, [1, 1], [1, 1], [1, 1], [3, 3], exclude_pad=True)
    moved = op.multiply(op.subtract(square, _value(NOISE)), _value(1 / (MOTION - NOISE)))
    gain = op.reshape(op.maximum(op.clamp(moved, 0, 1), least), _numbers([1, rows, 1, columns, 1]), special_zero=False)
    blocks = op.reshape(change, _numbers([1, rows, block, columns, block * 3]), special_zero=False)
    after = op.add(before, op.reshape(op.multiply(gain, blocks), _numbers(flat), special_zero=False))
    levels = op.convert(op.round(after, "half_to_even"), "u8")
    padded = op.reshape(levels, _numbers([rows * block, columns * block, 3]), special_zero=False)
    result = op.slice(padded, _numbers([0, 0]), _numbers([height, width]), _numbers([1, 1]), _numbers([0, 1]))
    return ov.Model([op.result(result)], [op.assign(after, "before")], [image, least])


def _numbers(values: list[int]) -> Any:
    return op.constant(np.array(values, np.int64))


def _value(value: float) -> Any:
    return op.constant(np.float32(value))
