"""Whether the sections that `murai train --suggest-crops` proposes teach the work better than its centre does.

The choice looks at the picture. Here paintings are looked at: photographs are painted, by optimization, with what a
section teaches, and two judges lay them beside the whole work at the same scale.

grams     the style loss of the paintings against the whole work: how well who saw a section paints the work
patches   how far small patches of the paintings are from small patches of the work, band of detail by band; no network
          and no Gram matrix looks
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from murai.errors import Say, silent
from murai.train.crops import suggest_crops
from murai.train.losses import style_loss
from murai.train.objective import judge_by
from murai.train.optimize import optimize
from murai.train.photos import Box, look_into, style_picture, to_picture, to_tensor
from murai.train.quality import centre_picture, style_grams
from murai.train.settings import Settings
from murai.train.vgg import LossNetwork

if TYPE_CHECKING:
    from torch import Tensor

BANDS = 3
"""Bands of detail, each half as fine as the one before; what is left, the colours at large, is the last."""
PATCH, PATCHES, DIRECTIONS = 7, 8192, 64
"""Pixels a side of a patch, patches drawn of each picture, and the directions they are compared along."""

JUDGES = ("grams", "patches")

Bands = list[NDArray[np.float32]]


def measure_crops(
    pictures: Sequence[Path],
    photographs: Sequence[Path],
    loss_network: LossNetwork,
    *,
    size: int = 512,
    side: int = 256,
    iterations: int = 40,
    say: Say = silent,
) -> dict[str, Any]:
    """The JSON object of `murai measure crops`: the best section of each picture against the centre of the same size.

    Each of `photographs`, its centre square at `side` pixels, is painted in `iterations` of L-BFGS with the section as
    its style, the section's short side at `size`. `suggested` and `centre` have the mean over the photographs of
    each judge's figure, lower is better; `better` counts the pictures whose suggestion wins. Raises TrainError.
    """
    rows = []
    for path in pictures:
        box = suggest_crops(path, loss_network, size=size, count=1)[0].box
        boxes = {"suggested": box, "centre": centre_of(box, look_into(path).size)}
        work = style_picture(path, size=round(min(look_into(path).size) * size / min(box[2:])))
        row: dict[str, Any] = {"picture": path.stem, "crop": list(box)}
        for name, section in boxes.items():
            asked = judge_by(loss_network, style_picture(path, crop=section, size=size), Settings())
            paintings = [
                optimize(to_tensor(centre_picture(photo, side)), asked, iterations=iterations) for photo in photographs
            ]
            row[name] = judge(paintings, work, loss_network)
        say(
            ", ".join(
                [path.stem, *(f"{k} {row['suggested'][k]:.3f} (centre {v:.3f})" for k, v in row["centre"].items())]
            )
        )
        rows.append(row)
    return {
        "loss_network": loss_network.info.name,
        "photographs": len(photographs),
        "size": size,
        "side": side,
        "iterations": iterations,
        "rows": rows,
        "better": {k: sum(row["suggested"][k] < row["centre"][k] for row in rows) for k in JUDGES},
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| picture | section | " + " | ".join(f"{k}, suggested | centre | gain" for k in JUDGES) + " |",
        "|---|---|" + "---|---|---|" * len(JUDGES),
    ]
    for row in figures["rows"]:
        pairs = [(row["suggested"][k], row["centre"][k]) for k in JUDGES]
        cells = [f"{ours:.3f} | {theirs:.3f} | {1 - ours / theirs:+.0%}" for ours, theirs in pairs]
        lines.append(f"| {row['picture']} | {','.join(map(str, row['crop']))} | {' | '.join(cells)} |")
    wins = ", ".join(f"{figures['better'][k]} by {k}" for k in JUDGES)
    return "\n".join(
        [*lines, "", f"Of {len(figures['rows'])} pictures the suggestion is better than the centre for {wins}."]
    )


def judge(paintings: Sequence["Tensor"], work: "Tensor", loss_network: LossNetwork) -> dict[str, float]:
    """What each of JUDGES says of `paintings` beside `work`, all [3, H, W] in 0..1; mean over the paintings."""
    grams, pieces = style_grams(loss_network, work), bands(to_picture(work))
    return {
        "grams": fmean(float(style_loss(loss_network(painting[None]), grams)) for painting in paintings),
        "patches": fmean(distance(bands(to_picture(painting)), pieces) for painting in paintings),
    }


def centre_of(box: Box, whole: tuple[int, int]) -> Box:
    """The section of the size of `box` in the middle of a picture of `whole` (width, height) pixels."""
    return (whole[0] - box[2]) // 2, (whole[1] - box[3]) // 2, box[2], box[3]


def bands(picture: PIL.Image.Image) -> Bands:
    """The details of an RGB picture, from fine to coarse, then its colours: [h, w, 3] each, half as large in turn.

    Together they are the picture (Burt and Adelson 1983).
    """
    result = []
    for _ in range(BANDS):
        half = picture.resize(
            (max(PATCH, picture.width // 2), max(PATCH, picture.height // 2)), PIL.Image.Resampling.BOX
        )
        coarse = half.resize(picture.size, PIL.Image.Resampling.BILINEAR)
        result.append(np.asarray(picture, np.float32) - np.asarray(coarse, np.float32))
        picture = half
    return [*result, np.asarray(picture, np.float32)]


def distance(painting: Bands, work: Bands) -> float:
    """How far patches of a painting are from patches of the work: 0 for the same, 1 for a deviation of the work's own.

    Per band the sliced Wasserstein distance (Rabin et al. 2011), relative to the deviation of the work's patches.
    """
    return fmean(_sliced(ours, theirs) for ours, theirs in zip(painting, work, strict=True))


def _sliced(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    random = np.random.default_rng(0)
    directions = random.standard_normal((PATCH * PATCH * 3, DIRECTIONS)).astype(np.float32)
    a, b = (np.sort(_patches(band) @ directions, axis=0) for band in (ours, theirs))
    return float((np.abs(a - b).mean(axis=0) / b.std(axis=0).clip(1e-3)).mean())


def _patches(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """[PATCHES, PATCH * PATCH * 3] from places drawn at random, the same for the same size."""
    windows = np.lib.stride_tricks.sliding_window_view(band, (PATCH, PATCH), axis=(0, 1))
    random = np.random.default_rng(1)
    rows, columns = (random.integers(0, length, PATCHES) for length in windows.shape[:2])
    return windows[rows, columns].reshape(PATCHES, -1)
