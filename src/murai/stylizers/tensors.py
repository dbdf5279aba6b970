"""What `compose` and `calm` do, on torch tensors, so that pictures which are on a card stay there.

Pictures are uint8 [H, W, 3] RGB; results differ from those of `compose` by rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from murai.stylizers.compose import BLOCK, LEAST, LUMA, MOTION, NOISE


def mix(image: Tensor, painted: Tensor, strength: float) -> Tensor:
    """From `image` at 0 to `painted` at 1, both exact."""
    if strength in (0, 1):
        return painted if strength else image
    return _levels(image.float().lerp(painted.float(), strength))


def beside(image: Tensor, painted: Tensor, split: float) -> Tensor:
    """`painted`, but `image` in the share `split` from the left."""
    columns = round(split * image.shape[1])
    return torch.cat([image[:, :columns], painted[:, columns:]], 1) if columns else painted


def keep_colors(image: Tensor, painted: Tensor) -> Tensor:
    """The brightness of `painted` with the colours of `image`: each pixel of `image`, lighter or darker."""
    colors = image.float()
    change = painted.float() - colors
    red, green, blue = LUMA.tolist()  # numbers are part of the kernel: nothing is sent to the card
    return _levels(colors + red * change[..., :1] + green * change[..., 1:2] + blue * change[..., 2:])


class Calm:
    """Pictures of one stream with their noise held back, see `calm.Calm`."""

    def __init__(self) -> None:
        self._before: Tensor | None = None
        self._cell = 1

    def reset(self) -> None:
        """Forget: the next picture comes out as it is."""
        self._before = None

    def __call__(self, image: Tensor, calm: float, cell: int = 1) -> Tensor:
        """`image`, with what stands still changing less, see `calm.Calm`."""
        before, former, self._cell = self._before, self._cell, cell
        if calm == 0:
            self.reset()
            return image
        if before is None or before.shape != image.shape or cell != former:
            self._before = image.float()
            return image
        change = image.float() - before
        gain = _gain(change, 1 - (1 - LEAST) * calm, cell)
        self._before = before + gain * change
        return _levels(self._before)


def _gain(change: Tensor, least: float, cell: int) -> Tensor:
    """How much of `change` [H, W, 3] counts, [H, W, 1]: all where something moved, `least` where all is noise."""
    (height, width), block = change.shape[:2], BLOCK * cell
    margin = 0, -width % block, 0, -height % block
    seen = F.pad(change.permute(2, 0, 1)[None], margin, mode="replicate")
    square = F.avg_pool2d(seen, cell).square().mean(1, keepdim=True)
    square = F.avg_pool2d(F.avg_pool2d(square, BLOCK), 3, 1, 1, count_include_pad=False)[0, 0]
    gain = ((square - NOISE) / (MOTION - NOISE)).clamp(least, 1)
    return gain.repeat_interleave(block, 0).repeat_interleave(block, 1)[:height, :width, None]


def _levels(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8).contiguous()
