"""What makes video calm: the photograph a moment later, and how its painting should have changed.

none          nothing is asked
fixed-noise   as Mur.AI had it: one noise image, made once, added on random pixels; squared error of output pixels
noise         fresh noise for every picture as a sensor makes it: a floor, and shot noise that grows with the light
motion        half of the pictures so, half shifted and zoomed too: what moves carries its strokes along. Shifts are
              wide, so that nothing is gained by what stays with the picture's edges, or on a lattice
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from murai.train.chance import draws

Kind = Literal["none", "fixed-noise", "noise", "motion"]

FURTHEST, NEAREST = 48, 0.04
"""The largest shift in pixels when a style is taught, and how much larger or smaller a picture becomes at most."""
LEAST = 0.04
"""Deviation of noise, 0..1, as which weaker noise counts: what cannot be seen is not worth a loss."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`photographs` [N, 3, H, W] a moment later, the flow to them, and how strong the disturbance was.

    grid      [N, H, W, 2] where each pixel was before, as `grid_sample` takes it; None where nothing can have moved
    valid     [N, 1, H, W] 1 where that was inside the picture
    energy    [N] mean square of the noise
    """

    photographs: Tensor
    grid: Tensor | None
    valid: Tensor
    energy: Tensor

    def carry(self, painted: Tensor) -> Tensor:
        """`painted` [N, 3, H, W] moved along."""
        if self.grid is None:
            return painted
        return F.grid_sample(painted, self.grid, padding_mode="border", align_corners=False)


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
    photographs = inner(wide, margin)
    moved, grid, valid = photographs, None, torch.ones_like(photographs[:, :1])
    if kind == "motion":
        matrices = torch.stack([_motion(photographs[0], draw, margin) for draw in chances])
        grid = F.affine_grid(matrices, list(photographs.shape), align_corners=False).to(wide.device)
        valid = (grid.abs() <= 1).all(dim=3)[:, None].float()
        share = wide.new_tensor(photographs.shape[:1:-1]) / wide.new_tensor(wide.shape[:1:-1])
        moved = F.grid_sample(wide, grid * share, padding_mode="border", align_corners=False)
    if kind == "fixed-noise":
        noises = [_fixed_noise(x, draw, seed, strongest) for x, draw in zip(photographs, chances, strict=True)]
    else:
        noises = [sensor_noise(x, draw, strongest) for x, draw in zip(moved, chances, strict=True)]
    noise = torch.stack(noises)
    return Moment((moved + noise).clamp(0, 1), grid, valid, noise.square().mean((1, 2, 3)))


def stability_loss(painted: Tensor, again: Tensor, moment: Moment) -> Tensor:
    """How much more than it should a painting [N, 3, H, W] changes: |N(x') - W N(x)|^2 over the noise's energy: [].

    1 where noise comes out as it went in. Noise weaker than LEAST counts as that.
    """
    error = (again - moment.carry(painted)).square() * moment.valid
    share = error.sum((1, 2, 3)) / (3 * moment.valid.sum((1, 2, 3))).clamp(min=1)
    return (share / moment.energy.clamp(min=LEAST**2)).mean()


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


def _motion(picture: Tensor, draw: torch.Generator, furthest: int) -> Tensor:
    """The affine matrix [2, 3] of a shift by whole pixels, a shift and zoom, or, for one in two, no motion at all."""
    _, height, width = picture.shape
    moves, whole, zoom, x, y = torch.rand(5, generator=draw).tolist()
    if moves < 0.5:
        return torch.eye(2, 3)
    shift = [(2 * x - 1) * furthest, (2 * y - 1) * furthest]
    scale = 1 + (2 * zoom - 1) * NEAREST
    if whole < 0.5:  # pixels that stay whole are not blurred
        shift, scale = [float(round(length)) for length in shift], 1.0
    return torch.tensor([[scale, 0, 2 * shift[0] / width], [0, scale, 2 * shift[1] / height]])
