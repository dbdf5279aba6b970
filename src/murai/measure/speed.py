"""How fast murai paints: networks in turns on the same frames, then the whole pipeline, all in one run.

Machines are noisy, so what counts are the ratios between rows of one run.
"""

import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from murai.errors import MissingExtra, Say, silent
from murai.measure.networks import Unpainted
from murai.packs import StylePack
from murai.pipeline import Pipeline
from murai.sinks.file import FileSink
from murai.sources.file import FileSource
from murai.sources.paced import Paced
from murai.sources.pattern import PatternSource
from murai.stylizers import compose
from murai.stylizers.openvino import OpenVINORuntime, OpenVINOStylizer, has_bf16

Picture = NDArray[np.uint8]
Row = tuple[str, str, float, Callable[[Picture], object]]
"""Network, runtime, multiply-adds per pixel of the frame, and a function that paints [H, W, 3]."""

WARM_UP = 2
QUICK_MS = 200.0
REPEATS = 5
"""A network faster than QUICK_MS runs so often a turn, so that one turn of the slow is not all the fast get."""


def measure_speed(
    pack: StylePack, size: tuple[int, int], *, rounds: int = 15, frames: int = 150, say: Say = silent
) -> dict[str, Any]:
    """The JSON object of `murai measure speed` for pictures of `size` (width, height).

    `rows` are in milliseconds to paint a frame: murai's networks work at a share of it and their coefficients are
    applied to all of it, see `stylizers.compose.fit`; the reference works at its full size. `pipeline.fps` is decode,
    painting and x264 ultrafast as fast as they go; `pipeline.delay_ms_*` is capture to sink while the same file is
    played live. Raises MissingExtra without torch, which runs the reference.
    """
    width, height = size
    pictures = [frame.image for frame in PatternSource(width, height, live=False, frames=8)]
    rows = _take_turns([*_pack_rows(pack, size), *_johnson_rows(size)], pictures, rounds, say)
    fastest = min((r for r in rows if r["network"] == pack.name), key=lambda r: float(r["ms_median"]))
    ratios = {
        f"ratio_to_johnson_{name}": min(
            r["ms_median"] for r in rows if r["network"] == "johnson" and r["runtime"].startswith(name)
        )
        / fastest["ms_median"]
        for name in ("torch", "openvino")
    }
    precision = fastest["runtime"].removeprefix("openvino-")
    return {
        "machine": machine(),
        "rows": rows,
        "pipeline": {**_measure_pipeline(pack, precision, size, frames, say), "precision": precision},
        **ratios,
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        f"{figures['machine']['cpu']}, {figures['machine']['cores']} cores",
        "",
        "| network | runtime | size | ms median | ms 95 % | multiply-adds per pixel of it |",
        "|---|---|---|---|---|---|",
    ]
    for r in figures["rows"]:
        lines.append(
            f"| {r['network']} | {r['runtime']} | {r['size']} | {r['ms_median']:.1f} | {r['ms_p95']:.1f} "
            f"| {r['mac_per_pixel']:,.0f} |"
        )
    p = figures["pipeline"]
    return "\n".join(
        [
            *lines,
            "",
            f"Pipeline ({p['precision']}): {p['fps']:.1f} frames a second; live, delay {p['delay_ms_median']:.0f} ms "
            f"at the median, {p['delay_ms_p95']:.0f} ms at 95 %, {p['dropped']} of {p['read']} frames dropped.",
            f"The reference takes {figures['ratio_to_johnson_torch']:.0f} times as long in torch and "
            f"{figures['ratio_to_johnson_openvino']:.1f} times in OpenVINO.",
        ]
    )


