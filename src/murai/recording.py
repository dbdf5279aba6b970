"""The queue in front of a recording of a live show: it never makes the show wait, and loses a frame last of all."""

import dataclasses
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from murai.errors import Say, silent
from murai.frame import Frame
from murai.mailbox import Closed, Mailbox

IN_MEMORY = 64  # frames: two seconds of a busy disk
ON_DISK = 600  # frames after those: twenty seconds
STAND_IN = np.zeros((1, 1, 3), np.uint8)  # a frame needs a picture while its own lies on disk


@dataclasses.dataclass(frozen=True, slots=True)
class Spilled:
    """A frame whose pictures lie in a file."""

    frame: Frame
    path: Path

    def load(self) -> Frame:
        """The whole frame again; its file is deleted. Raises OSError when it cannot be read."""
        with self.path.open("rb") as file:
            image, original = np.load(file), np.load(file)
        self.path.unlink()
        return dataclasses.replace(self.frame, image=image, original=original)


class Spill:
    """A temporary folder for painted frames, made when the first is saved. One thread saves, any may close."""

    def __init__(self, parent: Path | None) -> None:
        self._parent = parent
        self._folder: TemporaryDirectory[str] | None = None
        self._saved = 0
        self._closed = False
        self._lock = threading.Lock()

    def save(self, frame: Frame) -> Spilled:
        """Write the pictures of `frame`. Raises OSError when that fails, Closed when the folder is gone."""
        with self._lock:
            if self._closed:
                raise Closed
            self._folder = self._folder or TemporaryDirectory(
                prefix="murai-", dir=self._parent, ignore_cleanup_errors=True
            )
            path = Path(self._folder.name) / f"{self._saved}.npy"
            self._saved += 1
            try:
                with path.open("wb") as file:
                    np.save(file, frame.image)
                    np.save(file, frame.original)
            except OSError:
                path.unlink(missing_ok=True)  # half a frame would fill the disk for good
                raise
        return Spilled(dataclasses.replace(frame, image=STAND_IN, original=None), path)

    def close(self) -> None:
        """Delete the folder and whatever is in it."""
        with self._lock:
            self._closed = True
            if self._folder:
                self._folder.cleanup()


class Recording(Mailbox[Any]):
    """A mailbox for painted frames that never makes `put` wait: memory first, then the disk, then it drops and counts.

    name    of the sink, for the one sentence said at the first dropped frame
    spill   the folder to make the temporary one in; None: the system's
    """

    def __init__(self, name: str, spill: Path | None = None, say: Say = silent) -> None:
        super().__init__(IN_MEMORY + ON_DISK)
        self._name, self._say = name, say
        self._spill = Spill(spill)
        self._lost = False

    def put(self, frame: Frame) -> None:
        """Keep `frame`, or drop and count it. Raises Closed."""
        waiting = len(self)
        try:
            if waiting < IN_MEMORY:
                super().put(frame)
            elif waiting >= IN_MEMORY + ON_DISK:
                self._lose(f"{ON_DISK} frames wait on disk already")
            elif not isinstance(frame.image, np.ndarray):
                self._lose("frames on a card are not saved to disk")
            else:
                super().put(self._spill.save(frame))
        except OSError as error:
            self._lose(str(error))

    def get(self) -> Frame:
        """The oldest frame, whole. Raises Closed, and OSError when it cannot be read back from disk."""
        item = super().get()
        return item.load() if isinstance(item, Spilled) else item

    def abort(self) -> None:
        """Close, forget every frame and delete those on disk. For the thread that gets: it holds none of them now."""
        super().abort()
        self._spill.close()

    def _lose(self, reason: str) -> None:
        with self._changed:
            self.forgotten += 1
        if not self._lost:
            self._say(f"{self._name} cannot keep up and loses frames, record smaller or free disk space: {reason}.")
        self._lost = True
