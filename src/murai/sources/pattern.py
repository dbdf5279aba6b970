"""A drawn scene that stands in for a camera."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

from murai.errors import SourceError
from murai.frame import Frame, StreamInfo
from murai.sources.scene import Scene


class PatternSource:
    """An animated landscape with edges, texture, soft gradients and moving figures.

    width, height   pixels, 16 or more
    rate            frames a second
    live            keep to the clock: a frame is given when it is due, and those a slow reader missed are skipped,
                    which shows as a gap in `index`. False gives every frame as fast as it is asked
    frames          how many to give, None for no end

    Frame n always looks the same, lasts one tick of 1 / `rate` seconds and has pts n.
    Raises SourceError for a size or rate that cannot be drawn.
    """

    def __init__(
        self,
        width: int = 1280,
        height: int = 720,
        rate: int | Fraction = 30,
        *,
        live: bool = True,
        frames: int | None = None,
    ) -> None:
        if min(width, height) < 16 or rate <= 0:
            raise SourceError(f"The pattern is at least 16x16 and 1 frame a second, not {width}x{height} at {rate}.")
        self.live = live
        self.info = StreamInfo(width, height, Fraction(rate), 1 / Fraction(rate), live=live, frames=frames)
        # A second of drawing, done while whoever opened the pattern gets the rest of the show ready.
        drawing = ThreadPoolExecutor(1, "murai pattern")
        self._scene = drawing.submit(Scene, width, height)
        drawing.shutdown(wait=False)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        self._scene.result()
        start = time.monotonic()
        index, given = 0, 0
        while given != self.info.frames and not self._closed.is_set():
            if self.live:
                index = self._wait_for_due(start, index)
            if not self._closed.is_set():
                yield self._frame(index)
            index, given = index + 1, given + 1

    def close(self) -> None:
        """End, also while waiting for the next frame to be due."""
        self._closed.set()

    def _wait_for_due(self, start: float, index: int) -> int:
        """Wait until frame `index` is due; the newest frame that is due then."""
        elapsed = time.monotonic() - start
        newest = int(elapsed * self.info.rate)
        if newest < index:
            self._closed.wait(float(index * self.info.time_base) - elapsed)
        return max(index, newest)

    def _frame(self, index: int) -> Frame:
        captured = time.monotonic()
        image = self._scene.result().draw(float(index * self.info.time_base))
        return Frame(image, index, self.info.time_base, index, duration=1, captured=captured)
