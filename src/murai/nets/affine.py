"""The network for live use: it finds how to paint at a small size, and any size is painted by that.

A picture is folded 4 x 4 into channels (space to depth), goes down to an eighth, is reworked by plain 3 x 3 residual
blocks there and at a quarter, and comes up to a half with a skip. What comes out is no picture but coefficients, smooth
enough to be found at a small size and applied at a large one (after Gharbi et al. 2017): three numbers a pixel, the
strokes, and a 3 x 3 matrix for each 2 x 2 pixels, by which the photograph's own detail comes through, recoloured.

The strokes and the photograph together have the spread and mean of the style's own colours, whatever was learned: their
statistics over the picture are taken out, and the style's put in. So contrast cannot be lost.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from murai.nets.base import (
    Coefficients,
    NormalizedConv,
    ResidualBlock,
    SmoothSubpixelConv,
    StylizationNetwork,
    fold,
    refuse_blocks,
    split,
    unfold,
)

STEM, HEAD = 4, 2  # pixels a side of the cells at the input and at the output
FAINT = 1e-3
"""Added to the variance of what is painted, so that rounding errors do not become a painting."""
BLANK = 1e-4
"""Variance of a picture of 0..1, its noise averaged away, at which its painting has half the style's contrast: that of
a covered lens is far below, that of a foggy day far above."""


class Affine(StylizationNetwork):
    """`widths`: channels at 1/2, 1/4 and 1/8 of the resolution; `blocks`: residual blocks at 1/4 and 1/8."""

    def __init__(self, widths: Sequence[int] = (16, 32, 48), blocks: Sequence[int] = (3, 3)) -> None:
        super().__init__()
        half, quarter, eighth = widths
        quarter_blocks, eighth_blocks = blocks
        for count in blocks:
            refuse_blocks(count)
        self.cell = 8
        self.stem = NormalizedConv(3 * STEM**2, quarter)
        self.down = NormalizedConv(quarter, eighth, stride=2)
        self.deep = nn.Sequential(*(ResidualBlock(eighth) for _ in range(eighth_blocks)))
        self.rise = nn.Conv2d(eighth, quarter, 1, bias=False)
        self.merge = NormalizedConv(quarter, quarter)
        self.blocks = nn.Sequential(*(ResidualBlock(quarter) for _ in range(quarter_blocks)))
        self.last_rise = nn.Conv2d(quarter, half, 1, bias=False)
        self.last = NormalizedConv(half, half)
        self.strokes = SmoothSubpixelConv(half, HEAD)
        self.matrix = nn.Conv2d(half, 9, 3, padding=1, padding_mode="reflect")
        self.spread, self.centre = nn.Parameter(torch.full((3,), 0.45)), nn.Parameter(torch.zeros(3))
        nn.init.zeros_(self.matrix.weight)
        self.matrix.bias = nn.Parameter(0.1 * torch.eye(3).flatten())

    def coefficients(self, x: Tensor) -> Coefficients:
        """See `StylizationNetwork.coefficients`."""
        skip = self.stem(fold(2 * x - 1, STEM))
        y = self.blocks(self.merge(_twice(self.rise(self.deep(self.down(skip)))) + skip))
        y = self.last(_twice(self.last_rise(y)))
        return self._coloured(self.strokes(y), self.matrix(y), x)

    def _coloured(self, strokes: Tensor, matrix: Tensor, x: Tensor) -> Coefficients:
        """Scaled and shifted so that what they paint of `x` has the style's own spread and mean in each colour.

        `strokes` and `matrix` are maps of cells. In 32 bits, as the statistics need.
        """
        strokes, matrix = strokes.float(), split(matrix.float(), 3, 3)
        cells = split(fold(2 * x.float() - 1, HEAD), HEAD**2, 1, 3)
        painted = split(strokes, HEAD**2, 3) + (matrix[:, None] * cells).sum(3)
        mean = painted.mean((1, 3, 4))
        variance = (painted - mean[:, None, :, None, None]).square().mean((1, 3, 4))
        scale = self.spread.float() * _shown(x.float()) / (variance + FAINT).sqrt()
        shift = self.centre.float() - mean * scale
        strokes = unfold(strokes, HEAD) * scale[..., None, None] + shift[..., None, None]
        return Coefficients(strokes, (matrix * scale[:, :, None, None, None]).flatten(1, 2))


def _shown(x: Tensor) -> Tensor:
    """How much there is to paint in [N, 3, H, W]: [N, 1], 1 for nearly all pictures, near 0 for noise alone."""
    plain = F.avg_pool2d(x, STEM * HEAD).mean(1)
    variance = (plain - plain.mean((1, 2), keepdim=True)).square().mean((1, 2))
    return (variance / (variance + BLANK))[:, None]


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear")
