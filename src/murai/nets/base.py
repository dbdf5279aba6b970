"""What every stylization network shares: pictures of any size in, coefficients out, and how those paint.

    painted = (1.1 tanh(matrix (2 x - 1) + strokes) + 1) / 2, held between 0 and 1

with x the photograph in 0..1. All its weights are the style: `vector` lines them up, `load_vector` takes them back.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-2
"""Added to the variance of a channel. Less would make texture of the rounding errors of a black picture."""
REACH = 1.1
"""What tanh is multiplied by, so that pure black and white are in reach."""
CELL = 2
"""Pixels a side that share one matrix."""


class Coefficients(NamedTuple):
    """How to paint a picture, found at its work size [N, 3, h, w], which is even.

    strokes   [N, 3, h, w]
    matrix    [N, 9, h / CELL, w / CELL], by painted colour and photographed colour
    """

    strokes: Tensor
    matrix: Tensor

    def paint(self, x: Tensor) -> Tensor:
        """The painting of `x` [N, 3, H, W] in 0..1, the picture at any size: coefficients are brought there."""
        size = x.shape[2:]
        strokes = self.strokes if self.strokes.shape[2:] == size else _brought(self.strokes, size)
        mixed = (split(_brought(self.matrix, size), 3, 3) * (2 * x - 1)[:, None]).sum(2)
        return ((REACH * torch.tanh(strokes + mixed) + 1) / 2).clamp(0, 1)


def _brought(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)


def split(x: Tensor, *channels: int) -> Tensor:
    """The channels of [N, C, H, W] in several dimensions."""
    parts: Tensor = x.unflatten(1, channels)  # type: ignore[no-untyped-call]
    return parts


MOST_BLOCKS = 100
"""More no pack may ask for: they would be built before anybody can tell that its weights are not there."""


def refuse_blocks(count: int) -> None:
    """Raise ValueError for more residual blocks than MOST_BLOCKS, or fewer than none."""
    if not 0 <= count <= MOST_BLOCKS:
        raise ValueError(f"a network has 0 to {MOST_BLOCKS} residual blocks, not {count}")


def fold(x: Tensor, side: int) -> Tensor:
    """Pixels [N, 3, H, W] to cells [N, 3 * side^2, H / side, W / side]: sub-pixels by row, column and colour."""
    n, c, h, w = x.shape
    cells = x.reshape(n, c, h // side, side, w // side, side).permute(0, 3, 5, 1, 2, 4)
    return cells.reshape(n, c * side**2, h // side, w // side)


def unfold(cells: Tensor, side: int) -> Tensor:
    """The opposite of `fold`."""
    n, c, h, w = cells.shape
    x = cells.reshape(n, side, side, c // side**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // side**2, h * side, w * side)


def pad(x: Tensor, multiple: int, dims: tuple[int, int]) -> Tensor:
    """Mirror `x` at its edges along `dims`: `multiple` / 2 before, as much or more after, up to multiples.

    The margin keeps what convolutions make of the edges out of the picture. Every size becomes at least twice
    `multiple`. Not F.pad, which cannot mirror bytes, nor more than there is; a picture of bytes is a quarter as large.
    """
    for dim in dims:
        size, before = x.shape[dim], multiple // 2
        after = (size + 2 * multiple - 1) // multiple * multiple - size - before
        outward = torch.arange(1, before + 1, device=x.device)
        onward = torch.arange(size, size + after, device=x.device)
        x = torch.cat([_mirrored(x, outward, dim).flip(dim), x, _mirrored(x, onward, dim)], dim)
    return x


def _mirrored(x: Tensor, places: Tensor, dim: int) -> Tensor:
    """What is at `places`, 0 or more, of `x` along `dim`, were it mirrored once and its first place repeated then."""
    last = x.shape[dim] - 1
    # Not by abs(), which OpenVINO's CPU plugin gets wrong for negative whole numbers.
    return x.index_select(dim, torch.minimum(places, 2 * last - places).clamp(min=0))


class StylizationNetwork(nn.Module):
    """A network whose weights are one style.

    Subclasses set `cell` (pixels a side of the coarsest grid they work on) and write `coefficients`.
    """

    cell: int

    def coefficients(self, x: Tensor) -> Coefficients:
        """How to paint `x` [N, 3, H, W] in 0..1; H and W are multiples of `multiple`."""
        raise NotImplementedError

    @property
    def multiple(self) -> int:
        """What the sizes that `coefficients` takes are multiples of. Twice what they need to be: half of it is the
        margin, and one of half a cell would let the borders of the convolutions be seen."""
        return 4 * self.cell

    def forward(self, x: Tensor) -> Tensor:
        """Paint [N, 3, H, W] in 0..1, any size; the result has exactly the same shape."""
        height, width = x.shape[2:]
        even = F.pad(x, (0, width % CELL, 0, height % CELL), mode="replicate")
        found = self.cropped(self.coefficients(pad(even, self.multiple, (2, 3))), *even.shape[2:])
        return found.paint(even)[:, :, :height, :width]

    def cropped(self, found: Coefficients, height: int, width: int) -> Coefficients:
        """Take the margin that `pad` made off coefficients; `height` and `width` are even."""
        margin = self.multiple // 2
        strokes = found.strokes[:, :, margin : margin + height, margin : margin + width]
        margin, height, width = margin // CELL, height // CELL, width // CELL
        return Coefficients(strokes, found.matrix[:, :, margin : margin + height, margin : margin + width])

    @property
    def style_size(self) -> int:
        """D, the length of a style's vector."""
        return sum(parameter.numel() for parameter in self.parameters())

    def vector(self) -> Tensor:
        """All weights in one row, float32 [D], as a copy."""
        return torch.cat([parameter.detach().float().flatten() for parameter in self.parameters()])

    def weights(self, vector: Tensor) -> Mapping[str, Tensor]:
        """The weights by name in a `vector` [D]: views of it."""
        found, start = {}, 0
        for name, parameter in self.named_parameters():
            found[name] = vector[start : start + parameter.numel()].view(parameter.shape)
            start += parameter.numel()
        return found

    @torch.no_grad()
    def load_vector(self, vector: Tensor) -> None:
        """Become the style `vector` [D]."""
        for name, weight in self.weights(vector).items():
            self.get_parameter(name).copy_(weight)


