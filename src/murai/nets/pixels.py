"""A network from picture to picture as bytes: what a pack's graph holds, and what paints on a card."""

import torch
from torch import Tensor, nn

from murai.nets.base import StylizationNetwork, pad, unfold


class PixelGraph(nn.Module):
    """`image` uint8 [N, H, W, 3] and `style` float32 [N, D] to `painted` uint8 [N, H, W, 3].

    It calculates in the type of the network's weights.
    """

    def __init__(self, network: StylizationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, style: Tensor) -> Tensor:
        """Pad, convert, paint, crop."""
        kind = self.network.styles.dtype
        x = pad(image, self.network.multiple, (1, 2)).permute(0, 3, 1, 2).to(kind) / 255
        cells = (self.network.paint(x, style.to(kind)) * 255).round().clamp(0, 255).to(torch.uint8)
        # Sub-pixels are put in place as bytes: a quarter of the memory traffic of floats.
        pixels = unfold(cells, self.network.fold)
        return self.network.crop(pixels, image.shape[1], image.shape[2])
