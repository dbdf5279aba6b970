"""A source that ends earlier or is mirrored."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from murai.frame import Frame, StreamInfo
from murai.parts import Source


class Altered:
    """The first `frames` frames of a source (all where None), mirrored if asked."""

    def __init__(self, source: Source, *, frames: int | None = None, mirror: bool = False) -> None:
        self._source = source
        self._frames = frames
        self._mirror = mirror

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
            yield replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1])) if self._mirror else frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()
