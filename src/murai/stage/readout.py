"""The lines of the read-out: what the show does just now."""

import time
from collections.abc import Callable
from typing import Protocol

from murai.stats import Stats


class Presenting(Protocol):
    """A window that counts what it swapped onto the screen."""

    presented: int


class Readout:
    """The figures of a show in lines. `stats` gives them, `window` shows it, `about` says what paints and where."""

    def __init__(self, stats: Callable[[], Stats], window: Presenting, about: Callable[[], str]) -> None:
        self._stats, self._window, self._about = stats, window, about
        self._then, self._presented = time.monotonic(), window.presented

    def __call__(self) -> list[str]:
        """The lines now; rates of the window are those since the last call."""
        stats, now = self._stats(), time.monotonic()
        rate = (self._window.presented - self._presented) / max(1e-3, now - self._then)
        self._then, self._presented = now, self._window.presented
        delays = [
            f"delay {sink.delay_ms:.0f} ms, 95 %: {sink.delay_95_ms:.0f} ms"
            for name, sink in stats.sinks.items()
            if name.startswith("WindowSink") and sink.delay_ms is not None and sink.delay_95_ms is not None
        ]
        return [
            f"{stats.fps_in:.1f} in, {stats.fps_out:.1f} painted, {rate:.1f} presented a second",
            *delays,
            f"{stats.dropped} dropped, {stats.held} held of {stats.read}",
            self._about(),
        ]
