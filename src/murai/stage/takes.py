"""What a performer keeps of a running show: pictures and recordings, named by their time."""

import threading
import time
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Protocol

from murai.errors import MuraiError, Say, SinkError, silent
from murai.frame import Frame
from murai.parts import Sink
from murai.sinks.encode import host
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


LOOK_EVERY = 2.0
"""Seconds between two looks at how much recordings take of the disk."""
LEFT_SECONDS = 60.0
"""What nobody wrote to for so long is left by a show that was cut off."""
MOST_SAVING = 16
"""Snapshots that may be on their way to the disk at once."""
NAME = "murai-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9][0-9][0-9][0-9][0-9][0-9]*"


class Takes:
    """Keeps snapshots and recordings of `show` in `folder`; the show loses no frame by it.

    With a `limit` in bytes, a recording that fills half of it goes on in a new file, and the oldest recordings in the
    folder, by their names, are removed, so that a show may be recorded for days. No frame is lost between two files;
    a few may be in both. What a show that was cut off left gets its name.

    With `on_card` a card encodes recordings, where it does.

    `say` hears where each is. Methods may be called from any thread. They raise SinkError where the folder cannot be
    written; what fails later, in the background, is told to `say`.
    """

    def __init__(
        self, show: Running, folder: Path, say: Say = silent, *, limit: int | None = None, on_card: bool = False
    ) -> None:
        self._show, self._folder, self._say, self._limit = show, folder, say, limit
        self._lock = threading.Lock()
        self._recording: FileSink | None = None
        self._on_card = on_card
        self._given: set[Path] = set()  # names, of which some files are still being written
        self._saving = threading.Semaphore(MOST_SAVING)
        self._take_up()

    def snapshot(self) -> None:
        """Keep the newest picture as a PNG, in the background."""
        frame = self._show.last
        if frame is None:
            raise SinkError("there is no picture yet; take it once something is painted.")
        if not self._saving.acquire(blocking=False):
            raise SinkError("the pictures before are still being saved; wait a moment.")
        try:
            with self._lock:
                path = self._path(".png")
        except MuraiError:
            self._saving.release()
            raise
        threading.Thread(target=self._save, args=(frame, path), name="murai snapshot").start()

    def record(self) -> None:
        """Begin a recording, or end the one that runs."""
        with self._lock:
            sink, self._recording = self._recording, None
            if sink is None:
                return self._begin()
        threading.Thread(target=self._end, args=(sink,), name="murai recording").start()

    def _begin(self) -> None:
        sink = FileSink(self._path(".mp4"), on_card=self._on_card, say=self._say)
        try:
            self._show.add(sink)
        except RuntimeError as error:
            raise SinkError(f"nothing can be recorded any more: {error}.") from error
        self._recording = sink
        self._say(f"recording to {sink.path}")
        if self._limit is not None:
            threading.Thread(target=self._watch, args=(sink,), name="murai disk", daemon=True).start()

    def _watch(self, sink: FileSink) -> None:
        """Keep to the limit while `sink` records, and let another go on when it is long enough."""
        assert self._limit is not None
        refusal = ""
        while self._recording is sink and not sink.path.exists():
            self._take_up()
            self._make_room(self._limit)
            if sum(map(_size, self._folder.glob(f".{sink.path.stem}.*"))) > self._limit / 2:
                try:
                    return self._roll(sink)
                except MuraiError as error:  # said once, and tried again at the next look
                    if str(error) != refusal:
                        self._say(f"the recording goes on in one file: {error}")
                    refusal = str(error)
            time.sleep(LOOK_EVERY)

    def _roll(self, sink: FileSink) -> None:
        with self._lock:
            if self._recording is not sink:
                return
            self._begin()
        self._end(sink)

    def _take_up(self) -> None:
        """Give recordings of shows that were cut off, by a power cut say, their names."""
        for file in self._folder.glob(f".{NAME}.part.mp4"):
            stem, writer = file.name[1:].split(".")[:2]
            path = file.with_name(f"{stem}.mp4")
            if path in self._given or path.exists():
                continue
            with suppress(OSError):  # it has just been named or removed
                about = file.stat()
                left = time.time() - about.st_mtime > LEFT_SECONDS or _is_gone(writer)
                if left and about.st_size:
                    file.rename(path)
                    self._say(f"kept {path}, which a show left that was cut off")

    def _make_room(self, limit: int) -> None:
        """Remove the oldest recordings until all of them are within the limit."""
        recordings = sorted(self._folder.glob(f"{NAME}.mp4"))
        total = sum(map(_size, [*recordings, *self._folder.glob(f".{NAME}.mp4")]))
        for file in recordings:
            if total <= limit:
                return
            total -= _size(file)
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                self._say(f"{file} cannot be removed to make room: {error.strerror}.")
            else:
                self._say(f"removed {file}, the oldest recording, to make room")

    def _end(self, sink: FileSink) -> None:
        self._show.remove(sink)  # what is queued is still written, which may take a moment
        self._say(f"recorded {sink.path}" if sink.path.exists() else f"{sink.path} was not recorded.")

    def _save(self, frame: Frame, path: Path) -> None:
        try:
            write_picture(path, host(frame))
        except MuraiError as error:
            return self._say(str(error))
        finally:
            self._saving.release()
        self._say(f"kept {path}")

    def _path(self, suffix: str) -> Path:
        """A name by the time that nothing has yet."""
        refuse_folder(self._folder)
        stem = f"murai-{datetime.now():%Y-%m-%d-%H%M%S}"
        paths = (self._folder / f"{stem}{f'-{n}' if n > 1 else ''}{suffix}" for n in count(1))
        path = next(path for path in paths if path not in self._given and not path.exists())
        self._given.add(path)
        return path


def refuse_folder(folder: Path) -> None:
    """Raise SinkError where nothing could be kept in `folder`."""
    if not folder.is_dir():
        raise SinkError(f"there is no folder {folder} for pictures and recordings; make it first.")


def _is_gone(process: str) -> bool:
    """Whether there is no process of that number; False where that is not told."""
    return Path("/proc/self").exists() and not Path("/proc", process).exists()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # it has just been named or removed
        return 0
