"""A second process beside the booth, such as the slideshow, which is started again where it ends."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from murai.errors import Say, silent

FIRST, LONGEST = 2.0, 60.0
"""Seconds until it is started again; twice as many each time, until it has run that long by itself."""
PATIENCE = 5.0


class Companion:
    """Runs murai with `arguments` from construction to `close`; `tick` is to be called again and again."""

    def __init__(
        self, arguments: Sequence[str], say: Say = silent, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._command = [sys.executable, "-m", "murai", *arguments]
        self._name, self._say, self._clock = arguments[0], say, clock
        self._wait = FIRST
        self._due = 0.0
        self._start()

    @property
    def process(self) -> int:
        """Its number."""
        return self._process.pid

    def tick(self) -> None:
        """Start it again where it ended, after a while."""
        if self._process.poll() is None:
            return
        now = self._clock()
        if not self._due:
            self._wait = FIRST if now - self._began > LONGEST else min(LONGEST, 2 * self._wait)
            self._due = now + self._wait
            self._say(f"the {self._name} ended and is started again.")
        elif now >= self._due:
            self._start()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._began, self._due = self._clock(), 0.0
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