class InstanceNorm(nn.Module):
    """Instance normalization with a learned scale and shift a channel (Ulyanov et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each channel of each picture, then scale and shift it."""
        if x.dtype == torch.float16:  # whose largest number the squares of a channel pass
            whole = F.instance_norm(x.float(), weight=self.scale.float(), bias=self.shift.float(), eps=EPSILON)
            return whole.to(x.dtype)
        return F.instance_norm(x, weight=self.scale, bias=self.shift, eps=EPSILON)


class NormalizedConv(nn.Module):
    """3 x 3 (or larger) convolution, instance normalization, and a rectifier unless it is left out.

    Maps are mirrored at their edges: zeros or repeated edges would tell a network where a picture ends, and a style
    with a bright sky would be learned as a band along the top.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect")
        self.norm = InstanceNorm(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] to [N, outputs, H / stride, W / stride]."""
        x = self.norm(self.conv(x))
        return F.relu(x) if self.relu else x


class ResidualBlock(nn.Module):
    """Two plain 3 x 3 convolutions beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = NormalizedConv(channels, channels)
        self.second = NormalizedConv(channels, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        reworked: Tensor = self.second(self.first(x))
        return x + reworked


class SmoothSubpixelConv(nn.Module):
    """A 3 x 3 convolution to `side` x `side` sub-pixels of three colours that cannot paint a checkerboard.

    With its sub-pixels unfolded, such a convolution is a transposed convolution of that stride with kernels of three
    times as many pixels a side. Here each kernel is a smaller one blurred by a box of `side`, so that flat features
    give a flat picture, whatever was learned (the condition of Aitken et al. 2017, kept for good rather than at the
    start).
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        taps = nn.Conv2d(channels, 3, 3).weight.detach()
        self.kernels = nn.Parameter(torch.zeros(3, channels, 2 * side + 1, 2 * side + 1))
        with torch.no_grad():
            self.kernels[:, :, ::side, ::side] = taps  # the nearest-neighbour upsampling of a 3 x 3 convolution
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] to cells [N, 3 * side^2, H, W], see `unfold`."""
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(x, self._weight(), self.bias.repeat(self.side**2))

    def _weight(self) -> Tensor:
        side, channels = self.side, self.kernels.shape[1]
        box = torch.full((1, 1, side, side), 1 / side, dtype=self.kernels.dtype, device=self.kernels.device)
        blurred = F.conv2d(self.kernels.flatten(0, 1)[:, None], box, padding=side - 1)
        # Sub-pixel p of tap t is place p + side * (2 - t) of the kernel: transposed convolution runs backwards.
        taps = blurred.view(3, channels, 3, side, 3, side).permute(3, 5, 0, 1, 2, 4).flip(4, 5)
        return taps.reshape(3 * side**2, channels, 3, 3)
