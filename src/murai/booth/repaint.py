"""Kept pictures are painted once more, in full quality, by a process of its own that leaves the mirror its time.

    booth -- a line of JSON, then the pixels --> python -m murai.booth.repaint -- the same --> booth

The process gives way to everything else on the machine, and ends when the booth does, whatever ended that.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from murai.errors import MuraiError, Say, silent
from murai.frame import Image
from murai.packs import TIERS, StylePack

MOST = 4
"""Jobs that wait. One more, and the oldest keeps the mirror's painting."""
SECONDS = 60.0
"""For one picture, the network's first included, after which the process counts as hanging."""
THREADS = 1
NICE = 15
LARGEST_LINE = 4096


class _Gone(Exception):
    """The process ended, or does not answer."""


@dataclass(frozen=True)
class Job:
    """Pictures to paint with `style` of the pack at `pack`; `key` is the booth's name for them."""

    key: int
    pack: Path
    style: str
    images: Sequence[Image]


Done = Callable[[int, "list[Image] | None"], None]
"""Hears the key of a job and its paintings; None where there are none and what the mirror painted stays."""


def heaviest(packs: Sequence[StylePack], style: str, tier: str) -> StylePack | None:
    """The pack whose network paints the style PACK/NAME best: the heaviest up to `tier`, else that of the mirror."""
    place, _, name = style.rpartition("/")
    having = [pack for pack in packs if name in pack.names]
    fitting = [pack for pack in having if TIERS.index(pack.manifest.tier) <= TIERS.index(tier)]  # type: ignore[arg-type]
    own = next((pack for pack in having if pack.name == place), None)
    return max(fitting, key=lambda pack: pack.manifest.mac_per_pixel, default=own)


class Repainter:
    """Paints jobs from construction to `close`, the newest first; `done` hears of each, in a thread of its own.

    What crashes or hangs costs that job its better painting and nothing else.
    """

    def __init__(self, done: Done, say: Say = silent, command: Sequence[str] = ()) -> None:
        self._done, self._say = done, say
        self._command = command or [sys.executable, "-m", "murai.booth.repaint"]
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="murai repaint", daemon=True)
        self._thread.start()

    def add(self, job: Job) -> None:
        """Paint `job` before all that wait."""
        with self._changed:
            self._jobs.append(job)
            late = self._jobs.popleft() if len(self._jobs) > MOST else None
            self._changed.notify_all()
        if late is not None:
            self._done(late.key, None)

    def drop(self, key: int) -> None:
        """Nobody wants that job any more. It may be done all the same."""
        with self._changed:
            self._jobs = deque(job for job in self._jobs if job.key != key)

    def close(self) -> None:
        """Paint no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._end()
        self._thread.join()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._done(job.key, [self._painted(job, image) for image in job.images])
            except (_Gone, MuraiError) as error:
                self._end()
                if not self._closed:
                    self._say(f"a picture stays as the mirror painted it: {error}")
                self._done(job.key, None)
        self._end()

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            return None if self._closed else self._jobs.pop()

    def _painted(self, job: Job, image: Image) -> Image:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            _send(process.stdin, {"pack": str(job.pack), "style": job.style}, image)
            header, painted = _receive(process.stdout)
        except (OSError, ValueError) as error:
            raise _Gone(f"what paints it in full quality ended or hangs ({error}).") from error
        finally:
            watchdog.cancel()
        if painted is None or painted.shape != image.shape:
            raise MuraiError(str(header.get("error", "it came back in another size.")))
        return painted

    def _running(self) -> "subprocess.Popen[bytes]":
        with self._changed:
            if self._closed:
                raise _Gone("the booth closes.")
            if self._process is None:
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
                try:
                    self._process = subprocess.Popen(self._command, **pipes)  # type: ignore[call-overload]
                except OSError as error:
                    raise _Gone(f"what paints it in full quality cannot be started ({error.strerror}).") from error
            return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def _send(stream: IO[bytes], header: Mapping[str, Any], image: Image | None = None) -> None:
    size = {} if image is None else {"height": image.shape[0], "width": image.shape[1]}
    stream.write(json.dumps({**header, **size}).encode() + b"\n")
    if image is not None:
        stream.write(np.ascontiguousarray(image).data)
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[dict[str, Any], Image | None]:
    """What the other side sent. Raises ValueError where it ended in the middle, or before."""
    line = stream.readline(LARGEST_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("it sent nothing")
    header: dict[str, Any] = json.loads(line)
    if "height" not in header:
        return header, None
    shape = int(header["height"]), int(header["width"]), 3
    pixels = stream.read(shape[0] * shape[1] * 3)
    return header, np.frombuffer(pixels, np.uint8).reshape(shape)


@lru_cache(maxsize=2)
def _stylizer(pack: str) -> Any:
    from murai.stylizers.openvino import OpenVINOStylizer

    return OpenVINOStylizer(StylePack.load(pack), threads=THREADS)


def _paint(header: Mapping[str, Any], image: Image) -> Image:
    from murai.controls import Controls

    stylizer = _stylizer(header["pack"])
    stylizer.use(Controls(mix={header["style"]: 1.0}))
    painted: Image = stylizer(image)
    return painted


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Paint what is asked for until nobody asks any more."""
    while True:
        try:
            header, image = _receive(questions)
        except ValueError:
            return
        try:
            painted = None if image is None else _paint(header, image)
        except MuraiError as error:
            _send(answers, {"error": str(error)})
        else:
            _send(answers, {}, painted)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the booth, which then ends this
    if hasattr(os, "nice"):
        os.nice(NICE)
    serve(sys.stdin.buffer, sys.stdout.buffer)
