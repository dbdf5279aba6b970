"""What a performer keeps of a running show: pictures and recordings, named by their time."""

import threading
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Protocol

from murai.errors import MuraiError, Say, SinkError, silent
from murai.frame import Frame
from murai.parts import Sink
from murai.sinks.file import FileSink
from murai.sinks.picture import write_picture


class Running(Protocol):
    """A show that goes on, such as a `Pipeline`."""

    @property
    def last(self) -> Frame | None:
        """The newest painted frame."""

    def add(self, sink: Sink) -> None:
        """Give `sink` every frame from now on."""

    def remove(self, sink: Sink) -> None:
        """Take `sink` off and close it."""


class Takes:
    """Keeps snapshots and recordings of `show` in `folder`; the show loses no frame by it.

    `say` hears where each is. Methods may be called from any thread. They raise SinkError where the folder cannot be
    written; what fails later, in the background, is told to `say`.
    """

    def __init__(self, show: Running, folder: Path, say: Say = silent) -> None:
        self._show, self._folder, self._say = show, folder, say
        self._lock = threading.Lock()
        self._recording: FileSink | None = None
        self._given: set[Path] = set()  # names, of which some files are still being written

    def snapshot(self) -> None:
        """Keep the newest picture as a PNG, in the background."""
        frame = self._show.last
        if frame is None:
            raise SinkError("there is no picture yet; take it once something is painted.")
        with self._lock:
            path = self._path(".png")
        threading.Thread(target=self._save, args=(frame, path), name="murai snapshot").start()

    def record(self) -> None:
        """Begin a recording, or end the one that runs."""
        with self._lock:
            sink, self._recording = self._recording, None
            if sink is None:
                self._recording = self._begun()
                return
        threading.Thread(target=self._end, args=(sink,), name="murai recording").start()

    def _begun(self) -> FileSink:
        sink = FileSink(self._path(".mp4"), say=self._say)
        try:
            self._show.add(sink)
        except RuntimeError as error:
            raise SinkError(f"nothing can be recorded any more: {error}.") from error
        self._say(f"recording to {sink.path}")
        return sink

    def _end(self, sink: FileSink) -> None:
        self._show.remove(sink)  # what is queued is still written, which may take a moment
        self._say(f"recorded {sink.path}" if sink.path.exists() else f"{sink.path} was not recorded.")

    def _save(self, frame: Frame, path: Path) -> None:
        try:
            write_picture(path, frame.image)
        except MuraiError as error:
            return self._say(str(error))
        self._say(f"kept {path}")

    def _path(self, suffix: str) -> Path:
        """A name by the time that nothing has yet."""
        if not self._folder.is_dir():
            raise SinkError(f"there is no folder {self._folder} for pictures and recordings; make it first.")
        stem = f"murai-{datetime.now():%Y-%m-%d-%H%M%S}"
        paths = (self._folder / f"{stem}{f'-{n}' if n > 1 else ''}{suffix}" for n in count(1))
        path = next(path for path in paths if path not in self._given and not path.exists())
        self._given.add(path)
        return path
