"""The beat of the music, tapped by hand: every few beats the next style."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median

TAPS = 8
"""The last so many taps count."""
SLOWEST, FASTEST = 2.0, 0.2
"""Seconds between two beats. A longer pause begins a new tempo; shorter is a bounce of the finger."""


class Tempo:
    """Calls `advance` every `beats()` beats of the tempo that is tapped, 0 for never, until `close`.

    Methods may be called from any thread. The first tap is a beat: what follows comes with the music.
    """

    def __init__(
        self, beats: Callable[[], float], advance: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._beats, self._advance, self._clock = beats, advance, clock
        self._taps: deque[float] = deque(maxlen=TAPS)
        self._lock = threading.Lock()
        self._next: float | None = None
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="murai tempo", daemon=True)
        self._thread.start()

    @property
    def seconds(self) -> float | None:
        """Between two beats; None before two taps."""
        with self._lock:
            return self._beat()

    def tap(self) -> None:
        """A beat is now."""
        now = self._clock()
        with self._lock:
            if self._taps and now - self._taps[-1] < FASTEST:
                return
            if self._taps and now - self._taps[-1] > SLOWEST:
                self._taps.clear()
            self._taps.append(now)
            beat = self._beat()
            self._next = None if beat is None else now + beat * max(1.0, self._beats())
        self._wake.set()

    def turn(self) -> float | None:
        """Advance if it is time. Gives the seconds until the next time, None where there is none."""
        now, beats = self._clock(), round(self._beats())
        with self._lock:
            beat = self._beat()
            if beat is None or self._next is None or beats < 1:
                return None
            due = now >= self._next
            if due:  # however late, in time with the music
                self._next += beat * beats * (1 + (now - self._next) // (beat * beats))
            left = self._next - now
        if due:
            self._advance()
        return max(0.0, left)

    def close(self) -> None:
        """Advance no more."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _beat(self) -> float | None:
        gaps = [after - before for before, after in pairwise(self._taps)]
        return median(gaps) if gaps else None

    def _run(self) -> None:
        while not self._closed:
            left = self.turn()
            self._wake.wait(0.5 if left is None else min(left, 0.5))
            self._wake.clear()