def machine() -> dict[str, Any]:
    """What this machine is: processor, cores, system."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else platform.processor() or platform.machine()
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


def _pack_rows(pack: StylePack, size: tuple[int, int]) -> list[Row]:
    vector = pack.vector({pack.names[0]: 1.0})
    across, down = compose.work_size(*size, None, 1.0)
    mac = pack.manifest.mac_per_pixel * across * down / (size[0] * size[1])
    return [
        (pack.name, f"openvino-{precision}", mac, _openvino(pack.model, vector, precision, (across, down)))
        for precision in _precisions()
    ]


def _johnson_rows(size: tuple[int, int]) -> list[Row]:
    """The 2016 network, untaught: its speed does not depend on what it has learned."""
    try:
        import torch

        from murai.nets import build, mac_per_pixel
        from murai.train.export import to_onnx
    except ModuleNotFoundError as error:
        raise MissingExtra("Measuring against the reference network", "train") from error
    network = build("johnson").eval()
    mac = mac_per_pixel(network)

    def eager(picture: Picture) -> object:
        with torch.inference_mode():
            painted = network(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
            return (255 * painted[0]).round().to(torch.uint8).permute(1, 2, 0).contiguous()

    model, style = to_onnx(network), network.vector().numpy()
    runs = [
        ("johnson", f"openvino-{precision}", mac, _openvino(model, style, precision, None))
        for precision in _precisions()
    ]
    return [("johnson", "torch-f32", mac, eager), *runs]


def _precisions() -> tuple[str, ...]:
    return ("bf16", "f32") if has_bf16() else ("f32",)


def _openvino(
    model: bytes, vector: NDArray[np.float32], precision: Any, size: tuple[int, int] | None
) -> Callable[[Picture], object]:
    runtime = OpenVINORuntime(model, precision=precision)
    return lambda picture: runtime.run(picture, vector, size)


def _take_turns(runs: list[Row], pictures: list[Picture], rounds: int, say: Say) -> list[dict[str, Any]]:
    """Every network paints the same picture in turn, round after round; after a change of network, once unmeasured."""
    times: list[list[float]] = [[] for _ in runs]
    repeats = [REPEATS if _time(run, pictures[0], WARM_UP)[-1] < QUICK_MS else 1 for *_, run in runs]
    for number in range(rounds):
        for (*_, run), took, count in zip(runs, times, repeats, strict=True):
            took += _time(run, pictures[number % len(pictures)], 1 + count)[1:]
        say(f"round {number + 1} of {rounds}")
    height, width = pictures[0].shape[:2]
    return [
        {
            "network": network,
            "runtime": runtime,
            "size": f"{width}x{height}",
            "ms_median": float(np.median(took)),
            "ms_p95": float(np.percentile(took, 95)),
            "mac_per_pixel": mac,
        }
        for (network, runtime, mac, _), took in zip(runs, times, strict=True)
    ]


def _time(run: Callable[[Picture], object], picture: Picture, count: int) -> list[float]:
    took = []
    for _ in range(count):
        start = perf_counter()
        run(picture)
        took.append(1000 * (perf_counter() - start))
    return took


def _measure_pipeline(pack: StylePack, precision: Any, size: tuple[int, int], frames: int, say: Say) -> dict[str, Any]:
    """H.264 in, H.264 out: once as fast as it goes, once live at 30 frames a second."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "in.mp4"
        say("writing a clip to paint.")
        Pipeline(PatternSource(*size, live=False, frames=frames), Unpainted(), [FileSink(clip)]).run()

        def stylizer() -> OpenVINOStylizer:
            ready = OpenVINOStylizer(pack, precision=precision)
            ready(np.zeros((size[1], size[0], 3), np.uint8))
            return ready

        say("painting it as fast as it goes.")
        fast = Pipeline(FileSource(clip), stylizer(), [FileSink(Path(folder) / "fast.mp4", preset="ultrafast")])
        start = perf_counter()
        fast.run()
        seconds = perf_counter() - start
        say("painting it live.")
        live = Pipeline(Paced(FileSource(clip)), stylizer(), [FileSink(Path(folder) / "live.mp4")])
        live.run()
    stats = live.stats
    return {
        "fps": fast.stats.painted / seconds,
        "delay_ms_median": stats.delay_ms,
        "delay_ms_p95": stats.delay_95_ms,
        "read": stats.read,
        "dropped": stats.dropped,
    }
