"""A file played like a camera: each frame at its own time, and late ones are nobody's concern."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from murai.frame import Frame, StreamInfo


class Readable(Protocol):
    """What `Paced` plays: any source that is not live."""

    @property
    def info(self) -> StreamInfo:
        """Known before the first frame."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Free the file."""


class Paced:
    """Gives the frames of a file at the pace of the clock, as a live source. Its sound is left behind.

    The clock starts with the first frame. The end comes when the last has been there for its duration. A frame counts
    as captured when it is due, or, where that was missed, when its packet was read: its decoding is part of the delay.
    """

    live = True

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._closed = threading.Event()
        self.info = dataclasses.replace(source.info, live=True, path=None)

    def __iter__(self) -> Iterator[Frame]:
        start: float | None = None
        for frame in self._source:
            now = time.monotonic()
            start = now - frame.time if start is None else start
            due = start + frame.time
            if self._closed.wait(max(0.0, due - now)):
                return
            yield dataclasses.replace(frame, captured=max(due, frame.captured))
        if start is not None:
            self._closed.wait(max(0.0, due + float(frame.duration * frame.time_base) - time.monotonic()))

    def close(self) -> None:
        """Wake a waiting reader and let the file go."""
        self._closed.set()
        self._source.close()
