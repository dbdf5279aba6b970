"""What is learned: Johnson's objective, every term normalized so that one set of weights serves every picture (Johnson
et al. 2016; Gatys et al. 2016 for the Gram matrices). What makes video calm is in `stability`."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from murai.train.vgg import CONTENT

PART = 4
"""Cells a side of the parts of a picture in which a lattice is looked for."""
WAYS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Down and across, the directions in which it is looked for."""
FLAT = (2 / 255) ** 2
"""Variance below which a part of a painting counts as flat: what cannot be seen is not worth a loss."""

Maps = Mapping[str, Tensor]


class _Products(torch.autograd.Function):
    """A A^T of [N, C, P]. Torch alone would work out the gradient of both factors, which are the same."""

    @staticmethod
    def forward(context: Any, a: Tensor) -> Tensor:
        context.save_for_backward(a)
        return a @ a.transpose(1, 2)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (a,) = context.saved_tensors
        both: Tensor = (gradients[0] + gradients[0].transpose(1, 2)) @ a
        return both


def gram_matrix(x: Tensor) -> Tensor:
    """Correlations between the channels of feature maps [N, C, H, W]: [N, C, C], divided by C * H * W."""
    n, c, h, w = x.shape
    products: Tensor = _Products.apply(x.reshape(n, c, h * w).float())  # type: ignore[no-untyped-call]
    return products / (c * h * w)


def content_loss(painted: Maps, photograph: Maps, layer: str = CONTENT) -> Tensor:
    """|F(y) - F(x)|^2 / |F(x)|^2 of `layer`, averaged over the pictures: [] ; 1 when y shows nothing of x."""
    y, x = painted[layer].float(), photograph[layer].float()
    return ((y - x).square().sum((1, 2, 3)) / x.square().sum((1, 2, 3)).clamp(min=1e-8)).mean()


def style_loss(painted: Maps, style_grams: Maps, weights: Tensor | None = None) -> Tensor:
    """Sum over the style layers of |G(y) - G(s)|^2 / |G(s)|^2, averaged over the pictures.

    `style_grams[layer]` is [N, C, C] or [1, C, C]; `weights` [N] says how much each picture counts, None for all alike.
    """
    total = torch.zeros((), device=painted[CONTENT].device)
    for layer, gram in style_grams.items():
        difference = (gram_matrix(painted[layer]) - gram).square().sum((1, 2))
        difference = difference / gram.square().sum((1, 2))
        total = total + (difference if weights is None else difference * weights).mean()
    return total


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
    Gram matrices do not mind. Strokes and edges repeat as much at other distances, a lattice does not. Autocorrelations
    of what is left without the brightness around it are taken across, down and along both diagonals, in parts of PART
    cells a side that count alike, so that a wall counts as much as a crowd before it.
    """
    around = torch.nn.functional.avg_pool2d(painted, cell + 1, 1, cell // 2, count_include_pad=False)
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
    both, energy = torch.nn.functional.avg_pool2d(sums, part, max(1, part // 2)).chunk(2, 1)
    return both / (energy + 3 * FLAT)
