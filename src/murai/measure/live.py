"""The live show as whoever stands before it has it: rates, delay, and who uses the processor.

Delay is measured twice: by the show's own times, and by looking. Every picture of the source carries its number as a
row of black and white squares, which stay black and white when they are painted; a second thread takes screenshots and
reads when each number comes up on the screen.
"""

import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageGrab

from murai.errors import Say, SinkError, silent
from murai.frame import Frame, Image
from murai.packs import StylePack
from murai.pipeline import Pipeline
from murai.sinks.window import WindowSink
from murai.sources.altered import Altered
from murai.sources.pattern import PatternSource
from murai.stylizers.openvino import OpenVINOStylizer
from murai.stylizers.staging import Staging

BITS = 10
"""Of the number of a picture: it is seen long before they run over."""
SQUARES = 2 + BITS + 1
"""White and black to compare with, the bits, and their parity."""
LEAST_SIDE = 8
"""Pixels a side that a square needs."""
WARM_UP = 3.0
"""Seconds after the first picture before anything counts."""


class Numbers:
    """Gives each frame its number, along its top; knows when each was captured."""

    def __init__(self) -> None:
        self.captured: dict[int, float] = {}

    def __call__(self, frame: Frame) -> Frame:
        """`frame` with its number."""
        number = frame.index % 2**BITS
        self.captured[number] = frame.captured
        return replace(frame, image=numbered(frame.image, number))


def numbered(image: Image, number: int) -> Image:
    """A copy of `image` with `number` in 0..2^BITS-1 along its top."""
    bits = [number >> bit & 1 for bit in range(BITS)]
    image, side = image.copy(), image.shape[1] // SQUARES
    for place, white in enumerate([1, 0, *bits, sum(bits) % 2]):
        image[:side, place * side : (place + 1) * side] = 255 * white
    return image


