"""The network for live use: all arithmetic at a quarter of the resolution and below.

A picture is folded 4 x 4 into channels (space to depth and a 1 x 1 convolution, which is a 4 x 4 convolution of stride
4), goes down a short pyramid, is reworked by plain 3 x 3 residual blocks, comes up again with a skip from each level, and
is unfolded by one pixel shuffle (Shi et al. 2016). Plain 3 x 3 convolutions of 16 n channels run near a CPU's peak, and no
layer works on more than 1/16 of the pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from murai.nets.base import ConditionalGain, ConditionalInstanceNorm, NormalizedConv, ResidualBlock, StylizationNetwork

FOLD = 4


class Compact(StylizationNetwork):
    """`widths`: channels at 1/4, 1/8, 1/16 ... of the resolution; `blocks`: residual blocks at each on the way up."""

    def __init__(
        self, styles: int = 1, widths: Sequence[int] = (32, 48, 64), blocks: Sequence[int] = (0, 0, 2)
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(blocks):
            raise ValueError("compact takes one number of blocks for each width")
        self.multiple = FOLD * 2 ** (len(widths) - 1)
        self.stem = nn.Conv2d(3, widths[0], FOLD, stride=FOLD, bias=False)
        self.norm = ConditionalInstanceNorm(widths[0])
        self.gain = ConditionalGain(widths[0])
        self.downs = nn.ModuleList(NormalizedConv(a, b, stride=2) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(nn.ModuleList(ResidualBlock(w) for _ in range(n)) for w, n in zip(widths, blocks))
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1, bias=False) for a, b in pairwise(widths))
        self.merges = nn.ModuleList(NormalizedConv(w, w) for w in widths[:-1])
        self.head = SmoothSubpixelConv(widths[0])
        self.make_styles(styles)

    def paint(self, x: Tensor, style: Tensor) -> Tensor:
        """See `StylizationNetwork.paint`."""
        raw = self.stem(2 * x - 1)
        skips = [F.relu(self.norm(raw, style))]
        for down in self.downs:
            skips.append(down(skips[-1], style))
        x = self._rework(len(skips) - 1, skips[-1], style)
        for level in reversed(range(len(self.ups))):
            # The 1 x 1 convolution comes before the interpolation: the same result for a quarter of the arithmetic.
            x = F.interpolate(self.ups[level](x), scale_factor=2.0, mode="bilinear")
            x = self._rework(level, self.merges[level](x + skips[level], style), style)
        x = self.head(x + self.gain(raw, style))
        return F.pixel_shuffle((torch.tanh(x) + 1) / 2, FOLD)

    def _rework(self, level: int, x: Tensor, style: Tensor) -> Tensor:
        for block in self.blocks[level]:
            x = block(x, style)
        return x


class SmoothSubpixelConv(nn.Conv2d):
    """A 3 x 3 convolution to FOLD x FOLD sub-pixels whose neighbours cannot disagree in a checkerboard.

    Followed by a pixel shuffle it is a transposed convolution of stride FOLD with kernels of 3 * FOLD a side. Blurring
    those kernels is blurring the picture, and `plain` makes it cost nothing at run time. All sub-pixels of a cell start
    alike (Aitken et al. 2017).
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 3 * FOLD**2, 3, padding=1)
        with torch.no_grad():
            self.weight.copy_(self.weight[:3].repeat_interleave(FOLD**2, dim=0))
            nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] to [N, 3 * FOLD^2, H, W]."""
        return F.conv2d(x, self._smooth_weight(), self.bias, padding=1)

    def plain(self) -> nn.Conv2d:
        """The same function as an ordinary convolution."""
        conv = nn.Conv2d(self.in_channels, self.out_channels, 3, padding=1)
        conv.load_state_dict({"weight": self._smooth_weight(), "bias": self.bias})
        return conv

    def _smooth_weight(self) -> Tensor:
        channels, side = self.in_channels, 3 * FOLD
        taps = self.weight.view(3, FOLD, FOLD, channels, 3, 3).flip(4, 5)
        kernels = taps.permute(0, 3, 4, 1, 5, 2).reshape(3 * channels, 1, side, side)
        row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=kernels.dtype, device=kernels.device) / 16
        kernels = F.conv2d(kernels, torch.outer(row, row)[None, None], padding=2)
        taps = kernels.view(3, channels, 3, FOLD, 3, FOLD).permute(0, 3, 5, 1, 2, 4)
        return taps.flip(4, 5).reshape(self.weight.shape)
