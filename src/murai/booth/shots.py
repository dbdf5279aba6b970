"""From the frames of the mirror to what a visitor takes home: a picture, a strip, a boomerang, before and after."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image

from murai.booth.frames import Look, Sheet
from murai.booth.visit import Kind
from murai.frame import Frame, Image, StreamInfo, on_host
from murai.sinks.encode import fit, host

LOST_SECONDS = 1.5
"""Without a new picture, after which the camera counts as lost."""
BOOMERANG_SECONDS, BOOMERANG_RATE = 1.5, 15
"""How long one is, one way, and how many pictures a second it has."""
SIDES: dict[Kind, int] = {"single": 4096, "strip": 1280, "boomerang": 720, "before-after": 1920}
"""Pixels of the longest side of one picture, by what it becomes part of."""


@dataclass(frozen=True)
class Shot:
    """A picture of the mirror, and what the camera saw then. Both uint8 [H, W, 3] RGB, of one size."""

    painted: Image
    original: Image


@dataclass(frozen=True)
class Kept:
    """What is kept: a picture, and of a boomerang the pictures of its clip in the order they are played."""

    image: Image
    clip: tuple[Image, ...] | None = None


class Catcher:
    """A sink that catches frames of the mirror when it is asked to; one place where all of them pass.

    While a source is lost its last picture is repeated: such frames are never caught. Any thread may ask.
    """

    lossless = False
    essential = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: Any = None  # the newest unpainted picture
        self._new_at = time.monotonic()
        self._kind: Kind | None = None
        self._from = 0.0
        self._shots: list[Shot] = []
        self._caught: list[Shot] | None = None

    @property
    def lost(self) -> bool:
        """Whether no new picture has come for a while."""
        return time.monotonic() - self._new_at > LOST_SECONDS

    def begin(self, kind: Kind) -> None:
        """Catch what a picture of `kind` needs, of what the camera sees from now on."""
        with self._lock:
            self._kind, self._from, self._shots, self._caught = kind, time.monotonic(), [], None

    def caught(self) -> list[Shot] | None:
        """What was caught, once, when it is complete; None until then."""
        with self._lock:
            caught, self._caught = self._caught, None
            return caught

    def open(self, info: StreamInfo) -> None:
        """Get ready."""

    def write(self, frame: Frame) -> None:
        """See one frame."""
        if frame.original is self._seen:
            return
        self._seen, self._new_at = frame.original, time.monotonic()
        with self._lock:
            kind = self._kind
            late = frame.captured - self._from
        if kind is None or late < 0:
            return
        if kind == "boomerang":
            self._add(frame, late)
        else:
            self._end([_shot(frame, SIDES[kind])])

    def close(self, complete: bool = True) -> None:
        """Catch no more."""

    def _add(self, frame: Frame, late: float) -> None:
        """One more picture of a boomerang, where it is time for one, and the end of it."""
        if late > len(self._shots) / BOOMERANG_RATE:
            self._shots.append(_shot(frame, SIDES["boomerang"]))
        if late >= BOOMERANG_SECONDS:
            self._end(self._shots)

    def _end(self, shots: list[Shot]) -> None:
        with self._lock:
            self._kind, self._caught = None, shots


def compose(kind: Kind, shots: Sequence[Shot], look: Look, caption: str, *, square: bool = False) -> Kept:
    """What is kept of `shots`, with everything around it; a `square` strip is two by two instead of four in a row."""
    height, width = shots[0].painted.shape[:2]
    painted = [shot.painted for shot in shots]
    if kind == "strip":
        shape = {"columns": 2, "rows": 2} if square else {"columns": 1, "rows": 4}
        return Kept(Sheet(look, (width, height), caption, **shape)(painted))
    if kind == "before-after":
        shape = {"rows": 2} if width > height else {"columns": 2}
        return Kept(Sheet(look, (width, height), caption, **shape)([shots[0].original, painted[0]]))
    sheet = Sheet(look, (width, height), caption)
    if kind == "single":
        return Kept(sheet(painted))
    clip = [sheet([picture]) for picture in painted]
    return Kept(clip[len(clip) // 2], (*clip, *clip[-2:0:-1]))


def _shot(frame: Frame, side: int) -> Shot:
    return Shot(_within(host(frame), side), _within(on_host(frame.original), side))


def _within(image: Image, side: int) -> Image:
    """`image`, no longer than `side`; always a picture of its own, as sources may use their memory again."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image.copy()
    size = fit(width, height, (side, side))[2:]
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BILINEAR))
