"""The reference everybody knows: Johnson, Alahi and Fei-Fei 2016, with instance normalization (Ulyanov et al. 2017)
and nearest-neighbour upsampling before a convolution in place of transposed convolution (Odena et al. 2016)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from murai.nets.base import NormalizedConv, ResidualBlock, StylizationNetwork


class Johnson(StylizationNetwork):
    """9 x 9 stem, two strided convolutions, five residual blocks at a quarter, two upsamplings, 9 x 9 head."""

    multiple = cell = 4

    def __init__(self, styles: int = 1, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        self.stem = NormalizedConv(3, width, kernel=9)
        self.down2 = NormalizedConv(width, 2 * width, stride=2)
        self.down4 = NormalizedConv(2 * width, 4 * width, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(4 * width) for _ in range(blocks))
        self.up2 = NormalizedConv(4 * width, 2 * width)
        self.up1 = NormalizedConv(2 * width, width)
        self.head = nn.Conv2d(width, 3, 9, padding=4)
        self.make_styles(styles)

    def paint(self, x: Tensor, style: Tensor) -> Tensor:
        """See `StylizationNetwork.paint`."""
        x = self.stem(2 * x - 1, style)
        x = self.down4(self.down2(x, style), style)
        for block in self.blocks:
            x = block(x, style)
        x = self.up2(F.interpolate(x, scale_factor=2.0), style)
        x = self.up1(F.interpolate(x, scale_factor=2.0), style)
        return (torch.tanh(self.head(x)) + 1) / 2
