"""What makes video calm: the photograph a moment later, and how its painting should have changed.

none          nothing is asked
fixed-noise   as Mur.AI had it: one noise image, made once, added on random pixels; squared error of output pixels
noise         fresh noise for every picture as a sensor makes it: a floor, and shot noise that grows with the light
motion        half of the pictures so, half shifted and zoomed too: what moves carries its strokes along
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Kind = Literal["none", "fixed-noise", "noise", "motion"]

FURTHEST, NEAREST = 12, 0.04
"""The largest shift in pixels, and how much larger or smaller a picture becomes at most."""
STILL = 0.04
"""Deviation of noise, 0..1, by which pictures without noise are measured."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`photographs` [N, 3, H, W] a moment later, the flow to them, and how strong the disturbance was.

    grid      [N, H, W, 2] where each pixel was before, as `grid_sample` takes it; None where nothing moved
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


def later(photographs: Tensor, step: int, seed: int, kind: Kind, strongest: float) -> Moment:
    """The next moment of `photographs` [N, 3, H, W] in 0..1: the same for the same seed and step.

    `strongest` is the deviation of the strongest noise, 0..1. Raises ValueError for the kind `none`.
    """
    if kind == "none":
        raise ValueError("nothing happens to photographs of the kind none")
    random = torch.Generator().manual_seed(seed * 1_000_003 + step)
    still = torch.ones_like(photographs[:, :1])
    if kind == "fixed-noise":
        noise = _fixed_noise(photographs, random, seed, strongest)
        return Moment(photographs + noise, None, still, _energy(noise))
    moved, grid, valid = photographs, None, still
    if kind == "motion" and step % 2:
        grid, valid = _motion(photographs, random)
        moved = F.grid_sample(photographs, grid, padding_mode="border", align_corners=False)
    noise = sensor_noise(moved, random, strongest)
    return Moment((moved + noise).clamp(0, 1), grid, valid, _energy(noise))


def stability_loss(painted: Tensor, again: Tensor, moment: Moment) -> Tensor:
    """How much more than it should a painting [N, 3, H, W] changes: |N(x') - W N(x)|^2 over the noise's energy: [].

    Where pictures move nearly without noise, the energy counts as that of noise of deviation STILL at least.
    """
    error = (again - moment.carry(painted)).square() * moment.valid
    share = error.sum((1, 2, 3)) / (3 * moment.valid.sum((1, 2, 3))).clamp(min=1)
    energy = moment.energy if moment.grid is None else moment.energy.clamp(min=STILL**2)
    return (share / energy).mean()


def sensor_noise(pictures: Tensor, random: torch.Generator, strongest: float) -> Tensor:
    """Noise shaped like `pictures` [N, 3, H, W] in 0..1, of another strength for each.

    Its deviation at full light is drawn between a fifth of `strongest` and all of it; in the dark it is half of that.
    """
    count = len(pictures)
    deviation = strongest * (0.2 + 0.8 * torch.rand(count, 1, 1, 1, generator=random))
    normal = torch.randn(pictures.shape, generator=random)
    light = (0.25 + 0.75 * pictures.cpu()).sqrt()
    return (normal * light * deviation).to(pictures.device)


def _fixed_noise(pictures: Tensor, random: torch.Generator, seed: int, strongest: float) -> Tensor:
    once = torch.Generator().manual_seed(seed)
    image = torch.randn(pictures.shape[1:], generator=once) * strongest
    chosen = torch.rand(len(pictures), 1, *pictures.shape[2:], generator=random) < 0.5
    return (image * chosen).to(pictures.device)


def _motion(pictures: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """The grid and what of it is inside: for each picture a shift, of whole pixels for one in two, and else a zoom."""
    n, _, height, width = pictures.shape
    shift = (torch.rand(n, 2, generator=random) * 2 - 1) * FURTHEST
    zoom = 1 + (torch.rand(n, generator=random) * 2 - 1) * NEAREST
    whole = torch.rand(n, generator=random) < 0.5
    shift = torch.where(whole[:, None], shift.round(), shift)  # pixels that stay whole are not blurred
    zoom = torch.where(whole, torch.ones(n), zoom)
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = zoom
    matrix[:, :, 2] = shift * 2 / torch.tensor([width, height])
    grid = F.affine_grid(matrix, list(pictures.shape), align_corners=False).to(pictures.device)
    return grid, (grid.abs() <= 1).all(dim=3)[:, None].float()


def _energy(noise: Tensor) -> Tensor:
    return noise.square().mean((1, 2, 3)).clamp(min=1e-8)
