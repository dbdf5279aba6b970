"""What is learned: the terms of the loss, each normalized so that one set of weights serves every picture.

statistics   mean and covariance of what the loss network sees as in the style picture: centred, so that contrast and
             strokes count, which most of a Gram matrix hides (see `gram` for that objective); and its colours
structure    where things are, as in the photograph: of its features after instance normalization, so that nothing is
             gained by painting with less contrast
light        the same of the brightness, seen from further away: faces do not sink into a dark palette
lattice      no mark in cell after cell
weave        no trace of the pixels that a network folds into one place

What makes video calm is in `stability`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from murai.train.gram import Maps as Maps
from murai.train.gram import content_loss as content_loss
from murai.train.gram import gram_matrix as gram_matrix
from murai.train.gram import style_loss as style_loss
from murai.train.moments import Moments
from murai.train.palette import along_lines, palette_loss

MARGINS = {"relu1_2": 16, "relu2_2": 8, "relu3_3": 4, "relu4_1": 2, "relu4_3": 2}
"""Places at the edges of a map that are left out: VGG pads with zeros, and a network would learn to paint a frame. Of
small maps a quarter of the side at most."""
SPARSE, COARSE = 3, 4
"""Colours are looked at in every third pixel, which comes to every place in a network's cells, and averaged over 4."""
PALETTE = 2.0
"""What the colours count at either scale, where the layers together count about 5."""
BALANCE = 1.5
"""What the statistics are multiplied by, that a weight of 1 may be the usual one."""
QUARTERS = 4

FAINT = 1e-3
"""Of a map's mean square, added to the variance of a channel: one that hardly answers is not blown up."""
DARK = 1e-6
"""Added as well, for maps in which nothing answers."""
LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the brightness."""
AROUND = (4, 12)
"""Pixels over which the brightness is averaged."""

PART = 4
"""Cells a side of the parts of a picture in which a lattice is looked for."""
WAYS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Down and across, the directions in which it is looked for."""
THREAD, WOVEN = 4, 32
"""Pixels that a weave is wide, and a side of the parts of a picture in which it is looked for."""
FLAT = (2 / 255) ** 2
"""Variance below which a part of a painting counts as flat: what cannot be seen is not worth a loss."""


def inside(layer: str, x: Tensor) -> Tensor:
    """The map [N, C, H, W] of `layer` without its edges, see MARGINS."""
    margin = min(MARGINS[layer], min(x.shape[2:]) // 4)
    return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin]


@dataclass(frozen=True, slots=True)
class Style:
    """What is wanted of paintings: the `moments` of each layer's maps, and the colours at both scales."""

    moments: Mapping[str, Moments]
    palettes: Sequence[Tensor]

    @classmethod
    def of(cls, maps: Maps, picture: Tensor, layers: Sequence[str]) -> "Style":
        """That of a picture [1, 3, H, W] in which the loss network sees `maps`."""
        moments = {layer: Moments.of(inside(layer, maps[layer])) for layer in layers}
        return cls(moments, [along_lines(x).sort(-1).values for x in _colours(picture)])


def statistics_loss(
    maps: Maps, painted: Tensor, style: Style, weights: Mapping[str, float], parts: float = 0.0
) -> Tensor:
    """How far the statistics of paintings [N, 3, H, W] are from those of the style picture: [], 0 for the same.

    `maps` is what the loss network sees in them, `weights` what its layers count. `parts` is the share, 0..1, of what
    each quarter of a painting is asked for by itself, so that the style does not keep to a few places.
    """
    seen = [
        weight * _distance(inside(layer, maps[layer]), style.moments[layer], parts) for layer, weight in weights.items()
    ]
    colours = [PALETTE * palette_loss(x, there) for x, there in zip(_colours(painted), style.palettes, strict=True)]
    return BALANCE * torch.stack([*seen, *colours]).sum()


def _colours(pictures: Tensor) -> tuple[Tensor, Tensor]:
    return pictures[:, :, ::SPARSE, ::SPARSE], F.avg_pool2d(pictures, COARSE)


def _distance(x: Tensor, style: Moments, parts: float) -> Tensor:
    if not parts or min(x.shape[2:]) < 2:
        return Moments.of(x).distance(style).mean()
    quarters = Moments.of(_quarters(x))
    whole = quarters.together(QUARTERS).distance(style).mean()
    return torch.lerp(whole, quarters.distance(style).mean(), parts)


def _quarters(x: Tensor) -> Tensor:
    """[4 N, C, H / 2, W / 2] of [N, C, H, W]; of an odd number of places the last is left out."""
    height, width = (side // 2 for side in x.shape[2:])
    tops, lefts = (0, height), (0, width)
    return torch.cat([x[:, :, top : top + height, left : left + width] for top in tops for left in lefts])


def normalized(x: Tensor) -> Tensor:
    """[N, C, H, W] with each channel's mean taken out and its deviation made 1 (Ulyanov et al. 2016), in 32 bits."""
    x = x.float()
    faint = FAINT * x.square().mean((1, 2, 3), keepdim=True) + DARK
    return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, unbiased=False) + faint).sqrt()


