"""A show that is disturbed again and again: whether it goes on, and whether what it takes of the machine stays flat.

The show is a real one: an animated source, the network, a sink, recordings, and a player that listens to OSC. Every so
often, in turn, the source is lost, a sink fails, the disk is full, and a thousand messages a second come in.
"""

import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from murai.control.access import parse_address
from murai.control.osc import OSCControl, sender
from murai.control.player import Player
from murai.errors import Say, SinkError, StreamLost, silent
from murai.frame import Frame, StreamInfo
from murai.packs import StylePack
from murai.parts import Source
from murai.pipeline import Pipeline
from murai.sinks.null import NullSink
from murai.sources.altered import Altered
from murai.sources.pattern import PatternSource
from murai.sources.resilient import Resilient
from murai.stage.takes import Takes
from murai.stylizers.openvino import OpenVINOStylizer
from murai.stylizers.repertoire import Repertoire
from murai.stylizers.staging import Staging

FLOOD = 1000
"""Messages a second."""
FULL_BYTES = 100_000
"""What a file may hold while the disk is "full"."""
DISK_BYTES = 200_000_000
"""What the recordings of the soak may take."""
SAMPLE_SECONDS = 1.0
SETTLED = 0.2
"""The share of all samples, from the first, that the slope leaves out: until then everything is used once."""


@dataclass
class Fault:
    """What is done to the show, and `words` by which what is said of it is known."""

    name: str
    inject: Callable[[], None]
    words: str
    times: int = 0
    said: int = 0
    failure: Exception | None = None

    def happen(self) -> None:
        """Inject it, and count it; keep what goes wrong with that."""
        try:
            self.inject()
            self.times += 1
        except Exception as error:
            self.failure = error


@dataclass
class Samples:
    """What the program takes, again and again: seconds since the start, megabytes, open files, threads."""

    rows: list[tuple[float, float, int, int]] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    def add(self) -> None:
        """Look once."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        files, threads = (len(os.listdir(f"/proc/self/{kind}")) for kind in ("fd", "task"))
        megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        self.rows.append((time.monotonic() - self.start, megabytes, files, threads))

    def figures(self) -> dict[str, dict[str, float]]:
        """First, last and largest of each, and its slope an hour by least squares, once all is settled."""
        rows = np.array(self.rows[int(SETTLED * len(self.rows)) :])
        figures = {}
        for column, name in enumerate(("memory_mb", "files", "threads"), 1):
            values = rows[:, column]
            slope = np.polyfit(rows[:, 0], values, 1)[0] if len(rows) > 1 else 0.0
            figures[name] = {
                "first": float(values[0]),
                "last": float(values[-1]),
                "largest": float(values.max()),
                "slope_per_hour": float(3600 * slope),
            }
        return figures


def measure_soak(
    pack: StylePack, size: tuple[int, int], *, seconds: float, every: float = 60.0, rate: int = 30, say: Say = silent
) -> dict[str, Any]:
    """The JSON object of `murai measure soak`: a show of `pack` at `size` for `seconds`, a fault `every` so many.

    Nothing is done in the last half of `every`, so that all can be survived. What goes wrong is `error`, and ends it.
    For Linux.
    """
    samples, error = Samples(), ""
    with tempfile.TemporaryDirectory() as folder:
        show = _Show(pack, size, rate, Path(folder), say)
        try:
            with show.playing():
                _disturb(show, samples, seconds, every, say)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        stats = show.pipeline.stats
    return {
        "seconds": samples.rows[-1][0],
        "size": f"{size[0]}x{size[1]}",
        "rate": rate,
        "painted": stats.painted,
        "dropped": stats.dropped,
        "error": error,
        "faults": [{"name": f.name, "times": f.times, "said": f.said} for f in show.faults],
        **samples.figures(),
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    hours = figures["seconds"] / 3600
    lines = [
        f"{hours:.2f} hours at {figures['size']}, {figures['rate']} pictures a second: {figures['painted']} painted "
        f"({figures['painted'] / figures['seconds']:.1f} a second), {figures['dropped']} dropped.",
        *([f"It ended by a failure: {figures['error']}"] if figures["error"] else []),
        "",
        "| fault | times | said |",
        "|---|---|---|",
        *(f"| {fault['name']} | {fault['times']} | {fault['said']} |" for fault in figures["faults"]),
        "",
        "| | first | last | largest | slope an hour |",
        "|---|---|---|---|---|",
    ]
    for name in ("memory_mb", "files", "threads"):
        f = figures[name]
        lines.append(
            f"| {name} | {f['first']:.1f} | {f['last']:.1f} | {f['largest']:.1f} | {f['slope_per_hour']:+.2f} |"
        )
    return "\n".join(lines)


class _Show:
    """The show and what can be done to it."""

    def __init__(self, pack: StylePack, size: tuple[int, int], rate: int, folder: Path, say: Say) -> None:
        self._say, self._folder = say, folder
        self._losable = _Losable(size, rate)
        repertoire = Repertoire([pack], pack, lambda pack: OpenVINOStylizer(pack, size=size))
        repertoire.prepare(*size)
        source = Resilient(self._losable.open, say=self._hear, first_delay=0.2)
        stylizer = Staging(repertoire, rate, time.monotonic)
        self.pipeline = Pipeline(source, stylizer, [NullSink()], say=self._hear, spill=folder)
        self._takes = Takes(self.pipeline, folder, self._hear, limit=DISK_BYTES)
        self._player = Player(self.pipeline, repertoire.names, {})
        self.faults = (
            Fault("source lost", self._losable.lose, "Trying again"),
            Fault("a sink fails", lambda: self.pipeline.add(_Failing()), "_Failing"),
            Fault("disk full", self._fill, "FileSink"),
            Fault(f"{FLOOD} messages a second", self._flood, "OSC"),
        )

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Run for the time of a `with`."""
        with closing(OSCControl(self._player, parse_address("0"), say=self._hear)) as osc, self.pipeline:
            self._port = osc.port
            yield

    def _hear(self, text: str) -> None:
        for fault in self.faults:
            fault.said += fault.words in text
        self._say(text)

    def _fill(self) -> None:
        """Record for five seconds onto a disk that takes no more."""
        former = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, former[1]))
        try:
            self._takes.record()
            time.sleep(5)
            self._takes.record()
            time.sleep(1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, former)

    def _flood(self) -> None:
        """Play everything at once for five seconds, and say things that nobody understands."""
        send, chance = sender(self._port), random.Random(0)
        start = time.monotonic()
        for number in range(5 * FLOOD):
            time.sleep(max(0.0, start + number / FLOOD - time.monotonic()))
            send("/murai/strength", chance.random())
            if number == FLOOD:
                send("/murai/strength", "loud")
        send("/murai/strength", 1.0)


