"""The reference everybody knows: Johnson, Alahi and Fei-Fei 2016, with instance normalization (Ulyanov et al. 2017)
and nearest-neighbour upsampling before a convolution in place of transposed convolution (Odena et al. 2016)."""

import torch.nn.functional as F
from torch import Tensor, nn

from murai.nets.base import CELL, Coefficients, NormalizedConv, ResidualBlock, StylizationNetwork, refuse_blocks


class Johnson(StylizationNetwork):
    """9 x 9 stem, two strided convolutions, five residual blocks at a quarter, two upsamplings, 9 x 9 head.

    All it gives is strokes: the matrix is zero.
    """

    cell = 4

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        refuse_blocks(blocks)
        self.stem = NormalizedConv(3, width, kernel=9)
        self.down2 = NormalizedConv(width, 2 * width, stride=2)
        self.down4 = NormalizedConv(2 * width, 4 * width, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width) for _ in range(blocks)))
        self.up2 = NormalizedConv(4 * width, 2 * width)
        self.up1 = NormalizedConv(2 * width, width)
        self.head = nn.Conv2d(width, 3, 9, padding=4)

    def coefficients(self, x: Tensor) -> Coefficients:
        """See `StylizationNetwork.coefficients`."""
        y = self.blocks(self.down4(self.down2(self.stem(2 * x - 1))))
        strokes = self.head(self.up1(_doubled(self.up2(_doubled(y)))))
        return Coefficients(
            strokes, 0 * F.avg_pool2d(strokes, CELL).repeat(1, 3, 1, 1)
        )  # zeros of a size OpenVINO knows


def _doubled(x: Tensor) -> Tensor:
    """The nearest neighbour at twice the size; F.interpolate's would leave OpenVINO in doubt about the size."""
    n, c, h, w = x.shape
    return x[:, :, :, None, :, None].expand(n, c, h, 2, w, 2).reshape(n, c, 2 * h, 2 * w)
