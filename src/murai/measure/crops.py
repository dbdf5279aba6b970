"""Whether the sections that `murai train --suggest-crops` proposes teach the work better than its centre does.

The judge shares nothing with the choice. The choice compares Gram matrices of a loss network over the picture itself.
Here photographs are painted, by optimization, with what a section teaches, and the paintings are laid beside the whole
work at the same scale: how far are small patches of the one from small patches of the other, band of detail by band?
No network and no Gram matrix looks, and a section that resembles the work but paints badly loses.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from murai.errors import Say, silent
from murai.train.crops import suggest_crops
from murai.train.optimize import optimize
from murai.train.photos import Box, look_into, style_picture, to_picture, to_tensor
from murai.train.quality import centre_picture, style_grams
from murai.train.vgg import LossNetwork

BANDS = 3
"""Bands of detail, each half as fine as the one before; what is left, the colours at large, is the last."""
PATCH, PATCHES, DIRECTIONS = 7, 8192, 64
"""Pixels a side of a patch, patches drawn of each picture, and the directions they are compared along."""

Bands = list[NDArray[np.float32]]


def measure_crops(
    pictures: Sequence[Path],
    photographs: Sequence[Path],
    loss_network: LossNetwork,
    *,
    size: int = 512,
    side: int = 256,
    iterations: int = 30,
    say: Say = silent,
) -> dict[str, Any]:
    """The JSON object of `murai measure crops`: the best section of each picture against the centre of the same size.

    Each of `photographs`, its centre square at `side` pixels, is painted in `iterations` of L-BFGS with the section's
    Gram matrices, the section's short side at `size`. `suggested` and `centre` are `distance` to the whole work, mean
    over the photographs; `better` counts the pictures whose suggestion is nearer. Raises TrainError.
    """
    rows = []
    for path in pictures:
        box = suggest_crops(path, loss_network, size=size, count=1)[0].box
        boxes = {"suggested": box, "centre": centre_of(box, look_into(path).size)}
        zoom = size / min(box[2:])
        work = bands(_resized(path, zoom))
        row: dict[str, Any] = {"picture": path.stem, "crop": list(box)}
        for name, section in boxes.items():
            grams = style_grams(loss_network, style_picture(path, crop=section, size=size))
            paintings = [
                optimize(to_tensor(centre_picture(photo, side)), grams, loss_network, iterations=iterations)
                for photo in photographs
            ]
            row[name] = fmean(distance(bands(to_picture(painting)), work) for painting in paintings)
        say(f"{path.stem}: suggested {row['suggested']:.3f}, centre {row['centre']:.3f}")
        rows.append(row)
    return {
        "loss_network": loss_network.info.name,
        "photographs": len(photographs),
        "size": size,
        "side": side,
        "iterations": iterations,
        "rows": rows,
        "better": sum(row["suggested"] < row["centre"] for row in rows),
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| picture | section | its paintings, to the whole work | the centre's | |", "|---|---|---|---|---|"]
    for row in figures["rows"]:
        gain = row["suggested"] / row["centre"] - 1
        crop = ",".join(map(str, row["crop"]))
        lines.append(f"| {row['picture']} | {crop} | {row['suggested']:.3f} | {row['centre']:.3f} | {gain:+.0%} |")
    return "\n".join([*lines, "", f"The suggestion is nearer for {figures['better']} of {len(figures['rows'])}."])


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


def _resized(path: Path, zoom: float) -> PIL.Image.Image:
    """The whole work at the scale its section is learned at."""
    return to_picture(style_picture(path, size=round(min(look_into(path).size) * zoom)))
