"""The queue in front of a recording of a live show: it never makes the show wait, and loses a frame last of all."""

import dataclasses
import math
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from murai.errors import Say, silent
from murai.frame import Frame, on_host
from murai.mailbox import Closed, Mailbox

IN_MEMORY = 256 * 1024**2  # bytes of pictures: three seconds of 1280x720 behind a busy disk
ON_DISK = 2 * 1024**3  # bytes after those: twenty-five seconds
STAND_IN = np.zeros((1, 1, 3), np.uint8)  # a frame needs a picture while its own lies on disk


@dataclasses.dataclass(frozen=True, slots=True)
class Spilled:
    """A frame whose picture lies in a file."""

    frame: Frame
    path: Path

    def load(self) -> Frame:
        """The whole frame again; its file is deleted. Raises OSError when it cannot be read."""
        image = np.load(self.path)
        self.path.unlink()
        return dataclasses.replace(self.frame, image=image)


class Spill:
    """A temporary folder for painted frames, made when the first is saved. One thread saves, any may close."""

    def __init__(self, parent: Path | None) -> None:
        self._parent = parent
        self._folder: TemporaryDirectory[str] | None = None
        self._saved = 0
        self._closed = False
        self._lock = threading.Lock()

    def save(self, frame: Frame) -> Spilled:
        """Write the picture of `frame`. Raises OSError when that fails, Closed when the folder is gone."""
        with self._lock:
            if self._closed:
                raise Closed
            self._folder = self._folder or TemporaryDirectory(
                prefix="murai-", dir=self._parent, ignore_cleanup_errors=True
            )
            path = Path(self._folder.name) / f"{self._saved}.npy"
            self._saved += 1
            try:
                np.save(path, frame.image)
            except OSError:
                path.unlink(missing_ok=True)  # half a frame would fill the disk for good
                raise
        return Spilled(dataclasses.replace(frame, image=STAND_IN), path)

    def close(self) -> None:
        """Delete the folder and whatever is in it."""
        with self._lock:
            self._closed = True
            if self._folder:
                self._folder.cleanup()


class Recording(Mailbox[Any]):
    """A mailbox for painted frames that never makes `put` wait: memory first, then the disk, then it drops and counts.

    `IN_MEMORY` bytes of pictures wait in memory, `ON_DISK` more in files. A frame comes out without its `original`.

    name    of the sink, for the one sentence said at the first dropped frame
    spill   the folder to make the temporary one in; None: the system's
    """

    def __init__(self, name: str, spill: Path | None = None, say: Say = silent) -> None:
        super().__init__(IN_MEMORY + ON_DISK)  # places are never scarce: a frame has more than a byte
        self._name, self._say = name, say
        self._spill = Spill(spill)
        self._waiting = 0  # bytes
        self._lost = False

    def put(self, frame: Frame) -> None:
        """Keep `frame`, or drop and count it. Raises Closed."""
        frame = dataclasses.replace(frame, original=None)  # nobody records it, and it takes as much room again
        size = _size(frame)
        waiting = self._waiting + size
        try:
            if waiting <= IN_MEMORY:
                self._add(frame, size)
            elif waiting > IN_MEMORY + ON_DISK:
                self._lose(f"{len(self)} frames wait already")
            else:
                self._add(self._spill.save(dataclasses.replace(frame, image=on_host(frame.image))), size)
        except OSError as error:
            self._lose(str(error))

    def get(self) -> Frame:
        """The oldest frame. Raises Closed, and OSError when it cannot be read back from disk."""
        item = super().get()
        frame: Frame = item.load() if isinstance(item, Spilled) else item
        with self._changed:
            self._waiting -= _size(frame)
        return frame

    def abort(self) -> None:
        """Close, forget every frame and delete those on disk. For the thread that gets: it holds none of them now."""
        super().abort()
        self._spill.close()

    def _add(self, item: Frame | Spilled, size: int) -> None:
        with self._changed:
            super().put(item)
            self._waiting += size

    def _lose(self, reason: str) -> None:
        with self._changed:
            self.forgotten += 1
        if not self._lost:
            self._say(f"{self._name} cannot keep up and loses frames, record smaller or free disk space: {reason}.")
        self._lost = True


def _size(frame: Frame) -> int:
    """Bytes of its picture."""
    return math.prod(frame.image.shape)
