"""What was said during a show, kept in a file that does not grow for ever."""

import logging
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from murai.errors import SinkError

BYTES, OLDER = 1_000_000, 3
"""How large a file becomes before the next begins, and how many older ones stay."""
DATED = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4} ")
"""How a line begins."""
EVERY = 600.0
"""Seconds between two lines of figures."""


class Diary:
    """Appends sentences to the file `path`, each with the time and its zone.

    Raises SinkError for a file that is none of these, and where it or its folder cannot be written. What fails later,
    on a full disk, is left out: a show goes on.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + EVERY
        try:
            _refuse_others(path)
            self._file = _Quiet(path, maxBytes=BYTES, backupCount=OLDER, encoding="utf-8")
        except OSError as error:
            raise SinkError(f"{path} cannot be written ({error.strerror}); give another --log.") from error
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S%z"))

    def __call__(self, text: str) -> None:
        """Keep a sentence, in one line."""
        self._file.handle(logging.makeLogRecord({"msg": "%s", "args": (" ".join(text.split()),)}))

    def tick(self, figures: Callable[[], str]) -> None:
        """To be called again and again: now and then `figures` are kept."""
        if self._clock() >= self._next:
            self._next = self._clock() + EVERY
            self(figures())

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()


def _refuse_others(path: Path) -> None:
    """Raise SinkError for a file that was not written here, and for a folder where no older ones can be kept."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            if not DATED.match(file.readline(200)):
                raise SinkError(f"{path} is no log of murai; give another --log.")
    if not os.access(path.parent, os.W_OK):
        raise SinkError(f"the folder of {path} cannot be written; give another --log.")


class _Quiet(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out."""
