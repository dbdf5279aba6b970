"""Every thread and queue of the frame path.

    source --> reader --> inbox --> painter --+--> outlet --> thread --> sink
                                              +--> outlet --> thread --> sink

1. A file waits: every mailbox is bounded and keeps all, so no frame is lost. A live source forgets: one place, the
   newest frame wins, and what is forgotten is counted. Its recordings may fall behind: memory first, then the disk.
2. A failure of the source, the network or an essential sink ends everything, and `run` raises the first error after
   every thread has ended. Another sink that fails is taken off, and the show goes on. Behind a file all are essential.
3. `stop` closes the source and empties the inbox; what is painted already is still written.
"""

import dataclasses
import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from murai.controls import Controls
from murai.errors import Say, SourceError, UnknownStyle, silent
from murai.frame import Frame, StreamInfo
from murai.mailbox import Closed, Mailbox
from murai.parts import Sink, Source, Stylizer
from murai.recording import Recording
from murai.stats import Recent, SinkStats, Stats
from murai.timeline import Timeline

__all__ = ["Mailbox", "Pipeline", "Sink", "SinkStats", "Source", "Stats", "Stylizer"]

FILE_QUEUE = 4  # frames that may wait at each hand-over of a file: enough to smooth, few enough to stop soon


class Outlet:
    """One sink with its mailbox, its thread and its figures. The painter puts, the sink's own thread serves."""

    def __init__(self, sink: Sink, name: str, box: Mailbox[Frame], essential: bool) -> None:
        self.sink, self.name, self.box, self.essential = sink, name, box, essential
        self.failed = False
        self.thread: threading.Thread
        self._given = 0
        self._delays = Recent()

    def open(self, info: StreamInfo) -> None:
        """Open the sink. One that shows a frame later than `write` returns is asked to tell when."""
        if hasattr(self.sink, "on_shown"):
            self.sink.on_shown = self._shown
        self.sink.open(info)

    def serve(self) -> None:
        """Write every frame until the mailbox is closed and empty."""
        for frame in self.box:
            before = self._dropped
            self.sink.write(frame)
            self._given += 1
            if self._dropped == before and not hasattr(self.sink, "on_shown"):
                self._shown(frame)

    @property
    def _dropped(self) -> int:  # a sink that drops what it was given counts that there
        return int(getattr(self.sink, "dropped", 0))

    def _shown(self, frame: Frame) -> None:
        self._delays.add(1000 * (time.monotonic() - frame.captured))

    @property
    def stats(self) -> SinkStats:
        """The figures of this sink now."""
        written = max(0, self._given - self._dropped)  # what is dropped just now is not counted as given yet
        delays = self._delays.share(0.5), self._delays.share(0.95)
        return SinkStats(written, self.box.forgotten + self._dropped, self.failed, *delays)


