"""What is learned: Johnson's objective, every term normalized so that one set of weights serves every picture (Johnson
et al. 2016; Gatys et al. 2016 for the Gram matrices). What makes video calm is in `stability`."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from murai.train.vgg import CONTENT

TILE = 8
"""Cells a side of the parts of a picture in which a lattice is looked for."""
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


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels of [N, 3, H, W], across and down."""
    across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean()
    down = (x[:, :, 1:] - x[:, :, :-1]).abs().mean()
    return across + down


def lattice_loss(painted: Tensor, cell: int) -> Tensor:
    """Share of the variance of [N, 3, H, W] that repeats with every `cell` pixels: [], 0..1.

    A network that works on a grid can paint one, most of all where the photograph is flat: the Gram matrices do not
    mind. Each part of TILE x TILE cells counts alike, so that a wall counts as much as a crowd before it.
    """
    n, channels, height, width = painted.shape
    tile = min(TILE, height // cell, width // cell)
    rows, columns = height // (tile * cell), width // (tile * cell)
    cells = painted[:, :, : rows * tile * cell, : columns * tile * cell]
    cells = cells.reshape(n, channels, rows, tile, cell, columns, tile, cell)
    common = cells.mean((3, 6)).var((3, 5), correction=0).mean(1)
    whole = cells.var((3, 4, 6, 7), correction=0).mean(1)
    return (common / whole.clamp(min=FLAT)).mean()