def read_number(image: Image) -> int | None:
    """The number along the top of a painted picture, None where there is none or it is not whole."""
    side = image.shape[1] // SQUARES
    inner = image[side // 4 : side - side // 4]
    levels = [inner[:, n * side + side // 4 : (n + 1) * side - side // 4].mean() for n in range(SQUARES)]
    white, black, *bits = levels
    if white - black < 64:
        return None
    *number, parity = [int(level > (white + black) / 2) for level in bits]
    return sum(bit << place for place, bit in enumerate(number)) if sum(number) % 2 == parity else None


def measure_live(
    pack: StylePack, size: tuple[int, int], *, rate: int = 30, seconds: float = 15.0, say: Say = silent
) -> dict[str, Any]:
    """The JSON object of `murai measure live`: a show of `pack` in a window of `size` (width, height), steady.

    The source gives `rate` pictures a second. Twice `seconds` are measured: first as the show is, then while
    screenshots are read, for which the window has to lie at the top left of the display, where one without a window
    manager puts it. For Linux. Raises SinkError without a display, for one that is too small, where nothing can be read
    off it, and where the window ends early.
    """
    if size[0] < LEAST_SIDE * SQUARES:
        raise SinkError(
            f"the numbers on the pictures need {LEAST_SIDE * SQUARES} pixels of width; give a larger --size."
        )
    numbers, window = Numbers(), WindowSink(size=size, steady=True)
    source = Altered(PatternSource(*size, rate), change=numbers)
    stylizer = OpenVINOStylizer(pack, size=size, say=say)
    stylizer(np.zeros((size[1], size[0], 3), np.uint8))
    pipeline = Pipeline(source, Staging(stylizer, rate, time.monotonic), [window], say=say)
    watch = _Watch(pipeline, window, numbers, size, seconds, say)
    with pipeline:
        watch.start()
        window.show(until=lambda: not watch.is_alive() or pipeline.ended)
        pipeline.stop()
    figures = watch.result()
    return {"size": f"{size[0]}x{size[1]}", "network": pack.name, "rate": rate, "cores": os.cpu_count(), **figures}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    f = figures
    seen = f"{f['seen_ms_median']:.0f} / {f['seen_ms_p95']:.0f} ms"
    shares = " | ".join(f"{f[name]:.0%}" for name in ("program_share", "drawing_share", "busy_share"))
    return "\n".join(
        [
            "| size | in | painted | presented | delay, median / 95 % | seen, the same | program | drawing | busy |",
            "|---|---|---|---|---|---|---|---|---|",
            f"| {f['size']} | {f['fps_in']:.1f} | {f['fps_painted']:.1f} | {f['fps_presented']:.1f} "
            f"| {f['delay_ms_median']:.0f} / {f['delay_ms_p95']:.0f} ms | {seen} | {shares} |",
            "",
            f"Pictures a second. The last three are shares of {f['cores']} cores: this program but its drawing, "
            "its drawing, and everything that runs on the machine.",
        ]
    )


class _Watch(threading.Thread):
    """Looks at a show from beside it, for the figures that `result` gives."""

    def __init__(
        self,
        pipeline: Pipeline,
        window: WindowSink,
        numbers: Numbers,
        size: tuple[int, int],
        seconds: float,
        say: Say,
    ) -> None:
        super().__init__(daemon=True)
        self._pipeline, self._window, self._numbers, self._say = pipeline, window, numbers, say
        self._size, self._seconds = size, seconds
        self._error: Exception | None = None
        self._figures: dict[str, Any] = {}
        self._whole = False

    def result(self) -> dict[str, Any]:
        """All figures. Raises what the thread raised, SinkError where it did not come to its end."""
        if self._error:
            raise self._error
        if not self._whole:
            raise SinkError("the window was closed before all was measured; leave it open.")
        return self._figures

    def run(self) -> None:
        """Measure."""
        try:
            while not self._window.presented:
                time.sleep(0.05)
            if self._window.size_now != self._size:
                raise SinkError("the display is smaller than --size; give xvfb-run -s '-screen 0 1920x1080x24' or so.")
            time.sleep(WARM_UP)
            self._say("measuring the show.")
            self._figures.update(self._rates())
            self._say("looking at the screen.")
            self._figures.update(self._looks())
            self._whole = True
        except OSError as error:
            self._error = SinkError(f"the screen or the use of the processor cannot be read here ({error}).")
        except Exception as error:
            self._error = error

    def _rates(self) -> dict[str, Any]:
        delays: list[float] = []
        then = self._window.on_shown
        self._window.on_shown = lambda frame: delays.append(1000 * (time.monotonic() - frame.captured))
        before, began, start = _Use.now(), time.monotonic(), self._counts()
        time.sleep(self._seconds)
        spent = time.monotonic() - began
        rates = ((now - then) / spent for now, then in zip(self._counts(), start, strict=True))
        used = _Use.now().since(before)
        self._window.on_shown = then
        names = ("fps_in", "fps_painted", "fps_presented")
        return {**dict(zip(names, rates, strict=True)), **_delays("delay", delays), **used}

    def _counts(self) -> tuple[int, int, int]:
        stats = self._pipeline.stats
        return stats.read, stats.painted, self._window.presented

    def _looks(self) -> dict[str, Any]:
        delays = _seen(self._numbers, self._size, self._seconds)
        return {"looks": len(delays), **_delays("seen", delays)}


def _delays(name: str, delays: list[float]) -> dict[str, float]:
    """Median and 95th percentile. Raises SinkError where there are hardly any."""
    if len(delays) < 3:
        raise SinkError(
            "hardly a picture came to the screen; run it under xvfb-run, where nothing hides them, or longer."
        )
    return {f"{name}_ms_median": float(np.median(delays)), f"{name}_ms_p95": float(np.percentile(delays, 95))}


def _seen(numbers: Numbers, size: tuple[int, int], seconds: float) -> list[float]:
    """Milliseconds from capture until each number was first on a screenshot."""
    delays, last, ends = [], None, time.monotonic() + seconds
    while time.monotonic() < ends:
        screen = np.asarray(ImageGrab.grab(xdisplay=os.environ.get("DISPLAY")).convert("RGB"))
        now, number = time.monotonic(), read_number(screen[: size[1], : size[0]])
        if number is not None and number != last and number in numbers.captured:
            if last is not None:  # the first may have been there for long
                delays.append(1000 * (now - numbers.captured[number]))
            last = number
    return delays


@dataclass(frozen=True, slots=True)
class _Use:
    """Seconds of processor time until now: of this program, of its drawing, of the machine; and all there were."""

    program: float
    drawing: float
    busy: float
    whole: float

    @classmethod
    def now(cls) -> "_Use":
        """As Linux counts them."""
        tick = os.sysconf("SC_CLK_TCK")
        user, nice, system, idle, waiting, *rest = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
        busy = user + nice + system + sum(rest)
        main = threading.main_thread().native_id
        threads = [(task.name, _thread(task)) for task in Path("/proc/self/task").iterdir()]
        drawing = sum(ticks for name, (comm, ticks) in threads if comm.startswith("llvmpipe") or int(name) == main)
        program = sum(ticks for _, (_, ticks) in threads)
        return cls(*(ticks / tick for ticks in (program, drawing, busy, busy + idle + waiting)))

    def since(self, before: "_Use") -> dict[str, float]:
        """The shares of the machine used from `before` to this."""
        whole = self.whole - before.whole
        drawing, program = self.drawing - before.drawing, self.program - before.program
        return {
            "program_share": (program - drawing) / whole,
            "drawing_share": drawing / whole,
            "busy_share": (self.busy - before.busy) / whole,
        }


def _thread(task: Path) -> tuple[str, int]:
    """Name and processor ticks of a thread; nothing of one that is gone."""
    try:
        name, rest = (task / "stat").read_text().partition("(")[2].rsplit(")", 1)
    except OSError:
        return "", 0
    fields = rest.split()
    return name, int(fields[11]) + int(fields[12])
