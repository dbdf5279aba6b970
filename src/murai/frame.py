"""One picture of a video with its time, and what a stream says of itself."""

import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture on the host: height x width x 3, uint8, RGB, C-contiguous."""


def on_host(image: Any) -> Image:
    """`image` as numpy: itself, or copied from a card."""
    return image if isinstance(image, np.ndarray) else np.asarray(image.cpu())


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """A picture and the time it belongs to.

    image      H x W x 3, uint8, RGB. numpy on the host; on a card a torch tensor, which is ready for what is put on
               that card's default stream. Read-only by agreement.
    pts        presentation time in ticks of `time_base`
    time_base  seconds a tick
    index      0, 1, 2 ... as the source gave it; a gap tells of dropped frames
    duration   ticks this picture is shown, 0 where the source does not know
    captured   `time.monotonic()` when its packet left the device, socket or file
    original   the unpainted picture, once painted

    Raises ValueError at birth for a picture of another shape or type, TypeError for times that are not exact.
    """

    image: Any
    pts: int
    time_base: Fraction
    index: int
    duration: int = 0
    captured: float = field(default_factory=time.monotonic)
    original: Any = None

    def __post_init__(self) -> None:
        shape = tuple(self.image.shape)
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"a frame is H x W x 3, not {shape}")
        if str(self.image.dtype).removeprefix("torch.") != "uint8":
            raise ValueError(f"a frame is uint8, not {self.image.dtype}")
        if not isinstance(self.pts, int) or not isinstance(self.time_base, Fraction):
            raise TypeError("pts is an int and time_base a Fraction, so that times stay exact")
        if self.time_base <= 0:
            raise ValueError(f"a tick lasts longer than {self.time_base} seconds")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])

    @property
    def time(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)

    def __repr__(self) -> str:
        return f"Frame({self.index}, {self.width}x{self.height}, {self.time:.3f} s)"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a source knows before its first frame.

    width, height   pixels, after rotation
    rate            nominal frames a second
    time_base       seconds a tick of every `Frame.pts` it will give
    live            True where a late frame is worthless: a camera, a stream, the pattern
    path            the file whose sound belongs to these pictures, None where there is none
    frames          how many frames to expect, None where nobody knows
    """

    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    live: bool = False
    path: Path | None = None
    frames: int | None = None
