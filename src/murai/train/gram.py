"""The objective of Gatys et al. 2016 and Johnson et al. 2016, normalized: a reference, not what is learned by.

Most of a Gram matrix is the product of the channels' means, so that it hardly sees contrast and strokes, and a
difference of raw features falls with the contrast of a painting: what is learned by these is dull.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from murai.train.moments import products
from murai.train.vgg import CONTENT

Maps = Mapping[str, Tensor]
"""Feature maps [N, C, H, W] by the name of their layer."""


def gram_matrix(x: Tensor) -> Tensor:
    """Correlations between the channels of feature maps [N, C, H, W]: [N, C, C], divided by C * H * W."""
    return products(x) / x.shape[1]


def content_loss(painted: Maps, photograph: Maps, layer: str = CONTENT) -> Tensor:
    """|F(y) - F(x)|^2 / |F(x)|^2 of `layer`, averaged over the pictures: [] ; 1 when y shows nothing of x."""
    y, x = painted[layer].float(), photograph[layer].float()
    return ((y - x).square().sum((1, 2, 3)) / x.square().sum((1, 2, 3)).clamp(min=1e-8)).mean()


def style_loss(painted: Maps, style_grams: Maps) -> Tensor:
    """Sum over the style layers of |G(y) - G(s)|^2 / |G(s)|^2, averaged over the pictures.

    `style_grams[layer]` is [N, C, C] or [1, C, C].
    """
    total = torch.zeros((), device=painted[CONTENT].device)
    for layer, gram in style_grams.items():
        difference = (gram_matrix(painted[layer]) - gram).square().sum((1, 2))
        total = total + (difference / gram.square().sum((1, 2))).mean()
    return total
