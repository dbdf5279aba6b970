"""Mean and covariance of the channels of feature maps: what a style is to the loss."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LEAST = 1e-12
"""What is divided by is no smaller, so that a picture in which nothing answers has a finite loss."""


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


def products(x: Tensor) -> Tensor:
    """Mean product of each two channels of [N, C, H, W] over its places, in 32 bits: [N, C, C]."""
    flat = x.float().flatten(2)
    total: Tensor = _Products.apply(flat)  # type: ignore[no-untyped-call]
    return total / flat.shape[2]


@dataclass(frozen=True, slots=True)
class Moments:
    """Of N pictures' C channels: `mean` [N, C], and the mean product of each two of them, `product` [N, C, C]."""

    mean: Tensor
    product: Tensor

    @classmethod
    def of(cls, x: Tensor) -> "Moments":
        """Those of maps [N, C, H, W] over all their places."""
        x = x.float()
        return cls(x.mean((2, 3)), products(x))

    @property
    def covariance(self) -> Tensor:
        """[N, C, C]: contrast, colours and strokes, with nothing of how bright it is all over."""
        return self.product - self.mean[:, :, None] * self.mean[:, None]

    def together(self, parts: int) -> "Moments":
        """Those of N / `parts` pictures, whose parts, of equal size, come one after the other: all first, ..."""
        return Moments(*(x.view(parts, -1, *x.shape[1:]).mean(0) for x in (self.mean, self.product)))

    def distance(self, style: "Moments") -> Tensor:
        """|mu - mu_s|^2 / trace(C_s) + |C - C_s|^2 / |C_s|^2 from those of one picture: [N], 0 for the same."""
        wanted, spread = style.covariance, style.covariance.diagonal(dim1=1, dim2=2).sum(1)
        shift = (self.mean - style.mean).square().sum(1) / spread.clamp(min=LEAST)
        change = (self.covariance - wanted).square().sum((1, 2)) / wanted.square().sum((1, 2)).clamp(min=LEAST)
        return shift + change
