"""Small parts of a show, in numpy, for the tests of the pipeline."""

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from murai.controls import Controls
from murai.errors import SinkError, StreamLost, UnknownStyle
from murai.frame import Frame, Image, StreamInfo
from murai.pipeline import Pipeline

SOON = 20.0  # seconds after which something hangs


class Pictures:
    """A source of grey pictures whose value is their index."""

    def __init__(
        self,
        count: int | None = None,
        *,
        live: bool = False,
        size: tuple[int, int] = (8, 6),
        gap: float = 0.0,
        fail_at: int | None = None,
        block_at: int | None = None,
        base: Fraction = Fraction(1, 30),
        ticks: int = 1,
        start: int = 0,
    ) -> None:
        self.live, self.count, self.gap, self.fail_at, self.block_at = live, count, gap, fail_at, block_at
        self.base, self.ticks, self.start = base, ticks, start
        self.info = StreamInfo(*size, Fraction(1) / (base * ticks), base, live=live, frames=count)
        self.closed, self.read = threading.Event(), 0

    def __iter__(self) -> Iterator[Frame]:
        while self.count is None or self.read < self.count:
            if self.read == self.fail_at:
                raise StreamLost("The camera went away: plug it in again.")
            if self.read == self.block_at:
                self.closed.wait()
            if self.closed.wait(self.gap) if self.gap else self.closed.is_set():
                raise OSError("read after close")  # as a decoder does whose file was taken away
            image = np.full((self.info.height, self.info.width, 3), self.read % 256, np.uint8)
            self.read += 1
            index = self.read - 1
            yield Frame(image, self.start + index * self.ticks, self.base, index, duration=self.ticks)

    def close(self) -> None:
        self.closed.set()


class Invert:
    """A stylizer that shows what it was told."""

    def __init__(self, *, slow: float = 0.0, gate: threading.Event | None = None, fail_at: int | None = None) -> None:
        self.slow, self.gate, self.fail_at = slow, gate, fail_at
        self.used: list[Controls] = []
        self.log: list[str | int] = []
        self.busy = threading.Event()

    def __call__(self, image: Image) -> Image:
        if len(self.log) == self.fail_at:
            raise ArithmeticError("the network broke")
        self.busy.set()
        if self.gate:
            assert self.gate.wait(SOON)
        time.sleep(self.slow)
        self.log.append(int(image[0, 0, 0]))
        return 255 - image

    def use(self, controls: Controls) -> None:
        if "nobody" in controls.mix:
            raise UnknownStyle("No style is called nobody.")
        self.used.append(controls)

    def reset(self) -> None:
        self.log.append("reset")


class Notes:
    """A sink that notes what happened to it."""

    def __init__(
        self,
        *,
        lossless: bool = False,
        essential: bool = False,
        slow: float = 0.0,
        gate: threading.Event | None = None,
        fail: str = "",
    ) -> None:
        self.lossless, self.essential, self.slow, self.gate, self.fail = lossless, essential, slow, gate, fail
        self.info: StreamInfo | None = None
        self.frames: list[Frame] = []
        self.ends: list[bool] = []
        self.got = threading.Condition()

    def _may_fail(self, where: str) -> None:
        if self.fail == where:
            raise SinkError(f"The disk is full at {where}: make room.")

    def open(self, info: StreamInfo) -> None:
        self._may_fail("open")
        self.info = info

    def write(self, frame: Frame) -> None:
        if self.gate:
            assert self.gate.wait(SOON)
        time.sleep(self.slow)
        self._may_fail("write")
        with self.got:
            self.frames.append(frame)
            self.got.notify_all()

    def close(self, complete: bool = True) -> None:
        self.ends.append(complete)
        self._may_fail("close")

    def wait_for(self, count: int) -> None:
        with self.got:
            assert self.got.wait_for(lambda: len(self.frames) >= count, SOON), f"{len(self.frames)} of {count} frames"

    @property
    def indices(self) -> list[int]:
        return [frame.index for frame in self.frames]


class Window(Notes):
    """A sink that shows a frame some time after it was written."""

    on_shown: Callable[[Frame], None] | None = None


def camera(**options: object) -> Pictures:
    return Pictures(live=True, gap=0.002, **options)  # type: ignore[arg-type]


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)


def ends(pipeline: Pipeline) -> None:
    """The show ends soon, and raises what it raises."""
    assert pipeline.wait(SOON), "the show hangs"


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("murai")]


class Clock:
    """A clock that stands at `now` until somebody sets it."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now