def structure_loss(painted: Tensor, photograph: Tensor) -> Tensor:
    """Half the mean squared difference of two maps [N, C, H, W], both normalized: [].

    0 where they show the same at whatever contrast, 1 where they have nothing in common.
    """
    return (normalized(painted) - normalized(photograph)).square().mean() / 2


def light_loss(painted: Tensor, photographs: Tensor) -> Tensor:
    """The structure lost in the brightness of [N, 3, H, W], averaged over 4 and over 12 pixels: [], mostly 0..1."""
    y, x = _brightness(painted), _brightness(photographs)
    return torch.stack([structure_loss(F.avg_pool2d(y, side), F.avg_pool2d(x, side)) for side in AROUND]).mean()


def _brightness(x: Tensor) -> Tensor:
    return (x * x.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def imitation_loss(painted: Tensor, wanted: Tensor) -> Tensor:
    """Mean |y - w| of [N, 3, H, W] over mean |w - its mean|: [] ; 1 for pictures of one colour, the right one."""
    spread = (wanted - wanted.mean((2, 3), keepdim=True)).abs().mean((1, 2, 3)).clamp(min=1 / 255)
    return ((painted - wanted).abs().mean((1, 2, 3)) / spread).mean()


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels of [N, 3, H, W], across and down."""
    across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean()
    down = (x[:, :, 1:] - x[:, :, :-1]).abs().mean()
    return across + down


def lattice_loss(painted: Tensor, cell: int) -> Tensor:
    """How much more of [N, 3, H, W] repeats after `cell` pixels than after one fewer or one more: [], 0..1.

    A network that works on a grid can paint one mark in cell after cell, most of all where the photograph is flat: the
    statistics do not mind. Strokes and edges repeat as much at other distances, a lattice does not. Autocorrelations
    of what is left without the brightness around it are taken across, down and along both diagonals, in parts of PART
    cells a side that count alike, so that a wall counts as much as a crowd before it.
    """
    around = F.avg_pool2d(painted, cell + 1, 1, cell // 2, count_include_pad=False)
    fine = painted - around
    return torch.stack([_excess(fine, way, cell) for way in WAYS]).mean()


def _excess(fine: Tensor, way: tuple[int, int], cell: int) -> Tensor:
    """For one way, part by part: the correlation after `cell` pixels beyond the larger of those beside it."""
    fewer, same, more = (_autocorrelation(fine, way, distance, cell) for distance in (cell - 1, cell, cell + 1))
    return (same - torch.maximum(fewer, more)).clamp(min=0)


def _autocorrelation(fine: Tensor, way: tuple[int, int], distance: int, cell: int) -> Tensor:
    """Of each part of `fine` with what lies `distance` pixels along `way` from it: [N, 1, rows, columns], -1..1."""
    margin = cell + 1
    height, width = fine.shape[2] - 2 * margin, fine.shape[3] - 2 * margin
    top, left = (margin + distance * step for step in way)
    here = fine[:, :, margin : margin + height, margin : margin + width]
    there = fine[:, :, top : top + height, left : left + width]
    sums = torch.cat([(here * there).sum(1, True), (here.square() + there.square()).sum(1, True) / 2], 1)
    part = min(PART * cell, height, width)
    both, energy = F.avg_pool2d(sums, part, max(1, part // 2)).chunk(2, 1)
    return both / (energy + 3 * FLAT)


def weave_loss(painted: Tensor) -> Tensor:
    """How much finer than WOVEN pixels of [N, 3, H, W] is woven across or down with a period of THREAD: [], 0..1.

    A network that folds THREAD x THREAD pixels into one place can leave a trace of that everywhere, too faint for
    `lattice_loss` beside bold strokes, but seen where the photograph is flat. In parts of WOVEN pixels a side, which
    count alike, the wave of that period, the same along the other way, is compared with those a little longer and a
    little shorter.
    """
    around = F.avg_pool2d(painted, 2 * THREAD + 1, 1, THREAD, count_include_pad=False)
    fine = painted - around
    part = min(WOVEN, *fine.shape[2:])
    energy = F.avg_pool2d(fine.square(), part, max(1, part // 2)).mean(1, True)
    excess = torch.stack([_woven(fine, part), _woven(fine.mT, part).mT])
    return (excess / (energy + FLAT)).mean()


def _woven(fine: Tensor, part: int) -> Tensor:
    """Part by part, the energy of the wave of THREAD pixels along a row beyond that of the waves beside it."""
    across = torch.arange(fine.shape[3], device=fine.device)
    found = []
    for frequency in (1 / THREAD, 1 / THREAD - 1 / WOVEN, 1 / THREAD + 1 / WOVEN):
        turn = 2 * math.pi * frequency * across
        both = torch.cat([fine * turn.cos(), fine * turn.sin()], 1)
        found.append(4 * F.avg_pool2d(both, part, max(1, part // 2)).square().mean(1, True))
    same, longer, shorter = found
    return (same - torch.maximum(longer, shorter)).clamp(min=0)