def _disturb(show: _Show, samples: Samples, seconds: float, every: float, say: Say) -> None:
    """Inject the faults in turn, and look at what the program takes, until the time is over."""
    turn = 0
    while (now := time.monotonic() - samples.start) < seconds:
        if show.pipeline.wait(SAMPLE_SECONDS):
            raise SinkError("the show ended by itself.")
        samples.add()
        if failures := [fault.failure for fault in show.faults if fault.failure]:
            raise failures[0]
        if (turn + 0.5) * every < now < seconds - every / 2:
            fault = show.faults[turn % len(show.faults)]
            say(f"{now:.0f} s: {fault.name}.")
            threading.Thread(target=fault.happen, daemon=True).start()
            turn += 1


class _Losable:
    """A live source that can be lost, and opened again."""

    def __init__(self, size: tuple[int, int], rate: int) -> None:
        self._size, self._rate = size, rate
        self._lost = threading.Event()

    def open(self) -> Source:
        """A new connection."""
        lost = self._lost = threading.Event()

        def arrived(frame: Frame) -> Frame:
            if lost.is_set():
                raise StreamLost("the source is lost.")
            return frame

        return Altered(PatternSource(*self._size, self._rate), change=arrived)

    def lose(self) -> None:
        """Lose the connection that is."""
        self._lost.set()


class _Failing:
    """A sink that fails after ten frames."""

    lossless = essential = False

    def __init__(self) -> None:
        self._left = 10

    def open(self, info: StreamInfo) -> None:
        """Nothing to do."""

    def write(self, frame: Frame) -> None:
        """Fail in the end."""
        self._left -= 1
        if self._left < 0:
            raise SinkError("as it was asked to")

    def close(self, complete: bool = True) -> None:
        """Nothing to do."""
