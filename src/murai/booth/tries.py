"""Who guesses has to wait, longer every time."""

import threading
import time
from collections.abc import Callable

MOST = 10_000
"""Of those who guess, who are remembered."""


class Tries:
    """Counts wrong guesses by who made them. After `free` ones, each makes them wait twice as long as the one before.

    The first wait is `seconds`, none is longer than `longest`; after `longest` without a guess all is forgotten. Any
    thread may ask.
    """

    def __init__(
        self, free: int, seconds: float, longest: float = 3600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free, self._seconds, self._longest, self._clock = free, seconds, longest, clock
        self._lock = threading.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}
        """How many guesses, and when the last one was."""

    def wait(self, who: str) -> float:
        """Seconds until `who` may guess again, 0 for now."""
        with self._lock:
            count, last = self._of(who)
        if count < self._free:
            return 0.0
        pause = min(self._longest, self._seconds * 2.0 ** min(count - self._free, 32))
        return max(0.0, last + pause - self._clock())

    def wrong(self, who: str) -> None:
        """`who` guessed wrong."""
        with self._lock:
            count, _ = self._of(who)
            self._wrong.pop(who, None)
            self._wrong[who] = count + 1, self._clock()
            while len(self._wrong) > MOST:
                del self._wrong[next(iter(self._wrong))]  # the one that was quiet for the longest time

    def right(self, who: str) -> None:
        """`who` guessed right: all is forgotten."""
        with self._lock:
            self._wrong.pop(who, None)

    def _of(self, who: str) -> tuple[int, float]:
        count, last = self._wrong.get(who, (0, 0.0))
        return (0, last) if self._clock() - last > self._longest else (count, last)
