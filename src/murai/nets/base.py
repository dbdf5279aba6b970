"""What every stylization network shares: any picture size, style vectors, conditional normalization."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-2
"""Added to the variance of a channel. Less would make texture of the rounding errors of a black picture."""


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


def unfold(cells: Tensor, fold: int) -> Tensor:
    """Cells [N, 3 * fold^2, h, w], sub-pixels by row, column and colour, to pixels [N, h * fold, w * fold, 3]."""
    n, _, h, w = cells.shape
    rows = [row.permute(0, 2, 3, 1) for row in cells.chunk(fold, dim=1)]
    return torch.stack(rows, dim=2).reshape(n, h * fold, w * fold, 3)


class StylizationNetwork(nn.Module):
    """A network that paints pictures of any size in the style of a vector.

    Subclasses set `multiple` (the sizes `paint` accepts), `cell` (pixels a side of the coarsest grid they work on) and
    `fold`, call `make_styles` when their layers exist, and write `paint`.
    """

    multiple: int
    cell: int
    fold = 1
    styles: nn.Parameter
    photograph: Tensor | None

    def paint(self, x: Tensor, style: Tensor) -> Tensor:
        """[N, 3, H, W] in 0..1 to cells [N, 3 * fold^2, H / fold, W / fold] in 0..1, see `unfold`.

        H and W are multiples of `multiple`, at least twice it.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Paint [N, 3, H, W] in 0..1 with `style` [N, D]; the result has exactly the same shape."""
        cells = self.paint(pad(x, self.multiple, (2, 3)), style)
        return self.crop(unfold(cells, self.fold), x.shape[2], x.shape[3]).permute(0, 3, 1, 2)

    def crop(self, pixels: Tensor, height: int, width: int) -> Tensor:
        """Take the margin that `pad` made off [N, H, W, 3]."""
        before = self.multiple // 2
        return pixels[:, before : before + height, before : before + width]

    def at_strength(self, style: Tensor, strengths: Tensor) -> Tensor:
        """`style` [N, D] moved towards the vector of the unpainted picture: wholly there at a strength [N] of 0.

        Raises ValueError for a strength below 1 where there is no such vector.
        """
        if self.photograph is None:
            if bool((strengths != 1).any()):
                raise ValueError("this architecture has no way to give a picture back, it paints at full strength only")
            return style
        return torch.lerp(self.photograph.expand_as(style), style, strengths[:, None])

    @property
    def style_size(self) -> int:
        """D, the length of a style vector."""
        return self.styles.shape[1]

    def make_styles(self, count: int) -> None:
        """Create `count` vectors of neutral scales and shifts, and give every conditional layer its slice of them.

        `photograph` becomes the vector [D] with which the network gives its input back, None where it has no way to.
        """
        layers = [layer for layer in self.modules() if isinstance(layer, Conditional)]
        start = 0
        for layer in layers:
            layer.start = start
            start += layer.size
        self.styles = nn.Parameter(torch.cat([layer.neutral() for layer in layers]).repeat(count, 1))
        has_way = any(isinstance(layer, ConditionalGain) for layer in layers)
        self.register_buffer("photograph", torch.cat([layer.open() for layer in layers]) if has_way else None)


class Conditional(nn.Module):
    """A layer whose parameters are a slice of the style vector."""

    start: int

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def slice(self, style: Tensor) -> Tensor:
        """This layer's part of `style`, [N, size, 1, 1]."""
        return style[:, self.start : self.start + self.size, None, None]

    def neutral(self) -> Tensor:
        """The values to start learning from, [size]."""
        raise NotImplementedError

    def open(self) -> Tensor:
        """The values with which the network gives its input back, [size]."""
        return self.neutral()


class ConditionalInstanceNorm(Conditional):
    """Instance normalization whose scales and shifts belong to the style (Dumoulin, Shlens and Kudlur 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__(2 * channels)

    def neutral(self) -> Tensor:
        """Scales of one, shifts of zero."""
        return torch.cat([torch.ones(self.size // 2), torch.zeros(self.size // 2)])

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Normalize each channel of each picture, then scale and shift it as `style` says."""
        scale, shift = self.slice(style).chunk(2, dim=1)
        if x.dtype == torch.float16:  # whose largest number the squares of a channel pass
            return F.instance_norm(x.float(), eps=EPSILON).to(x.dtype) * scale + shift
        return F.instance_norm(x, eps=EPSILON) * scale + shift


class ConditionalGain(Conditional):
    """A gain for each colour of cells (see `unfold`) that belongs to the style: the path that nothing normalizes."""

    def neutral(self) -> Tensor:
        """Hardly open: the style decides."""
        return torch.full((self.size,), 0.05)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Multiply each colour of the cells [N, size * fold^2, H, W] by its gain, held between 0 and 1."""
        return x * self.slice(style).clamp(0, 1).repeat(1, x.shape[1] // self.size, 1, 1)

    def open(self) -> Tensor:
        """Wide open."""
        return torch.ones(self.size)


class NormalizedConv(nn.Module):
    """3 x 3 (or larger) convolution, conditional instance normalization, and a rectifier unless it is left out.

    Maps are mirrored at their edges: zeros or repeated edges would tell a network where a picture ends, and a style
    with a bright sky would be learned as a band along the top.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect")
        self.norm = ConditionalInstanceNorm(outputs)
        self.relu = relu

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """[N, inputs, H, W] to [N, outputs, H / stride, W / stride]."""
        x = self.norm(self.conv(x), style)
        return F.relu(x) if self.relu else x


class ResidualBlock(nn.Module):
    """Two plain 3 x 3 convolutions beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = NormalizedConv(channels, channels)
        self.second = NormalizedConv(channels, channels, relu=False)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Same shape in and out."""
        reworked: Tensor = self.second(self.first(x, style), style)
        return x + reworked
