"""A second process beside the booth, such as the slideshow, which is started again where it ends."""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from murai.errors import Say, silent

FIRST, LONGEST = 2.0, 60.0
"""Seconds until it is started again; twice as many each time, until it has run that long by itself."""
PATIENCE = 5.0


class Companion:
    """Runs murai with `arguments` from construction to `close`; `tick` is to be called again and again.

    `say` hears that it ended, and why as far as it said so; the same only once.
    """

    def __init__(
        self, arguments: Sequence[str], say: Say = silent, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._command = [sys.executable, "-m", "murai", *arguments]
        self._name, self._say, self._clock = arguments[0], say, clock
        self._process: subprocess.Popen[str] | None = None
        self._lines = deque[str](maxlen=1)
        self._told = ""
        self._wait = FIRST
        self._due = 0.0
        self._start()

    @property
    def process(self) -> int:
        """Its number, 0 where it could not be started."""
        return self._process.pid if self._process else 0

    def tick(self) -> None:
        """Start it again where it ended, after a while."""
        if self._process is not None and self._process.poll() is None:
            return
        now = self._clock()
        if not self._due:
            self._wait = FIRST if now - self._began > LONGEST else min(LONGEST, 2 * self._wait)
            self._due = now + self._wait
            self._tell()
        elif now >= self._due:
            self._start()

    def close(self) -> None:
        """End it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(PATIENCE)

    def _start(self) -> None:
        self._began, self._due = self._clock(), 0.0
        self._process, self._lines = None, deque(maxlen=1)
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except OSError as error:  # no memory, no files left
            self._lines.append(f"{error.strerror}.")
            return
        self._listener = threading.Thread(
            target=self._lines.extend, args=(self._process.stderr,), name="murai companion", daemon=True
        )
        self._listener.start()

    def _tell(self) -> None:
        """Say that it ended; where that was a trouble, with the last line it said of it."""
        why = ""
        if self._process is None or self._process.returncode:
            if self._process is not None:
                self._listener.join(PATIENCE)
            why = "".join(self._lines).strip().removeprefix("murai: ")
        said = f"the {self._name} ended and is started again{f': {why}' if why else '.'}"
        if said != self._told:
            self._told = said
            self._say(said)
