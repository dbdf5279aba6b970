"""A source that ends earlier, or whose frames are changed on their way."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from murai.frame import Frame, StreamInfo
from murai.parts import Source


class Altered:
    """The first `frames` frames of a source (all where None), each as `change` gives it back."""

    def __init__(
        self, source: Source, *, frames: int | None = None, change: Callable[[Frame], Frame] | None = None
    ) -> None:
        self._source = source
        self._frames = frames
        self._change = change

    @property
    def live(self) -> bool:
        """As the source."""
        return self._source.live

    @property
    def info(self) -> StreamInfo:
        """As the source, with fewer frames to expect."""
        info = self._source.info
        known = [count for count in (info.frames, self._frames) if count is not None]
        return replace(info, frames=min(known, default=None))

    def __iter__(self) -> Iterator[Frame]:
        for frame in islice(self._source, self._frames):
            yield self._change(frame) if self._change else frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def mirrored(frame: Frame) -> Frame:
    """`frame` with left and right exchanged."""
    return replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1]))
