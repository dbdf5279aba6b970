"""How fast murai paints on a card: beside the same networks as others run them, and beside what the card could do.

All in one run, since what counts are ratios. Where the device is "cpu" the same code runs there, which is how it is
tested; its figures say nothing then.
"""

import copy
import json
import math
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from murai.errors import PackError, Say, first_line, silent
from murai.measure.networks import Unpainted
from murai.measure.speed import machine
from murai.measure.tables import markdown
from murai.nets import build, convolutions, mac_per_pixel
from murai.nets.base import StylizationNetwork
from murai.packs import StylePack
from murai.pipeline import Pipeline
from murai.sinks.file import FileSink
from murai.sinks.offscreen import OffscreenSink
from murai.sources.file import FileSource
from murai.sources.paced import Paced
from murai.sources.pattern import PatternSource
from murai.stylizers.batches import Batches
from murai.stylizers.cuda import TorchRuntime, TorchStylizer, find_device, network_of

Size = tuple[int, int]
"""Width and height in pixels."""
Run = Callable[[], object]

WARM_UP = 5
STREAMS = (1, 2, 4, 8)
"""Numbers of streams that share a network."""
RATE = 60
"""Pictures a second of the live show."""
SHOWN = {
    "network": "pack",
    "size": "size",
    "fps": "pictures a second",
    "delay_ms_median": "delay, ms",
    "delay_ms_p95": "95 % within, ms",
    "busy_share": "share of time with kernels",
    "network_share": "with the network",
    "to_card": "bytes to the card, a picture",
    "from_card": "bytes from it",
    "waits": "times the host waits",
}
"""Of a show: names of figures, and the heads of their columns."""


def measure_card(
    packs: Sequence[StylePack],
    sizes: Sequence[Size],
    *,
    device: str = "cuda",
    rounds: int = 20,
    frames: int = 300,
    say: Say = silent,
) -> dict[str, Any]:
    """The JSON object of `murai measure speed --device cuda`.

    `rows`     milliseconds to paint a picture with the network at its full size, by events, and `floor_ms`: for each
               layer the longer of its multiply-adds at the rate of a large product of matrices and its bytes at the
               rate of a large copy, and one launch; all three measured here
    `shows`    H.264 to a screen without a display: as fast as it goes, and live at RATE, with the share of the time
               that kernels run, and what goes between host and card
    `streams`  pictures a second of so many streams through one network, and how long a picture of one takes

    Raises RuntimeUnsupported without that device.
    """
    place = find_device(device)
    networks = dict(_networks(packs, say))
    packs = [pack for pack in packs if pack.name in networks]
    networks["johnson"] = build("johnson")
    rates, rows = measure_rates(place), []
    for size in sizes:
        for name, network in networks.items():
            say(f"{name} at {size[0]}x{size[1]}.")
            rows.append(_row(name, network, size, place, rates, rounds, say))
    shows = [_show(pack, size, place, frames, say) for pack in packs for size in sizes]
    streams = [
        row
        for pack in packs[:1]
        for size in sizes
        for row in _streams(pack, networks[pack.name], size, place, frames, say)
    ]
    about = {"device": _called(place), "torch": torch.__version__}
    return {**about, **rates, "rows": rows, "shows": shows, "streams": streams}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    f = figures
    about = (
        f"{f['device']}, torch {f['torch']}: {f['matrix_rate'] / 1e12:.1f} T operations a second on matrices, copies "
        f"of {f['copy_rate'] / 1e9:.0f} GB a second, {1000 * f['launch_ms']:.0f} microseconds a launch."
    )
    kinds = list(dict.fromkeys(kind for row in f["rows"] for kind in row["ms"]))
    networks = [
        (
            r["network"],
            r["size"],
            *(r["ms"].get(kind) for kind in kinds),
            r["floor_ms"],
            r["ms"]["murai"] / r["floor_ms"],
        )
        for r in f["rows"]
    ]
    streams = [(s["streams"], s["size"], s["fps"], s["ms_median"], s["ms_p95"]) for s in f["streams"]]
    return "\n\n".join(
        [
            about,
            markdown(["network", "size", *(f"{kind}, ms" for kind in kinds), "floor, ms", "murai to floor"], networks),
            markdown(list(SHOWN.values()), [[show[name] for name in SHOWN] for show in f["shows"]]),
            markdown(["streams", "size", "pictures a second, all", "ms a picture", "95 % within, ms"], streams),
        ]
    )


def measure_rates(device: torch.device) -> dict[str, float]:
    """What the device can do: `matrix_rate` operations a second, two a multiply-add, `copy_rate` bytes read and written
    a second, `launch_ms` milliseconds to start one kernel."""
    large = device.type == "cuda"
    side, number = (8192, 1 << 29) if large else (512, 1 << 22)
    kind = torch.float16 if large else torch.float32
    a, b = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    source = torch.zeros(number, dtype=torch.uint8, device=device)
    target, one = torch.empty_like(source), torch.zeros(1, device=device)
    matrix, copy, launch = _take_turns([lambda: a @ b, lambda: target.copy_(source), lambda: one.add_(1)], device, 10)
    return {"matrix_rate": 2000 * side**3 / matrix, "copy_rate": 2000 * number / copy, "launch_ms": launch}


