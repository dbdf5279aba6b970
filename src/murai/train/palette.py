"""The colours of pictures, whatever their places: their distribution along lines through the cube of colours.

Two pictures have the same colours where these distributions are the same along every line (Rabin et al. 2011).
"""

import math

import torch
from torch import Tensor

LINES = 32
"""How many lines are looked along."""


def along_lines(pictures: Tensor) -> Tensor:
    """The colours of [N, 3, H, W] along each line, in 32 bits: [N, LINES, H W]."""
    flat = pictures.float().flatten(2)
    return _lines().to(flat) @ flat


def quantiles(ordered: Tensor, count: int) -> Tensor:
    """`count` values evenly spread over the last dimension of `ordered`, which is sorted."""
    places = (torch.arange(count, device=ordered.device) + 0.5) / count * ordered.shape[-1]
    return ordered[..., places.long()]


def palette_loss(painted: Tensor, style: Tensor) -> Tensor:
    """How far the colours of paintings [N, 3, H, W] are from those of the style picture: [], 0 for the same.

    `style` [1, LINES, P] is its sorted `along_lines`. The squared sliced Wasserstein distance over the variance of the
    style's colours: 1 where all are as far off as its own colours are from each other.
    """
    got = along_lines(painted).sort(-1).values
    wanted = quantiles(style, got.shape[-1])
    return (got - wanted).square().mean() / wanted.var(-1, unbiased=False).mean().clamp(min=1e-4)


def _lines() -> Tensor:
    """Unit vectors [LINES, 3], evenly over half the sphere: the other half would say the same."""
    height = (torch.arange(LINES) + 0.5) / LINES
    turn = torch.arange(LINES) * math.pi * (3 - math.sqrt(5))
    radius = (1 - height.square()).sqrt()
    return torch.stack([radius * turn.cos(), radius * turn.sin(), height], 1)