class Pipeline:
    """A show: one source, one stylizer, any number of sinks. All are the pipeline's own from the start on.

    controls   what the stylizer is told first
    say        told of what the user should know while the show goes on; called from any thread
    spill      the folder for frames of a live recording that cannot keep up; None: the system's temporary folder

    The first source decides whether the show is live. Methods may be called from any thread but the pipeline's own.
    `with Pipeline(...)` starts it, and stops it at the end of the block.
    """

    def __init__(
        self,
        source: Source,
        stylizer: Stylizer,
        sinks: Iterable[Sink],
        *,
        controls: Controls = Controls(),  # noqa: B008  frozen
        say: Say = silent,
        spill: Path | None = None,
    ) -> None:
        self._source, self._stylizer, self._say, self._spill = source, stylizer, say, spill
        self._controls = controls
        self._live, self._first = source.live, source.info
        self._inbox: Mailbox[tuple[int, Frame]] = Mailbox(1, "latest") if source.live else Mailbox(FILE_QUEUE)
        self._state = threading.Condition()  # guards the choice of source, the controls and the next four
        self._outlets: tuple[Outlet, ...] = ()
        self._error: BaseException | None = None
        self._started = False
        self._ending = False  # nothing more is read, and nobody may join
        self._ended = threading.Event()
        self._end_time: float | None = None
        self._reader = threading.Thread(target=self._read, name="murai reader", daemon=True)
        self._painter = threading.Thread(target=self._paint, name="murai painter", daemon=True)
        self._last: Frame | None = None
        self._read_count = self._painted = self._held = 0
        self._reads, self._paints = Recent(), Recent()
        for sink in sinks:
            self.add(sink)

    def run(self) -> None:
        """Start, and wait for the end. Raises the first error after every thread has ended, or KeyboardInterrupt."""
        try:
            self.start()
            self.wait()
        except KeyboardInterrupt as interrupt:
            self._end(interrupt)
            if self._painter.ident is not None:
                self._join(None)
            raise

    def start(self) -> None:
        """Open every sink, then let the frames flow. Raises what a sink refuses, with everything closed again."""
        with self._state:
            if self._started:
                raise RuntimeError("a show starts only once")
            self._started, self._first = True, self._source.info
            outlets = self._outlets
            if self._ending:
                self._ended.set()
                return
        opened: list[Outlet] = []
        try:
            for outlet in outlets:
                opened.append(outlet)  # first, so that one whose opening is interrupted is closed too
                outlet.open(self._info())
            for thread in (*(outlet.thread for outlet in outlets), self._reader, self._painter):
                thread.start()  # the painter last: it waits for the others to end
        except BaseException as error:
            self._end(error)
            for outlet in opened:
                if outlet.thread.ident is None:
                    with suppress(Exception):
                        outlet.sink.close(complete=False)
            _finish(self._reader, self._painter, *(outlet.thread for outlet in opened))
            self._ended.set()
            raise

    def stop(self) -> None:
        """End the show now: nothing more is read or painted, what is painted already is written. Does not wait."""
        self._end()

    def wait(self, timeout: float | None = None) -> bool:
        """True when the show has ended, False after `timeout` seconds. Raises the first error of the show."""
        if not self._started:
            raise RuntimeError("start the show before you wait for it")
        ended = self._join(timeout)
        if ended and self._error is not None:
            raise self._error
        return ended

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._end(error)
        self._join(None)
        if error is None:
            self.wait()

    @property
    def ended(self) -> bool:
        """True once nothing will be written any more."""
        return self._ended.is_set()

    @property
    def controls(self) -> Controls:
        """The controls as they are now."""
        return self._controls

    @property
    def last(self) -> Frame | None:
        """The newest painted frame, None before the first."""
        return self._last

    def update(self, **changes: Any) -> None:
        """Change controls by name, from the next picture on. Raises ValueError or, for a name nobody has, TypeError."""
        with self._state:
            self._controls = dataclasses.replace(self._controls, **changes)
            self._state.notify_all()

    def add(self, sink: Sink) -> None:
        """Give `sink` every frame from now on. Raises what its `open` raises; RuntimeError once the show is over."""
        with self._state:
            self._refuse_when_over()
            outlet = self._outlet(sink)
            if not self._started:
                self._outlets += (outlet,)
                return
        outlet.open(self._info())
        try:
            with self._state:
                self._refuse_when_over()
                outlet.thread.start()
                self._outlets += (outlet,)
        except RuntimeError:
            outlet.sink.close(complete=False)
            raise

    def _outlet(self, sink: Sink) -> Outlet:
        """Behind a file a sink gets a queue that waits; live, the newest frame; a recording, all it can hold."""
        kind, taken = type(sink).__name__, {outlet.name for outlet in self._outlets}
        name = next(name for n in count(1) if (name := f"{kind} {n}" if n > 1 else kind) not in taken)
        box: Mailbox[Frame] = Mailbox(1, "latest") if self._live else Mailbox(FILE_QUEUE)
        if self._live and sink.lossless:
            box = Recording(name, self._spill, self._say)
        outlet = Outlet(sink, name, box, essential=sink.essential or not self._live)
        outlet.thread = threading.Thread(target=self._serve, args=(outlet,), name=f"murai {name}", daemon=True)
        return outlet

    def remove(self, sink: Sink) -> None:
        """Take `sink` off: what it was given already is written, then it is closed. Waits for that."""
        for outlet in [outlet for outlet in self._outlets if outlet.sink is sink]:
            outlet.box.close()
            if outlet.thread.ident is not None:
                outlet.thread.join()
            with self._state:
                self._outlets = tuple(other for other in self._outlets if other is not outlet)

    def switch(self, source: Source) -> None:
        """Read `source` from now on and close the one before; times go on. What was read already is still painted.

        Raises SourceError where only one is live, RuntimeError once the show is over; `source` stays the caller's then.
        """
        if source.live != self._live:
            raise SourceError("A live show can only change to a live source, and a file only to a file.")
        with self._state:
            self._refuse_when_over()
            before, self._source = self._source, source
        before.close()

    @property
    def stats(self) -> Stats:
        """What happened so far."""
        now = self._end_time or time.monotonic()
        return Stats(
            read=self._read_count,
            painted=self._painted,
            held=self._held,
            dropped=self._inbox.forgotten,
            fps_in=self._reads.rate(now),
            fps_out=self._paints.rate(now),
            sinks=MappingProxyType({outlet.name: outlet.stats for outlet in self._outlets}),
        )

    def _info(self) -> StreamInfo:
        return dataclasses.replace(self._source.info, time_base=self._first.time_base)

    def _refuse_when_over(self) -> None:
        if self._ending:
            raise RuntimeError("the show is over")

    # The threads

    def _read(self) -> None:
        line = Timeline(self._first)
        for turn, source in enumerate(self._sources()):
            with self._watching(source=source):
                self._read_one(source, turn, line)
                source.close()
        self._inbox.close()

    def _read_one(self, source: Source, turn: int, line: Timeline) -> None:
        for frame in source:
            with self._state:
                self._state.wait_for(lambda: self._live or self._ending or not self._controls.paused)
            self._read_count += 1
            self._reads.add(time.monotonic())
            self._inbox.put((turn, line.place(frame, turn)))
            if self._source is not source:
                return

    def _sources(self) -> Iterator[Source]:
        """The source, and each one it is switched to, until one ends by itself."""
        last = None
        while True:
            with self._state:
                self._ending = self._ending or self._source is last
                if self._ending:
                    return
                last = self._source
            yield last

    def _paint(self) -> None:
        with self._watching():
            self._paint_all()
        outlets = self._outlets
        for outlet in outlets:
            outlet.box.close()
        for thread in (self._reader, *(outlet.thread for outlet in outlets)):
            thread.join()
        self._end_time = time.monotonic()
        self._ended.set()

    def _paint_all(self) -> None:
        used: Controls | None = None
        scene = None
        for turn, frame in self._inbox:
            used = self._use(used)
            last = self._last
            if self._live and used.paused and last is not None:
                painted = dataclasses.replace(frame, image=last.image, original=last.original)
                self._held += 1
                scene = None  # what comes after a pause is another scene
            else:
                if scene != (turn, frame.width, frame.height):
                    self._stylizer.reset()
                    scene = (turn, frame.width, frame.height)
                image = self._stylizer(frame.image)
                painted = self._last = dataclasses.replace(frame, image=image, original=frame.image)
                self._painted += 1
            if used.blackout:  # after what a pause holds is remembered, which is not black
                painted = dataclasses.replace(painted, image=painted.image * 0)
            self._paints.add(time.monotonic())
            for outlet in [outlet for outlet in self._outlets if not outlet.failed]:
                with suppress(Closed):  # it is being removed
                    outlet.box.put(painted)

    def _use(self, used: Controls | None) -> Controls:
        """Hand over the controls if they changed. A style nobody has, met in the middle of a show, does not end it."""
        controls = self._controls
        if controls == used:
            return controls
        try:
            self._stylizer.use(controls)
        except UnknownStyle as error:
            if used is None:
                raise
            self._say(str(error))
            with self._state:
                if self._controls is controls:
                    self._controls = used
            return used
        return controls

    def _serve(self, outlet: Outlet) -> None:
        with self._watching(outlet):
            outlet.serve()
        with self._watching(outlet):
            outlet.sink.close(complete=self._error is None and not outlet.failed)
        outlet.box.abort()

    # The end

    @contextmanager
    def _watching(self, outlet: Outlet | None = None, source: Source | None = None) -> Iterator[None]:
        """Whatever a thread raises inside is a failure of the show, or of its `outlet`."""
        try:
            yield
        except BaseException as error:
            if source is not None and (self._ending or self._source is not source):
                return  # closed from outside, a source may raise what it likes
            self._failed(error, outlet)

    def _failed(self, error: BaseException, outlet: Outlet | None) -> None:
        if outlet is not None:
            if outlet.failed:
                return  # closing what failed in writing may fail once more
            outlet.failed = True
            outlet.box.abort()
            if not outlet.essential and not all(other.failed for other in self._outlets):
                self._say(f"{outlet.name} failed and was taken off, the show goes on: {error}")
                return
        self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        """Let every thread end. With an error what waits is dropped, but a live recording cannot be had again."""
        with self._state:
            self._ending = True
            if self._error is None:
                self._error = error
            source, outlets = self._source, self._outlets
            self._state.notify_all()
        self._inbox.abort()
        for outlet in outlets if error is not None else ():
            outlet.box.close() if isinstance(outlet.box, Recording) else outlet.box.abort()
        try:
            source.close()
        except Exception as problem:
            with self._state:
                self._error = self._error or problem

    def _join(self, timeout: float | None) -> bool:
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not self._ended.wait(max(0.0, min(0.5, end - time.monotonic()))):  # Windows hears Ctrl-C between waits
            if time.monotonic() >= end:
                return False
        if self._painter.ident is not None:
            self._painter.join()
        return True


def _finish(*threads: threading.Thread) -> None:
    """Wait for those that were started: one that still runs in the network when Python ends takes all down with it.

    An interrupt may come while one is just being started, and has no number yet.
    """
    for thread in set(threads).intersection(threading.enumerate()):
        while thread.ident is None:
            time.sleep(0.001)
        thread.join()
