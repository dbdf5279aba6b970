"""The network for live use: most of the arithmetic at an eighth of the resolution.

A picture is folded 4 x 4 into channels (space to depth), goes down a short pyramid, is reworked by plain 3 x 3 residual
blocks, comes up again with a skip from each level, gets its finest strokes at half the resolution, and is unfolded from
2 x 2 sub-pixels (Shi et al. 2016). Plain 3 x 3 convolutions of 8 n channels run near a CPU's peak.

Instance normalization erases flat brightness, so beside all this the picture itself, folded too, goes to the output
with a gain that belongs to the style: at a gain of one the network gives its input back, whatever it has learned.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from murai.nets.base import ConditionalGain, NormalizedConv, ResidualBlock, StylizationNetwork

STEM, HEAD = 4, 2  # pixels a side of the cells at the input and at the output


class Compact(StylizationNetwork):
    """`half`: channels at 1/2 of the resolution, on the way up only; `widths`: channels at 1/4, 1/8, 1/16 ...;
    `blocks`: residual blocks at each of those on the way up."""

    def __init__(
        self, styles: int = 1, half: int = 16, widths: Sequence[int] = (24, 64), blocks: Sequence[int] = (0, 4)
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(blocks):
            raise ValueError("compact takes one number of blocks for each width")
        self.fold, self.cell = HEAD, STEM * 2 ** (len(widths) - 1)
        # Twice what the sizes need: a margin of half of it would let the borders of the convolutions be seen.
        self.multiple = 2 * self.cell
        self.folding = Fold(STEM)
        self.stem = NormalizedConv(3 * STEM**2, widths[0])
        self.downs = nn.ModuleList(NormalizedConv(a, b, stride=2) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(
            nn.ModuleList(ResidualBlock(w) for _ in range(n)) for w, n in zip(widths, blocks, strict=True)
        )
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1, bias=False) for a, b in pairwise((half, *widths)))
        self.merges = nn.ModuleList(NormalizedConv(w, w) for w in (half, *widths[:-1]))
        self.head = SmoothSubpixelConv(half)
        self.unpainted = Fold(HEAD)
        self.gain = ConditionalGain(3)
        self.make_styles(styles)

    def paint(self, x: Tensor, style: Tensor) -> Tensor:
        """See `StylizationNetwork.paint`."""
        cells = self.unpainted(x)
        skips = [self.stem(2 * self.folding(x) - 1, style)]
        for down in self.downs:
            skips.append(down(skips[-1], style))
        x = self._rework(len(skips) - 1, skips.pop(), style)
        for level in reversed(range(1, len(self.ups))):
            x = self._rework(level - 1, self.merges[level](self._up(level, x) + skips.pop(), style), style)
        x = self.merges[0](self._up(0, x), style)
        painted = (torch.tanh(self.head(x)) + 1) / 2
        kept: Tensor = self.gain(cells - painted, style)
        return painted + kept

    def _up(self, level: int, x: Tensor) -> Tensor:
        """The 1 x 1 convolution comes before the interpolation: the same result for a quarter of the arithmetic."""
        return F.interpolate(self.ups[level](x), scale_factor=2.0, mode="bilinear")

    def _rework(self, level: int, x: Tensor, style: Tensor) -> Tensor:
        for block in cast(nn.ModuleList, self.blocks[level]):
            x = block(x, style)
        return x


class Fold(nn.Module):
    """Pixels to cells, the opposite of `unfold`: a convolution with fixed weights, which runs faster than a shuffle."""

    weight: Tensor

    def __init__(self, fold: int) -> None:
        super().__init__()
        self.fold = fold
        # Output (row, column, colour) takes that one pixel of the cell.
        pixel = torch.eye(3 * fold**2).view(-1, fold, fold, 3).permute(0, 3, 1, 2).contiguous()
        self.register_buffer("weight", pixel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, 3 * fold^2, H / fold, W / fold]."""
        return F.conv2d(x, self.weight, stride=self.fold)


class SmoothSubpixelConv(nn.Module):
    """A 3 x 3 convolution to HEAD x HEAD sub-pixels that cannot paint a checkerboard.

    With its sub-pixels unfolded, such a convolution is a transposed convolution of stride HEAD with kernels of 3 * HEAD
    a side. Here each kernel is a smaller one blurred by a box of HEAD, so that flat features give a flat picture,
    whatever was learned (the condition of Aitken et al. 2017, kept for good rather than at the start). `plain` makes it
    free at run time.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = nn.Conv2d(channels, 3, 3).weight.detach()
        self.kernels = nn.Parameter(torch.zeros(3, channels, 2 * HEAD + 1, 2 * HEAD + 1))
        with torch.no_grad():
            self.kernels[:, :, ::HEAD, ::HEAD] = taps  # the nearest-neighbour upsampling of a 3 x 3 convolution
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] to cells [N, 3 * HEAD^2, H, W], see `unfold`."""
        return F.conv2d(x, self._weight(), self.bias.repeat(HEAD**2), padding=1)

    def plain(self) -> nn.Conv2d:
        """The same function as an ordinary convolution."""
        weight = self._weight()
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        conv.load_state_dict({"weight": weight, "bias": self.bias.repeat(HEAD**2)})
        return conv

    def _weight(self) -> Tensor:
        channels = self.kernels.shape[1]
        box = torch.full((1, 1, HEAD, HEAD), 1 / HEAD, dtype=self.kernels.dtype, device=self.kernels.device)
        blurred = F.conv2d(self.kernels.flatten(0, 1)[:, None], box, padding=HEAD - 1)
        # Sub-pixel p of tap t is place p + HEAD * (2 - t) of the kernel: transposed convolution runs backwards.
        taps = blurred.view(3, channels, 3, HEAD, 3, HEAD).permute(3, 5, 0, 1, 2, 4).flip(4, 5)
        return taps.reshape(3 * HEAD**2, channels, 3, 3)
