"""How calm painted video is: flicker on still photographs with noise, and warping error where the motion is known.

flicker        mean |y_t - y_(t-1)| over mean |x_t - x_(t-1)| of the paintings y of a photograph x with fresh noise in
               each frame: below 1, the painting is calmer than what it was painted from
warping error  root mean square, in 0..1, of the next painting fetched along the flow minus this one, where the flow is
               valid; every pair of frames counts alike (the measure of Gao et al. 2018, ReCoNet)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import numpy as np

from murai.errors import Say, SourceError, silent
from murai.frame import Image
from murai.measure.cache import Cache, Figures, file_hash, fingerprint
from murai.measure.jobs import Advance, Job, Progress, finish, no_progress
from murai.measure.networks import Taught, Unpainted
from murai.measure.sequences import Footage, Motion, MovingSequence, sample
from murai.measure.tables import markdown

VERSION = 1
"""Part of every key in the cache: figures of another version are made anew."""
READ_NOISE, SHOT_NOISE = 4.0, 4.0
"""Deviations of a camera's noise in levels of 255: in the dark, and what the grain of light adds at full light."""
SEED = 0


class Stylizer(Protocol):
    """Paints uint8 [H, W, 3]; may remember, and forgets at `reset`."""

    def __call__(self, image: Image) -> Image:
        """The painting of `image`."""

    def reset(self) -> None:
        """Forget what came before."""


@dataclass(frozen=True)
class Painter:
    """Who paints: a row of the table. `key` says all that decides how, `open` gives a fresh stylizer."""

    title: str
    network: str
    style: str | None
    calm: float
    key: str
    stability_loss: Any
    open: Callable[[], Stylizer]


INPUT = Painter("the input", "input", None, 0.0, "input", None, Unpainted)


def measure_stability(
    taught: Sequence[Taught],
    photographs: Sequence[Path],
    sequences: Sequence[MovingSequence],
    cache: Cache,
    *,
    size: int = 384,
    frames: int = 64,
    totals: Mapping[tuple[str, str], float] | None = None,
    progress: Progress = no_progress,
    say: Say = silent,
) -> dict[str, Any]:
    """The JSON object of `murai measure stability`; the network `input` is the unpainted pictures.

    Flicker is measured on `frames` frames of the centre square, `size` pixels a side, of each photograph. `totals` are
    totals of quality by (network, style). Finished figures come from `cache`.

    Raises SourceError, TrainError for pictures that cannot be read, PackError, SinkError.
    """
    names = [sequence.name for sequence in sequences]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SourceError(f"two sequences are called {twice[0]}; rename one of them.")
    painters = [INPUT, *map(_painter, taught)]
    jobs = _flicker_jobs(painters, photographs, size, frames) + _warp_jobs(painters, sequences)
    values = [figures["value"] for figures in finish(jobs, cache, progress=progress, say=say)]
    columns = [values[start : start + len(painters)] for start in range(0, len(values), len(painters))]
    return {
        "rows": [
            {
                "network": painter.network,
                "style": painter.style,
                "calm": painter.calm,
                "stability_loss": painter.stability_loss,
                "flicker": flickers,
                "warp": dict(zip(names, errors, strict=True)),
                "total": (totals or {}).get((painter.network, painter.style or "")),
            }
            for painter, flickers, *errors in zip(painters, *columns, strict=True)
        ]
    }


def table(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    rows = figures["rows"]
    fields = ("network", "style", "calm", "stability_loss", "flicker")
    return markdown(
        ["network", "style", "calm", "stability loss", "flicker", *rows[0]["warp"], "total"],
        [[*(row[field] for field in fields), *row["warp"].values(), row["total"]] for row in rows],
    )


def with_noise(photograph: Image, random: np.random.Generator) -> Image:
    """`photograph` uint8 [H, W, 3] as a camera would take it once more.

    The variance of the noise is that of reading the sensor, and of the grain of light, which grows with the light.
    """
    deviation = np.sqrt(READ_NOISE**2 + SHOT_NOISE**2 / 255 * photograph, dtype=np.float32)
    noise = random.standard_normal(photograph.shape, np.float32) * deviation
    noisy: Image = np.rint(photograph + noise).clip(0, 255).astype(np.uint8)
    return noisy


def flicker(stylizer: Stylizer, photographs: Iterable[Image], frames: int, advance: Advance) -> float:
    """How much paintings of `frames` noisy moments of each photograph change, over how much the moments themselves do.

    The noise is the same at every call. Photographs are uint8 [H, W, 3]; there are 2 frames or more.
    """
    changes = np.zeros(2)
    for number, photograph in enumerate(photographs):
        stylizer.reset()
        random = np.random.default_rng((SEED, number))
        moments = ((moment, stylizer(moment)) for moment in (with_noise(photograph, random) for _ in range(frames)))
        for before, after in pairwise(moments):
            changes += [np.abs(a.astype(np.int16) - b).mean() for b, a in zip(before, after, strict=True)]
        advance((number + 1) * frames)
    return float(changes[1] / changes[0])


def warping_error(stylizer: Stylizer, footage: Footage, advance: Advance) -> float | None:
    """The warping error, 0..1, of painted `footage`; None where nothing of it is valid."""
    stylizer.reset()
    squares = []
    for index, (now, following) in enumerate(pairwise(map(stylizer, footage.frames))):
        motion = footage.motions.get(index)
        if motion and (square := _squared_error(now, following, motion)) is not None:
            squares.append(square)
        advance(index + 1)
    return sqrt(fmean(squares)) if squares else None


def _painter(taught: Taught) -> Painter:
    network, stages = taught.pack.name, taught.pack.manifest.stages(taught.style.name)
    stable = stages[-1].get("stable") if stages else None
    title = f"{network} {taught.title}"
    return Painter(title, network, taught.style.name, taught.calm, taught.key, stable, taught.stylizer)


def _squared_error(now: Image, following: Image, motion: Motion) -> float | None:
    fetched, inside = sample(following, motion.flow)
    valid = motion.valid & inside
    return float(np.square((fetched - now)[valid] / 255).mean()) if valid.any() else None


def _flicker_jobs(painters: Sequence[Painter], photographs: Sequence[Path], size: int, frames: int) -> list[Job]:
    from murai.train.quality import centre_picture

    def run(painter: Painter, advance: Advance) -> Figures:
        squares = (np.array(centre_picture(path, size)) for path in photographs)
        return {"value": flicker(painter.open(), squares, frames, advance)}

    files = [file_hash(path) for path in photographs]
    return [
        Job(
            f"the flicker of {painter.title}",
            fingerprint("flicker", VERSION, READ_NOISE, SHOT_NOISE, files, size, frames, painter.key),
            len(photographs) * frames,
            partial(run, painter),
        )
        for painter in painters
    ]


def _warp_jobs(painters: Sequence[Painter], sequences: Sequence[MovingSequence]) -> list[Job]:
    """Sequence by sequence, so that only one is in memory and each is loaded once."""
    load = lru_cache(maxsize=1)(lambda sequence: sequence.load())

    def run(painter: Painter, sequence: MovingSequence, advance: Advance) -> Figures:
        return {"value": warping_error(painter.open(), load(sequence), advance)}

    return [
        Job(
            f"the warping error of {painter.title} on {sequence.name}",
            fingerprint("warp", VERSION, sequence.key, painter.key),
            sequence.pictures,
            partial(run, painter, sequence),
        )
        for sequence in sequences
        for painter in painters
    ]
