"""A live source that comes back after a loss."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from fractions import Fraction

from murai.errors import Say, SourceError, StreamLost, silent
from murai.frame import Frame, StreamInfo
from murai.parts import Source
from murai.sources.background import Background

HOLD = 0.2
"""Seconds from one held picture to the next: enough that a window or a server sees life."""


class Resilient:
    """Gives the frames of a source; when it is lost, holds the last picture and opens it again until it works.

    While it waits, the last picture is repeated five times a second. Between attempts it pauses for `first_delay`
    seconds, then twice as long each time, up to `longest_delay`. `pts` and `index` strictly increase throughout, in
    the `time_base` of the first connection, and the time lost is in them. `info` is that of the first connection,
    and so is `live`: a source that is not live may end, and its loss is raised.

    The first opening raises whatever `open_source` raises.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        say: Say = silent,
        first_delay: float = 0.5,
        longest_delay: float = 10.0,
    ) -> None:
        self._open_source = open_source
        self._say = say
        self._first_delay = first_delay
        self._longest_delay = longest_delay
        self._lock = threading.Lock()  # guards the change of source against close()
        self._closed = threading.Event()
        self._source = open_source()
        self.info: StreamInfo = self._source.info
        self._last: Frame | None = None

    @property
    def live(self) -> bool:
        """As the source says."""
        return self.info.live

    def __iter__(self) -> Iterator[Frame]:
        while not self._closed.is_set():
            loss = f"The {'stream' if self.live else 'file'} has ended."
            try:
                yield from self._rebased(self._source)
                if not self.live:
                    return
            except StreamLost as lost:
                if not self.live:
                    raise
                loss = str(lost)
            if not self._closed.is_set():
                self._say(f"{loss} Trying again.")
                yield from self._held_until_open()

    def close(self) -> None:
        """Stop, also in the middle of a wait or a read."""
        self._closed.set()
        with self._lock:
            self._source.close()

    def _rebased(self, source: Source) -> Iterator[Frame]:
        """The frames of one connection, moved to follow the last frame before it."""
        origin = None
        for frame in source:
            if origin is None:
                origin = frame.pts * frame.time_base
                start = self._now() if self._last else origin
            pts = round((start + frame.pts * frame.time_base - origin) / self.info.time_base)
            duration = round(frame.duration * frame.time_base / self.info.time_base)
            yield self._follow(frame, pts, duration)

    def _held_until_open(self) -> Iterator[Frame]:
        self._source.close()
        opening = Background(self._reopen(), name="reopen")
        while not self._closed.is_set():
            try:
                opening.get(HOLD)
                break
            except TimeoutError:
                if self._last is not None:
                    pts = round(self._now() / self.info.time_base)
                    yield self._follow(replace(self._last, captured=time.monotonic()), pts, 0)
        if not self._closed.is_set():
            self._say("The picture is back.")

    def _reopen(self) -> Generator[Source | None, None, None]:
        delay = self._first_delay
        while not self._closed.wait(delay):
            delay = min(2 * delay, self._longest_delay)
            try:
                source = self._open_source()
            except SourceError:
                continue
            with self._lock:
                self._source = source
                if self._closed.is_set():
                    source.close()
            yield source
            return

    def _now(self) -> Fraction:
        """The time in seconds that a frame has which is captured now."""
        assert self._last is not None
        elapsed = Fraction(time.monotonic() - self._last.captured)
        return self._last.pts * self._last.time_base + elapsed

    def _follow(self, frame: Frame, pts: int, duration: int) -> Frame:
        index = 0
        if self._last is not None:
            index, pts = self._last.index + 1, max(pts, self._last.pts + 1)
        self._last = replace(frame, pts=pts, time_base=self.info.time_base, duration=duration, index=index)
        return self._last
