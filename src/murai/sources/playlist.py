"""Files one after another: a folder or list of videos and pictures."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

from murai.errors import Say, SourceError, silent
from murai.frame import Frame
from murai.sources.file import FileSource
from murai.timeline import Timeline

LISTS = (".m3u", ".m3u8")
"""Ends of the names of list files."""


def is_playlist(path: Path) -> bool:
    """True for a folder and for a list file."""
    return path.is_dir() or path.suffix.lower() in LISTS


def listed(path: Path) -> list[Path]:
    """The files of a folder by name, without hidden ones, or those that a list file names, a line each, as M3U has it.

    Names in a list are seen from its own folder. Raises SourceError where there are none.
    """
    try:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
        else:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            files = [path.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}; check the name.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as a list of files ({error}); make it again.") from error
    if not files:
        raise SourceError(f"{path} has no videos or pictures in it; add some.")
    return files


class Playlist:
    """The frames of `files` one after another, and with `loop` over and over; times go on. Sound is left behind.

    A picture stays for `seconds`. Files that cannot be read are told to `say` once and left out. Frames are as large as
    their files. With `on_card` a card decodes the videos, and their frames are tensors there. Raises SourceError at
    birth where none can be read, and while iterating where none can any more.
    """

    live = False

    def __init__(
        self,
        files: list[Path],
        *,
        seconds: float = 5.0,
        loop: bool = False,
        on_card: bool = False,
        say: Say = silent,
    ) -> None:
        self._files, self._seconds, self._loop, self._told = files, seconds, loop, say
        self._on_card = on_card
        self._said: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._now: FileSource | None = None
        first = next(filter(None, map(self._opened, files)), None)
        if first is None:
            raise SourceError(f"none of {len(files)} files can be shown, {files[0].name} first; choose others.")
        self.info = replace(first.info, path=None, frames=None)
        first.close()

    def __iter__(self) -> Iterator[Frame]:
        line, turns = Timeline(self.info), count()
        while True:
            shown = 0
            for file in self._files:
                source = self._opened(file)
                if source is None:
                    continue
                with closing(source):
                    turn = next(turns)
                    for frame in self._held(source):
                        if self._closed:
                            return
                        shown += 1
                        yield line.place(frame, turn)
            if not self._loop or self._closed:
                return
            if not shown:
                raise SourceError(f"none of {len(self._files)} files can be shown any more; put them back.")

    def close(self) -> None:
        """End the file that plays."""
        with self._lock:
            self._closed = True
            if self._now is not None:
                self._now.close()

    def _opened(self, file: Path) -> FileSource | None:
        """`file` as a source, None where it cannot be one, and after `close`."""
        try:
            source = FileSource(file, say=self._say, on_card=self._on_card)
        except SourceError as error:
            self._say(f"left out: {error}")
            return None
        with self._lock:
            self._now = source
            if self._closed:
                source.close()
        return source

    def _say(self, text: str) -> None:
        """Once, however often a file comes round."""
        if text not in self._said:
            self._said.add(text)
            self._told(text)

    def _held(self, source: FileSource) -> Iterator[Frame]:
        """The frames of a video; those of a picture for as long as it stays."""
        if source.info.frames != 1:
            yield from source
            return
        for frame in source:
            for index in range(max(1, round(self._seconds * source.info.rate))):
                yield replace(frame, index=index, pts=frame.pts + index * max(1, frame.duration))
