"""Two styles at once: one inside a mask, such as people or the windows of a wall, another outside it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import fromarray

from murai.controls import Controls
from murai.errors import PackError
from murai.frame import Image
from murai.stylizers import compose
from murai.stylizers.base import PackStylizer
from murai.stylizers.core import prepared, read_graph, reason
from murai.stylizers.repertoire import Repertoire

Mask = Callable[[Image], NDArray[np.uint8]]
"""From a picture to how much of each pixel is inside: [H, W] of the same height and width, 0 to 255."""


FREE_SIZE = 256
"""Pixels a side at which a network looks that takes any size."""


class Masked:
    """Paints with `painter`, and inside the `mask` with `inside` in the style that it has now.

    Strength and the other controls hold for both. What is all outside is painted once. `about` tells the cost,
    and `network_seconds` is what the networks of both styles took for the last picture.
    """

    def __init__(self, painter: Repertoire, inside: PackStylizer, mask: Mask) -> None:
        self._painter, self._inside, self._mask = painter, inside, mask
        self._mix = inside.mix
        self._cost = 0.0
        self.network_seconds = 0.0
        self._stroke_size = 1.0
        self._ready: object = None

    @property
    def names(self) -> tuple[str, ...]:
        """PACK/NAME of every style."""
        return self._painter.names

    @property
    def about(self) -> str:
        """What paints, and how long the mask and the second style took for the last picture."""
        style = " and ".join(self._mix)
        return f"{self._painter.about}, {style} inside the mask ({1000 * self._cost:.0f} ms more)"

    @property
    def size(self) -> tuple[int, int] | None:
        """The work size of both."""
        return self._painter.size

    @size.setter
    def size(self, size: tuple[int, int] | None) -> None:
        self._painter.size = self._inside.size = size

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on. Raises UnknownStyle."""
        self._painter.use(controls)
        self._inside.use(replace(controls, mix=self._mix))
        self._stroke_size = controls.stroke_size

    def reset(self) -> None:
        """Forget the pictures before."""
        self._painter.reset()
        self._inside.reset()

    def prepare(self, width: int, height: int) -> None:
        """Get ready for pictures of this size, so that the first is not late. Raises PackError, RuntimeUnsupported."""
        self._painter.prepare(width, height)
        self(np.zeros((height, width, 3), np.uint8))
        self.reset()

    def __call__(self, image: Image) -> Image:
        """The painting of `image`, same shape."""
        painted = self._painter(image)
        self.network_seconds = self._painter.network_seconds
        start = time.perf_counter()
        mask = self._mask(image)
        at = image.shape, self.size, self._stroke_size
        if mask.any() or at != self._ready:  # made ready for a new size even where nothing is inside yet
            painted, self._ready = compose.lay_over(painted, self._inside(image), mask), at
            self.network_seconds += self._inside.network_seconds
        else:
            self._inside.reset()
        self._cost = time.perf_counter() - start
        return painted


class Still:
    """The same mask for every picture: the brightness of `picture`, stretched to each size it is asked for."""

    def __init__(self, picture: Image) -> None:
        self._whole: NDArray[np.uint8] = np.asarray(fromarray(picture).convert("L"))
        self._mask = self._whole

    def __call__(self, image: Image) -> NDArray[np.uint8]:
        """The mask for `image`."""
        height, width = image.shape[:2]
        if self._mask.shape != (height, width):
            self._mask = compose.resize(self._whole, width, height)
        return self._mask


class Segmentation:
    """What an ONNX network finds, such as people.

    The network in the file `path` takes one picture, RGB in 0..1, [1, 3, H, W] or [1, H, W, 3], and gives one map in
    0..1 of how much of each place is meant, or several, of which the last one is. Raises PackError for any other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        model = read_graph(path, path, "give another network")
        sides = _sides(model)
        if len(sides) != 4 or 3 not in (sides[1], sides[3]):
            raise PackError(
                f"{path} does not take one picture of float32 [1, 3, H, W] or [1, H, W, 3]; give another network."
            )
        self._first = sides[1] == 3  # whether the colours come before height and width
        height, width = sides[2:] if self._first else sides[1:3]
        size = [height or FREE_SIZE, width or FREE_SIZE]
        self._height, self._width = size
        try:
            model.reshape([1, 3, *size] if self._first else [1, *size, 3])
            self._request = prepared(model, "f32")
            self._find(np.zeros((*size, 3), np.uint8))
        except RuntimeError as error:
            raise PackError(f"{path} cannot be run here ({reason(error)}); give another network.") from error

    def __call__(self, image: Image) -> NDArray[np.uint8]:
        """The mask for `image`."""
        found = self._find(compose.resize(image, self._width, self._height))
        height, width = image.shape[:2]
        return compose.resize(found, width, height)

    def _find(self, small: Image) -> NDArray[np.uint8]:
        picture = small.astype(np.float32) / 255
        picture = picture.transpose(2, 0, 1) if self._first else picture
        found = np.squeeze(self._request.infer([np.ascontiguousarray(picture[None])])[0])
        if found.ndim == 3:  # maps come before height and width, or after
            found = found[-1] if found.shape[0] < found.shape[2] else found[..., -1]
        if found.ndim != 2:
            raise PackError(f"{self._path} gives no map of the picture, but {found.shape}; give another network.")
        levels: NDArray[np.uint8] = (255 * np.clip(np.nan_to_num(found), 0, 1) + 0.5).astype(np.uint8)
        return levels


def _sides(model: Any) -> list[int | None]:
    """The shape of the only input, None where it is free; nothing where there are more, or it is not of float32."""
    if len(model.inputs) != 1:
        return []
    shape, kind = model.input().partial_shape, model.input().element_type.to_string()
    if kind != "f32" or shape.rank.is_dynamic:
        return []
    return [None if side.is_dynamic else int(side.get_length()) for side in shape]
