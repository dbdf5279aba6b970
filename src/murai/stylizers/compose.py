"""What is done to pictures around the network: fit them to it, blend, keep colours. numpy and Pillow only.

Pictures are uint8 [H, W, 3] RGB. Arithmetic goes band by band, because a band and its wider copies stay in the cache:
three times as fast as whole pictures.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling, fromarray

from murai.frame import Image

BAND = 32_000
"""Pixels in a band, about."""

AREA = 640 * 360
"""Pixels at which the network works where nothing else is asked for: strokes take the same share of every larger
picture."""

# How noise is held back, see `calm`:
BLOCK = 4
"""Cells a side of what has one gain; a cell is a pixel of the work size."""
NOISE, MOTION = 60.0, 160.0
"""Mean squared difference, in levels of 255: up to the first all is noise, from the second on nothing is."""
LEAST = 0.1
"""The gain where all is noise, at full calm: a picture at rest is the mean of about twenty."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""The shares of red, green and blue in brightness, BT.709."""


def fit(width: int, height: int, size: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height that the network works at, in pixels: same aspect, never larger than the picture.

    It is inside `size`, which is turned for a picture that stands upright, so that it means as many pixels as for one
    that lies; None is a share of the picture that has AREA pixels.
    """
    if size is None:
        scale = min(1.0, (AREA / (width * height)) ** 0.5)
    else:
        long, short = max(size), min(size)
        scale = min(1.0, long / max(width, height), short / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def work_size(width: int, height: int, size: tuple[int, int] | None, stroke_size: float) -> tuple[int, int]:
    """`fit`, so many times smaller that strokes are `stroke_size` as large, made even as networks need it.

    A stroke size below 1 asks for more than that, at most for the picture's own size. Sides are 2 or more, and what is
    odd becomes a pixel more or less.
    """
    across, down = fit(width, height, size)
    stroke_size = round(2 * stroke_size) / 2  # each size is prepared, so there are few
    scale = min(width / across, height / down, 1 / stroke_size)
    return _even(across * scale), _even(down * scale)


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2))


def resize(image: Image, width: int, height: int) -> Image:
    """`image` at `width` x `height`; itself where it has that size."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = width * height < image.shape[0] * image.shape[1]
    # Nearly as sharp as bicubic in two thirds of the time.
    method = Resampling.HAMMING if shrinks else Resampling.BILINEAR
    return np.asarray(fromarray(image).resize((width, height), method))


def shrink(image: Image, width: int, height: int) -> Image:
    """`image` at a smaller `width` x `height`, or a pixel larger: by whole factors first, quicker than `resize`."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(fromarray(image).resize((width, height), Resampling.HAMMING, reducing_gap=1.0))


def mix(image: Image, painted: Image, strength: float) -> Image:
    """From `image` at 0 to `painted` at 1, both exact, in 256 steps between."""
    weight = round(strength * 256)
    if weight in (0, 256):
        return painted if weight else image
    result = np.empty_like(image)
    for band in _bands(image):
        mixed = image[band].astype(np.uint16)
        mixed *= np.uint16(256 - weight)
        mixed += painted[band] * np.uint16(weight)
        mixed += np.uint16(128)
        mixed >>= np.uint16(8)
        result[band] = mixed
    return result


def lay_over(image: Image, painted: Image, mask: NDArray[np.uint8]) -> Image:
    """`painted` where `mask`, uint8 [H, W], is 255, `image` where it is 0, both exact, and a mixture between."""
    result = np.empty_like(image)
    for band in _bands(image):
        weight = mask[band].astype(np.int32)[..., None]
        weight += weight >> 7  # 0 to 256, so that a shift divides
        below = image[band].astype(np.int32)
        result[band] = below + (((painted[band] - below) * weight + 128) >> 8)
    return result


def beside(image: Image, painted: Image, split: float) -> Image:
    """`painted`, but `image` in the share `split` from the left."""
    columns = round(split * image.shape[1])
    return np.concatenate([image[:, :columns], painted[:, columns:]], axis=1) if columns else painted


def keep_colors(image: Image, painted: Image) -> Image:
    """The brightness of `painted` with the colours of `image`: each pixel of `image`, lighter or darker."""
    result = np.empty_like(image)
    spread = np.repeat(LUMA[:, None], 3, axis=1)  # a product that gives every channel the change of brightness
    for band in _bands(image):
        colors = image[band].astype(np.float32)
        colors += (painted[band] - colors) @ spread
        colors += np.float32(0.5)
        np.clip(colors, 0, 255, out=colors)
        result[band] = colors
    return result


def _bands(image: Image) -> Iterator[slice]:
    height, width = image.shape[:2]
    rows = max(1, BAND // width)
    return (slice(top, top + rows) for top in range(0, height, rows))