@torch.no_grad()
def floor_ms(network: StylizationNetwork, size: Size, rates: dict[str, float], itemsize: int = 2) -> float:
    """Milliseconds below which no way to run `network` layer by layer goes, by `rates`; numbers of `itemsize` bytes."""
    total = rates["launch_ms"]
    for each in convolutions(network, *(-(-side // network.multiple) * network.multiple for side in size)):
        moved = itemsize * (each.inputs + each.outputs + each.weights)
        total += 1000.0 * max(2 * each.multiply_adds / rates["matrix_rate"], moved / rates["copy_rate"])
    return total


def read_trace(events: Sequence[dict[str, Any]], seconds: float, pictures: int) -> dict[str, float]:
    """What a profiler's trace says of `pictures` in `seconds`: the share of time that kernels run, and for each picture
    the bytes between host and card and how often the host waited."""
    kernels = _union([(event["ts"], event["ts"] + event["dur"]) for event in events if event.get("cat") == "kernel"])
    copies = [event for event in events if event.get("cat") == "gpu_memcpy"]
    waits = sum(event.get("cat") == "cuda_runtime" and "Synchronize" in event["name"] for event in events)

    def moved(way: str) -> float:
        return float(sum(event["args"]["bytes"] for event in copies if way in event["name"])) / pictures

    return {
        "busy_share": kernels / 1e6 / seconds,
        "to_card": moved("HtoD"),
        "from_card": moved("DtoH"),
        "waits": waits / pictures,
    }


def _union(spans: list[tuple[float, float]]) -> float:
    """How long any of them lasts."""
    total, end = 0.0, -math.inf
    for first, last in sorted(spans):
        total += max(0.0, last - max(first, end))
        end = max(end, last)
    return total


def _row(
    name: str,
    network: StylizationNetwork,
    size: Size,
    device: torch.device,
    rates: dict[str, float],
    rounds: int,
    say: Say,
) -> dict[str, Any]:
    """The ways to run one network at one size, in turns."""
    runs = dict(_ways(network, size, device, say))
    taken = _take_turns(list(runs.values()), device, rounds)
    itemsize = 2 if device.type == "cuda" else 4
    return {
        "network": name,
        "size": f"{size[0]}x{size[1]}",
        "mac_per_pixel": mac_per_pixel(network),
        "ms": dict(zip(runs, taken, strict=True)),
        "floor_ms": floor_ms(network, size, rates, itemsize),
    }


def _ways(network: StylizationNetwork, size: Size, device: torch.device, say: Say) -> Iterator[tuple[str, Run]]:
    """murai's, and as the public examples do it: eager float32, with TF32, which is torch's default, and without."""
    image, style = _picture(size, device)[None], network.vector().to(device)
    runtime = TorchRuntime(network, str(device))
    yield "murai", lambda: runtime.run(image, style)
    plain = copy.deepcopy(network).eval().to(device)

    def eager(tf32: bool) -> object:
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32):
            return plain(image.permute(0, 3, 1, 2).float() / 255)

    yield "eager f32", lambda: eager(False)
    if device.type == "cuda":
        yield "eager tf32", lambda: eager(True)
        half = copy.deepcopy(network).eval().to(device, torch.float16).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.compiler.reset()  # else what was compiled for another network or size stands in the way
        compiled = torch.compile(half, dynamic=False)

        def run_compiled() -> object:
            with torch.inference_mode():
                return compiled(image.permute(0, 3, 1, 2).half() / 255)  # type: ignore[no-untyped-call]

        try:
            run_compiled()
        except Exception as error:  # a compiler is missing, say
            say(f"torch.compile is left out ({first_line(error)}).")
        else:
            yield "compiled f16", run_compiled


def _take_turns(runs: Sequence[Run], device: torch.device, rounds: int) -> list[float]:
    """Milliseconds of each at the median."""
    for run in runs:
        for _ in range(WARM_UP):
            run()
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, times in zip(runs, taken, strict=True):
            times.append(_milliseconds(run, device))
    return [float(np.median(times)) for times in taken]


def _milliseconds(run: Run, device: torch.device) -> float:
    """By events on a card, which measure what it does, not what the host says."""
    if device.type != "cuda":
        start = perf_counter()
        run()
        return 1000 * (perf_counter() - start)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()  # type: ignore[no-untyped-call]
    run()
    end.record()  # type: ignore[no-untyped-call]
    end.synchronize()  # type: ignore[no-untyped-call]
    return float(begin.elapsed_time(end))  # type: ignore[no-untyped-call]


def _show(pack: StylePack, size: Size, device: torch.device, frames: int, say: Say) -> dict[str, Any]:
    """H.264 to a screen without a display."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "in.mp4"
        say(f"a show of {pack.name} at {size[0]}x{size[1]}.")
        Pipeline(PatternSource(*size, RATE, live=False, frames=frames), Unpainted(), [FileSink(clip)]).run()
        network: list[float] = []
        on_card = device.type == "cuda"

        def show(live: bool) -> Pipeline:
            source = FileSource(clip, on_card=on_card, say=say)
            stylizer = TorchStylizer(pack, device=str(device))
            stylizer(_picture(size, device))
            return Pipeline(Paced(source) if live else source, _Timed(stylizer, network), [OffscreenSink(say=say)])

        fast = show(live=False)
        start = perf_counter()
        fast.run()
        fps = frames / (perf_counter() - start)
        network.clear()
        live = show(live=True)
        with _traced(Path(folder) / "trace.json", on_card) as events:
            start = perf_counter()
            live.run()
            seconds = perf_counter() - start
    sink = live.stats.sinks["OffscreenSink"]
    return {
        "network": pack.name,
        "size": f"{size[0]}x{size[1]}",
        "fps": fps,
        "delay_ms_median": sink.delay_ms,
        "delay_ms_p95": sink.delay_95_ms,
        "dropped": live.stats.dropped,
        "network_share": sum(network) / seconds,
        **read_trace(events, seconds, max(1, live.stats.painted)),
    }


@contextmanager
def _traced(file: Path, on_card: bool) -> Iterator[list[dict[str, Any]]]:
    """What a profiler sees of a card during the `with`, there once it ends; nothing where there is no card."""
    events: list[dict[str, Any]] = []
    if not on_card:
        yield events
        return
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profiler:
        yield events
    profiler.export_chrome_trace(str(file))
    events += json.loads(file.read_text())["traceEvents"]


class _Timed:
    """A stylizer, and the seconds its network took for each picture in `taken`."""

    def __init__(self, stylizer: TorchStylizer, taken: list[float]) -> None:
        self._stylizer, self._taken = stylizer, taken
        self.use, self.reset = stylizer.use, stylizer.reset

    def __call__(self, image: Any) -> Any:
        painted = self._stylizer(image)
        self._taken.append(self._stylizer.network_seconds)
        return painted


def _streams(
    pack: StylePack, network: StylizationNetwork, size: Size, device: torch.device, frames: int, say: Say
) -> Iterator[dict[str, Any]]:
    """Streams through one network, each as fast as it goes."""
    runtime = Batches(TorchRuntime(network, str(device)))
    for count in STREAMS:
        start = threading.Barrier(count + 1)
        threads = [
            _Stream(TorchStylizer(pack, runtime=runtime, say=say), _picture(size, device), frames, start)
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        with suppress(threading.BrokenBarrierError):  # why, the thread says that broke it
            start.wait()
        begun = perf_counter()
        for thread in threads:
            thread.join()
        if failed := [thread.error for thread in threads if thread.error]:
            raise failed[0]
        seconds = perf_counter() - begun
        taken = [ms for thread in threads for ms in thread.taken]
        yield {
            "streams": count,
            "size": f"{size[0]}x{size[1]}",
            "fps": count * frames / seconds,
            "ms_median": float(np.median(taken)),
            "ms_p95": float(np.percentile(taken, 95)),
        }


class _Stream(threading.Thread):
    """Paints one picture again and again, and waits for each painting, as its show would before it is seen."""

    def __init__(self, stylizer: TorchStylizer, image: Tensor, frames: int, start: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self._stylizer, self._image, self._frames, self._begin = stylizer, image, frames, start
        self.taken: list[float] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Paint."""
        try:
            for _ in range(WARM_UP):
                self._paint()
            self._begin.wait()
            for _ in range(self._frames):
                start = perf_counter()
                self._paint()
                self.taken.append(1000 * (perf_counter() - start))
        except threading.BrokenBarrierError:
            pass  # of another
        except Exception as error:
            self.error = error
            self._begin.abort()

    def _paint(self) -> None:
        painted = self._stylizer(self._image)
        if painted.device.type == "cuda":
            torch.cuda.current_stream(painted.device).synchronize()


def _networks(packs: Sequence[StylePack], say: Say) -> Iterator[tuple[str, StylizationNetwork]]:
    """Those that torch can paint with, by their packs' names; `say` hears which it cannot, and why."""
    for pack in packs:
        try:
            yield pack.name, network_of(pack)
        except PackError as error:
            say(f"left out: {error}")


def _picture(size: Size, device: torch.device) -> Tensor:
    frame = next(iter(PatternSource(*size, live=False, frames=1)))
    return torch.from_numpy(frame.image).to(device)


def _called(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(machine()["cpu"])
