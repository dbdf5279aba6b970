"""What makes video calm: the photograph a moment later, and how its painting should have changed.

none          nothing is asked
fixed-noise   as Mur.AI had it: one noise image, made once, added on random pixels
noise         fresh noise for every picture as a sensor makes it: a floor, and shot noise that grows with the light
motion        so too, and half of the pictures are shifted: what moves carries its strokes along. By whole pixels alone:
              a painting brought between pixels is blurred, and whoever is compared with it learns to blur
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from murai.train.chance import draws

Kind = Literal["none", "fixed-noise", "noise", "motion"]
Shift = tuple[int, int]
"""Pixels down and to the right by which the view moved: pixel (y, x) was (y + down, x + right) before."""

FURTHEST = 8
"""The largest shift in pixels when a style is taught: every place in a network's cells comes up."""
AROUND = 15
"""Pixels a side in which the contrast of a painting is looked at: as wide as a few strokes."""
LEAST = 2e-3
"""Variance, of colours in 0..1, as which less contrast counts: what is nearly flat need not stand perfectly still."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`photographs` [N, 3, H, W] a moment later, and by how much the view of each had moved."""

    photographs: Tensor
    shifts: Sequence[Shift]


def inner(wide: Tensor, margin: int) -> Tensor:
    """[N, 3, H + 2 margin, W + 2 margin] without its margin."""
    return wide[:, :, margin : wide.shape[2] - margin, margin : wide.shape[3] - margin]


def later(wide: Tensor, numbers: Sequence[int], seed: int, kind: Kind, strongest: float, *, margin: int = 0) -> Moment:
    """The next moment of photographs in 0..1, each a pure function of `seed` and its own number.

    `wide` is [N, 3, H + 2 margin, W + 2 margin]: the photographs, and around them what a shift of up to `margin` pixels
    brings into the picture. `strongest` is the deviation of the strongest noise, 0..1. Raises ValueError for the kind
    `none`.
    """
    if kind == "none":
        raise ValueError("nothing happens to photographs of the kind none")
    chances = [draws(seed, number, "later") for number in numbers]
    shifts = [_shift(draw, margin) if kind == "motion" else (0, 0) for draw in chances]
    moved = torch.stack([_window(x, shift, margin) for x, shift in zip(wide, shifts, strict=True)])
    if kind == "fixed-noise":
        noises = [_fixed_noise(x, draw, seed, strongest) for x, draw in zip(moved, chances, strict=True)]
    else:
        noises = [sensor_noise(x, draw, strongest) for x, draw in zip(moved, chances, strict=True)]
    return Moment((moved + torch.stack(noises)).clamp(0, 1), shifts)


def stability_loss(painted: Tensor, again: Tensor, moment: Moment) -> Tensor:
    """How much a painting [N, 3, H, W] and that of the next moment differ where they show the same: [].

    The mean squared difference of each two over the contrast of the first, which is no part of what is learned: so dull
    paintings are no calmer than bold ones. 2 where they have nothing in common but their contrast, 1 where a change is
    as large as the strokes themselves, 0 where all stays, or moves along.
    """
    pairs = zip(painted, again, moment.shifts, strict=True)
    unrest = torch.stack([_difference(before, after, shift) for before, after, shift in pairs])
    return (unrest / contrast(painted.detach())).mean()


def contrast(painted: Tensor) -> Tensor:
    """Variance of [N, 3, H, W] in 0..1 within AROUND pixels, averaged over each picture, LEAST or more: [N]."""
    mean, square = (F.avg_pool2d(x, AROUND, 1, AROUND // 2, count_include_pad=False) for x in (painted, painted**2))
    return (square - mean.square()).mean((1, 2, 3)).clamp(min=LEAST)


def sensor_noise(picture: Tensor, draw: torch.Generator, strongest: float) -> Tensor:
    """Noise shaped like `picture` [3, H, W] in 0..1.

    Its deviation at full light is drawn between a fifth of `strongest` and all of it; in the dark it is half of that.
    """
    deviation = strongest * (0.2 + 0.8 * torch.rand((), generator=draw))
    light = (0.25 + 0.75 * picture.cpu()).sqrt()
    return (torch.randn(picture.shape, generator=draw) * light * deviation).to(picture.device)


def _fixed_noise(picture: Tensor, draw: torch.Generator, seed: int, strongest: float) -> Tensor:
    image = torch.randn(picture.shape, generator=draws(seed, 0, "fixed noise")) * strongest
    chosen = torch.rand(picture.shape[1:], generator=draw) < 0.5
    return (image * chosen).to(picture.device)


def _shift(draw: torch.Generator, furthest: int) -> Shift:
    """By whole pixels, up to `furthest` each way; none at all for one in two."""
    moves, down, right = torch.rand(3, generator=draw).tolist()
    steps = 2 * furthest + 1
    return (int(down * steps) - furthest, int(right * steps) - furthest) if moves < 0.5 else (0, 0)


def _window(wide: Tensor, shift: Shift, margin: int) -> Tensor:
    """[3, H, W] of [3, H + 2 margin, W + 2 margin], `shift` away from its middle."""
    height, width = (side - 2 * margin for side in wide.shape[1:])
    top, left = (margin + way for way in shift)
    return wide[:, top : top + height, left : left + width]


def _difference(before: Tensor, after: Tensor, shift: Shift) -> Tensor:
    """The mean squared difference of two paintings [3, H, W] where both show the same: []."""
    height, width = before.shape[1:]
    down, right = shift
    rows, columns = height - abs(down), width - abs(right)
    top, left = max(0, down), max(0, right)
    same = before[:, top : top + rows, left : left + columns]
    top, left = max(0, -down), max(0, -right)
    return (after[:, top : top + rows, left : left + columns] - same).square().mean()
