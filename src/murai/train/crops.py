"""Which section of a picture to learn from.

A learned style knows no places: what is learned of a picture are statistics of all its area. Half sky and half portrait
teach a mixture that is neither. Gram matrices, which hold means and covariances both, stand for them here. So a good
section is

typical   its Gram matrices are nearly those of the whole picture: whoever knows the work knows the painting
even      its quarters have nearly the Gram matrices of the whole section: the average is true everywhere in it
rich      its features vary no less than those of the picture: texture, not empty ground

Typical counts twice. More texture than the picture has is no gain: it was tried, and what such sections taught was
further from the work. The energy of the Gram matrices themselves would be no measure of riches, since bright paper has
the most. So variance counts: what is left of a Gram matrix's trace without the mean. All is measured with the loss
network, at the size that the section would be learned at, on the layers up to relu3_3: deeper ones see things more than
strokes. `murai.measure.crops` checks what comes of it.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Tensor

from murai.errors import TrainError
from murai.train.losses import gram_matrix
from murai.train.photos import Box, learnable_style, look_into, open_picture, style_picture, to_picture, to_tensor
from murai.train.vgg import LossNetwork

SMALLEST = 64
"""Pixels of a picture's short side below which there is nothing to choose from."""
SCALES = (10, 8, 6)
"""Cells along the picture's short side. Sections are 4 cells on theirs: 40, 50 and 67 % of it."""
SHAPES = ((4, 4), (4, 6), (6, 4))
"""Cells across and down a section: square, upright and lying."""
LARGEST = 0.5
"""The share of the picture that a section may have."""
MARGIN = 24
"""Pixels around a row of cells that are needed for its features, and a few to spare."""

STRANGE, UNEVEN, POOR = 2.0, 1.0, 0.5
"""What a section costs for its distance from the picture, for that of its quarters, and for each factor of e in
variance that it has less."""
APART = 2.0
"""What a section costs more if an earlier suggestion covers it, or lies inside it; in part for a part."""
COLOURS = ("red", "gold", "deepskyblue")


@dataclass(frozen=True, slots=True)
class Crop:
    """A section of a picture. The lower its `cost`, the better it is to learn from."""

    box: Box
    cost: float


@dataclass(frozen=True, slots=True)
class _Cells:
    """A picture in square cells, rows x columns: by layer Gram matrices [R, C, D, D] and means [R, C, D] of the maps.

    `left` and `top` are the first cell's place and `side` every cell's side, in pixels of the picture file.
    """

    grams: dict[str, Tensor]
    means: dict[str, Tensor]
    left: float
    top: float
    side: float


def suggest_crops(
    path: Path,
    loss_network: LossNetwork,
    *,
    size: int = 512,
    count: int = 3,
    on_share: Callable[[float], None] = lambda done: None,
) -> list[Crop]:
    """The `count` best sections of a picture, the best first, if they are learned with their short side at `size`.

    `on_share` hears which share of the work is done, up to 1. Raises TrainError for a picture that cannot be read, is
    all one colour or too small to choose from.
    """
    width, height = look_into(path).size
    if min(width, height) < SMALLEST:
        raise TrainError(f"{path} is only {width}x{height} pixels, too small to take a section of; learn it whole.")
    learnable_style(path, size=SMALLEST)
    candidates, done, total = [], 0, sum(scale**2 for scale in SCALES)
    for scale in SCALES:

        def on_rows(share: float, before: int = done, scale: int = scale) -> None:
            on_share((before + share * scale**2) / total)

        candidates += list(_sections(_cells(path, loss_network, scale, size, on_rows)))
        done += scale**2
    return _apart(candidates, count)


