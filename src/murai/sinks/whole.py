"""An output file that appears whole or not at all."""

import os
import uuid
import weakref
from contextlib import suppress
from pathlib import Path

from murai.errors import OutputExists, SinkError

LONGEST_NAME = 255
"""Bytes in a file name, on every common file system."""


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk, as their content is already; where a disk knows of no such thing, not."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


class WholeFile:
    """Work goes to a hidden `temporary` beside `path`; `commit` renames it, `discard` removes it.

    A link is followed, so that it still is a link afterwards. A temporary left by a killed run is never in the way:
    every run has a name of its own.

    Raises OutputExists where the file is there and `overwrite` is False, SinkError for a missing or forbidden folder
    and for anything that is not a file.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.overwrite = overwrite
        self._target = Path(os.path.realpath(path))
        self._check()
        # Short enough whatever the letters are: one has up to four bytes.
        name = f".{self._target.stem[:40]}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part{self._target.suffix}"
        self.temporary = self._target.with_name(name)
        # However this ends, also by Ctrl-C before anybody is responsible for it. Later on there is nothing to remove.
        self._clean_up = weakref.finalize(self, self.temporary.unlink, missing_ok=True)

    def _check(self) -> None:
        folder = self._target.parent
        if len(os.fsencode(self._target.name)) > LONGEST_NAME:
            raise SinkError(f"{self.path} cannot be written: its name is too long, choose a shorter one.")
        if self._target.is_dir():
            raise SinkError(f"{self.path} is a folder: give the name of a file in it.")
        if not folder.is_dir():
            raise SinkError(f"{self.path} cannot be written: {folder} is not a folder, create it first.")
        if self._target.exists() and not self._target.is_file():
            raise SinkError(f"{self.path} is not an ordinary file: choose another name.")
        if self._target.exists() and not self.overwrite:
            raise OutputExists(f"{self.path} exists already: choose another name or allow it with --overwrite.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SinkError(f"{self.path} cannot be written: {folder} does not allow it, choose another folder.")

    def keep_apart(self, source: Path) -> None:
        """Refuse to replace what is being read. Raises SinkError where `source` is this very file."""
        if self._target.exists() and source.exists() and self._target.samefile(source):
            raise SinkError(f"{self.path} is the input itself: choose another name for the output.")

    def commit(self, *, synced: bool = True, keep: bool = False) -> None:
        """Give the finished temporary its name. Raises OutputExists or SinkError, and then the name is untouched.

        `synced` is False for what a full disk left over: it is not asked whether it all reached the disk. `keep` is for
        what cannot be made again: it gets its name even where the disk fails to say so, and SinkError is raised then.
        """
        if not self.overwrite and self._target.exists():
            self._clean_up.detach()
            raise OutputExists(f"{self.path} was made by something else meanwhile: the new one is {self.temporary}.")
        doubt = self._sync() if synced else None
        try:
            if doubt is not None and not keep:
                raise doubt
            os.replace(self.temporary, self._target)
            if synced:
                sync_folder(self._target.parent)
        except OSError as error:
            self.discard()
            raise SinkError(f"{self.path} cannot be written: {error.strerror}.") from error
        if doubt is not None:
            raise SinkError(f"{self.path} may be cut short, the disk did not take all of it: {doubt.strerror}.")

    def _sync(self) -> OSError | None:
        """Renamed only once it is on the disk: a power cut must not leave a name with nothing behind it."""
        try:
            with self.temporary.open("rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            return error
        return None

    def discard(self) -> None:
        """Remove the temporary, if there is one and nobody was told its name."""
        self._clean_up()
