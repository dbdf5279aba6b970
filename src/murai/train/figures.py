"""Figures for how well a picture is painted: how much of the style it has, and how much of the photograph it keeps.

effectiveness   how near the features of the painting are to those of the style picture in each layer, higher is better
                (the E statistic of Yeh et al. 2020, "Improving style transfer with calibrated metrics")
structure       how much of the photograph's structure is left, at most 1, 0 for a painting that shows nothing of it
palette         how far its colours are from those of the style picture, 0 for the same
contrast        its deviation of colours over that of the style picture, 1 for the same
gradient        its mean gradient of brightness over that of the style picture, 1 for the same

A painting is better where both effectiveness and structure are higher. Pictures are [3, H, W] in 0..1, 8 pixels a side
at least, paintings at the scale at which they are shown and the style picture at that from which it is learned: 512
pixels on its short side, by custom. They may have different sizes and nothing is resized here. All figures are finite,
for pictures of one colour too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from murai.errors import TrainError
from murai.train.losses import LUMA, normalized
from murai.train.palette import along_lines, quantiles
from murai.train.vgg import CONTENT, LossNetwork

SHARE = 0.9
"""Of the variance of the style picture's features: so much lies in the principal directions that are looked along."""
BLUR = 0.01
"""Of the mean variance in these directions, added to the variance in each, of painting and style picture alike."""
LEAST_VARIANCE, LEAST_DIVERGENCE = 1e-6, 1e-6
"""Below these a layer that is the same all over, and features that are the same, would have no logarithm."""
QUANTILES = 1024
"""At how many of them colours are compared along a line."""
FLAT = 0.1 / 255
"""A deviation or gradient below this counts as this much, so that flat pictures can be compared too."""
SMALLEST = 8
"""Pixels a side below which nothing reaches the last layer."""


@dataclass(frozen=True)
class Bell:
    """The Gaussian of a style picture's features in a layer of C channels, along its K principal `directions` [C, K].

    They are the first eigenvectors of the covariance of its channels over all places, as many as hold 90 % of its
    variance. `mean` [K] and `variances` [K] are along them, the latter with `blur` in, which is a hundredth of their
    mean: what is fainter than that in the style picture does not count.
    """

    directions: Tensor
    mean: Tensor
    variances: Tensor
    blur: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Bell":
        """That of the feature map [1, C, H, W] of the style picture."""
        mean, covariance = _moments(features)
        variances, directions = (x.flip(-1) for x in torch.linalg.eigh(covariance))
        variances = variances.clamp(min=0)
        count = 1 + int((variances.cumsum(0) < SHARE * variances.sum()).sum())
        directions, variances = directions[:, :count], variances[:count]
        blur = (BLUR * variances.mean()).clamp(min=LEAST_VARIANCE)
        return cls(directions, mean @ directions, variances + blur, blur)

    def divergence(self, features: Tensor) -> float:
        """KL(N_painting || N_style) of the feature map [1, C, H, W] of a painting, in nats a direction, 0 or more.

        Without the division, layers with many directions would have worse figures than those with few.
        """
        mean, covariance = _moments(features)
        covariance = self.directions.T @ covariance @ self.directions
        spread = (covariance.diagonal() + self.blur) / self.variances
        shift = (mean @ self.directions - self.mean).square() / self.variances
        volume = torch.linalg.eigvalsh(covariance).clamp(min=0) + self.blur
        narrowing = self.variances.log() - volume.flip(0).log()
        return max(0.0, 0.5 * float((spread + shift - 1 + narrowing).mean()))


class Yardstick:
    """What paintings in the style of one picture are measured by: that picture, [3, H, W] in 0..1, seen once.

    Raises TrainError for one that is too small.
    """

    def __init__(self, loss_network: LossNetwork, style: Tensor) -> None:
        self.style, maps = style, look(loss_network, style)
        self._bells = {layer: Bell.of(maps[layer]) for layer in loss_network.style_layers}
        self._palette = palette(style)

    @torch.no_grad()
    def measure(self, painted: Tensor, maps: Mapping[str, Tensor], photograph: Tensor) -> dict[str, float]:
        """All figures of `painted` [3, H, W], by name: `effectiveness`, its mean, and that of each layer by its name.

        `maps` is what `look` sees in it, and `photograph` what it sees in the photograph in relu3_3, [1, C, h, w].
        """
        layers = effectiveness(maps, self._bells)
        return {
            "effectiveness": fmean(layers.values()),
            **layers,
            "structure": structure(maps[CONTENT], photograph),
            "palette": palette_distance(palette(painted), self._palette),
            "contrast": contrast(painted) / contrast(self.style),
            "gradient": gradient(painted) / gradient(self.style),
        }


@torch.no_grad()
def look(loss_network: LossNetwork, picture: Tensor) -> dict[str, Tensor]:
    """The feature maps [1, C, h, w] of a picture [3, H, W]. Raises TrainError for one that is too small."""
    height, width = picture.shape[1:]
    if min(height, width) < SMALLEST:
        raise TrainError(
            f"a picture of {width}x{height} pixels is too small to be measured; give {SMALLEST} pixels a side at least."
        )
    maps: dict[str, Tensor] = loss_network(picture[None])
    return maps


def effectiveness(painted: Mapping[str, Tensor], style: Mapping[str, Bell]) -> dict[str, float]:
    """By layer, -log of the divergence of the painting's features from the style picture's: 13.8 for itself."""
    return {layer: -math.log(max(bell.divergence(painted[layer]), LEAST_DIVERGENCE)) for layer, bell in style.items()}


def structure(painted: Tensor, photograph: Tensor) -> float:
    """1 - |y - x|^2 / (|y|^2 + |x|^2) of two feature maps [1, C, H, W], both instance-normalized: -1..1.

    That is the mean correlation of their channels: light and contrast of a channel do not count, only where it answers.
    """
    y, x = normalized(painted), normalized(photograph)
    both = float(y.square().sum() + x.square().sum())
    return 1 - float((y - x).square().sum()) / both if both > 0 else 1.0


def palette(picture: Tensor) -> Tensor:
    """Quantiles of the RGB colours of [3, H, W] in 0..1 along fixed lines: [LINES, QUANTILES]."""
    ordered = np.sort(along_lines(picture[None])[0].numpy())  # much faster than torch
    return quantiles(torch.from_numpy(ordered), QUANTILES)


def palette_distance(painted: Tensor, style: Tensor) -> float:
    """Sliced Wasserstein distance of two palettes (Rabin et al. 2011): 0 for the same, 0.87 for black and white.

    It is the mean way along a direction, in RGB of 0..1, that colours of one would have to go to become the other's.
    """
    return float((painted - style).abs().mean())


def contrast(picture: Tensor) -> float:
    """Deviation of the colours of [3, H, W]: the root of the mean of the three variances, in 0..1."""
    return max(FLAT, float(picture.var((1, 2), unbiased=False).mean().sqrt()))


def gradient(picture: Tensor) -> float:
    """Mean length of the step of brightness from a pixel to those on its right and below it, of [3, H, W] in 0..1."""
    light = torch.tensordot(torch.tensor(LUMA), picture, 1)
    here = light[:-1, :-1]
    steps = torch.hypot(light[:-1, 1:] - here, light[1:, :-1] - here)
    return max(FLAT, float(steps.mean()))


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [C] and covariance [C, C] of the channels of [1, C, H, W] over all places, in 64 bits."""
    flat = features[0].flatten(1)
    mean = flat.mean(1)
    flat = flat - mean[:, None]
    return mean.double(), (flat @ flat.T / flat.shape[1]).double()