def crop_sheet(path: Path, crops: Sequence[Crop], size: int = 512) -> Pillow.Image:
    """The picture with numbered frames, and below it each section with its short side at `size`. Raises TrainError."""
    sections = [to_picture(style_picture(path, crop=crop.box, size=size)) for crop in crops]
    gap = max(8, size // 32)
    width, height = sum(s.width + gap for s in sections) + gap, max(s.height for s in sections) + 3 * gap
    whole = look_into(path).size
    zoom = min((width - 2 * gap) / whole[0], 2 * size / whole[1])
    picture = open_picture(path, scale=2 * zoom).resize((round(whole[0] * zoom), round(whole[1] * zoom)))
    sheet = Pillow.new("RGB", (width, height + picture.height), "#222222")
    draw = ImageDraw.Draw(sheet)
    left, top = (width - picture.width) // 2, gap
    sheet.paste(picture, (left, top))
    for number, crop in enumerate(crops):
        x, y, w, h = (round(v * zoom) for v in crop.box)
        _frame(draw, (left + x, top + y, left + x + w, top + y + h), number, gap)
    left, top = gap, picture.height + 2 * gap
    for number, section in enumerate(sections):
        sheet.paste(section, (left, top))
        _frame(draw, (left, top, left + section.width, top + section.height), number, gap)
        left += section.width + gap
    return sheet


def _frame(draw: ImageDraw.ImageDraw, box: Box, number: int, gap: int) -> None:
    """A numbered frame; `box` is left, top, right, bottom."""
    left, top, colour = box[0], box[1], COLOURS[number % len(COLOURS)]
    draw.rectangle(box, outline=colour, width=max(2, gap // 4))
    draw.rectangle((left, top, left + 2 * gap, top + 2 * gap), fill=colour)
    font = ImageFont.load_default(1.5 * gap)
    draw.text((left + gap, top + gap), str(number + 1), fill="black", anchor="mm", font=font)


@torch.no_grad()
def _cells(path: Path, loss_network: LossNetwork, scale: int, size: int, on_share: Callable[[float], None]) -> _Cells:
    """`path` in cells, `scale` of them along its short side, each a quarter of `size`; what is left over is cut off."""
    width, height = look_into(path).size
    side = min(width, height) / scale
    columns, rows = int(width / side + 1e-6), int(height / side + 1e-6)
    left, top = (width - columns * side) / 2, (height - rows * side) / 2
    cell = max(4, round(size / 16) * 4)  # whole pixels in maps of a quarter of the size
    picture = open_picture(path, scale=2 * cell / side)
    zoom = picture.width / width
    right, bottom = min((left + columns * side) * zoom, picture.width), min((top + rows * side) * zoom, picture.height)
    box = (left * zoom, top * zoom, right, bottom)
    picture = picture.resize((columns * cell, rows * cell), Pillow.Resampling.LANCZOS, box=box)
    grams: dict[str, list[Tensor]] = defaultdict(list)
    means: dict[str, list[Tensor]] = defaultdict(list)
    for row in range(rows):  # row by row: maps of the whole would take gigabytes
        first, last = max(0, row * cell - MARGIN), min(picture.height, (row + 1) * cell + MARGIN)
        maps = loss_network(to_tensor(picture.crop((0, first, picture.width, last)))[None])
        for layer in (layer for layer in loss_network.style_layers if layer < "relu4"):
            step = maps[layer].shape[3] // columns  # a cell's side in this map
            above = (row * cell - first) * step // cell
            x = maps[layer][0, :, above : above + step].reshape(-1, step, columns, step).permute(2, 0, 1, 3)
            grams[layer].append(gram_matrix(x))
            means[layer].append(x.mean((2, 3)))
        on_share((row + 1) / rows)
    return _Cells(_stacked(grams), _stacked(means), left, top, side)


def _stacked(rows: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
    return {layer: torch.stack(parts) for layer, parts in rows.items()}


def _sections(cells: _Cells) -> Iterator[Crop]:
    """Every section that the cells allow, with its cost."""
    rows, columns = next(iter(cells.means.values())).shape[:2]
    for across, down in SHAPES:
        if across * down > LARGEST * rows * columns:
            continue
        for row in range(rows - down + 1):
            for column in range(columns - across + 1):
                part = (slice(row, row + down), slice(column, column + across))
                x, y = round(cells.left + column * cells.side), round(cells.top + row * cells.side)
                box = (x, y, int(across * cells.side), int(down * cells.side))
                yield Crop(box, _cost(cells, part))


def _cost(cells: _Cells, part: tuple[slice, slice]) -> float:
    """How strange, uneven and poor a section is, averaged over the layers; relative to the picture, so 0 is best."""
    cost = 0.0
    for layer, grams in cells.grams.items():
        means = cells.means[layer]
        down, across, depth, _ = grams[part].shape
        quarters = grams[part].reshape(2, down // 2, 2, across // 2, depth, depth).mean((1, 3)).flatten(0, 1)
        own, whole = quarters.mean(0), grams.mean((0, 1))
        uneven = (quarters - own).square().sum((1, 2)).mean() / own.square().sum()
        strange = (own - whole).square().sum() / whole.square().sum()
        rich = _variance(own, means[part].mean((0, 1))) / _variance(whole, means.mean((0, 1)))
        poor = max(0.0, -math.log(max(float(rich), 1e-6)))
        cost += float(STRANGE * strange + UNEVEN * uneven) + POOR * poor
    return cost / len(cells.grams)


def _variance(gram: Tensor, mean: Tensor) -> Tensor:
    """Of features with this Gram matrix [D, D] and mean [D], averaged over the D channels."""
    return (gram.trace() - mean.square().mean()).clamp(min=1e-12)


def _apart(candidates: Sequence[Crop], count: int) -> list[Crop]:
    """The best ones, each in turn the cheapest when its overlap with the former counts too."""
    left, chosen = list(candidates), list[Crop]()
    while left and len(chosen) < count:
        best = min(
            left, key=lambda crop: crop.cost + APART * max((overlap(crop.box, c.box) for c in chosen), default=0)
        )
        left.remove(best)
        chosen.append(best)
    return chosen


def overlap(a: Box, b: Box) -> float:
    """The area two boxes share, as a share of the smaller one: 0 apart, 1 where one lies inside the other."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, across) * max(0, down) / min(a[2] * a[3], b[2] * b[3])
