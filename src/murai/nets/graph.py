"""A network with its weights as an input: what a pack's graph holds, and what paints on a GPU."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from murai.nets.base import Coefficients, StylizationNetwork, pad


class StyleGraph(nn.Module):
    """`image` uint8 [N, h, w, 3], even sides, and `style` float32 [D], all weights, to the coefficients.

    The results are `strokes` float32 [N, h, w, 3] and `matrix` float32 [N, h / CELL, w / CELL, 9], see `Coefficients`.
    It calculates in `dtype`.
    """

    def __init__(self, network: StylizationNetwork, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self._network = [network]  # in a list, so that its weights are no part of this module
        self.dtype = dtype

    @property
    def network(self) -> StylizationNetwork:
        """Whose calculation it is; its own weights do not count."""
        return self._network[0]

    def forward(self, image: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Pad, convert, find the coefficients, crop."""
        network = self.network
        x = pad(image, network.multiple, (1, 2)).permute(0, 3, 1, 2).to(self.dtype) / 255
        weights = network.weights(style.to(self.dtype))
        found = functional_call(_Finding(network), {f"network.{name}": w for name, w in weights.items()}, (x,))
        strokes, matrix = network.cropped(found, image.shape[1], image.shape[2])
        return strokes.float().permute(0, 2, 3, 1), matrix.float().permute(0, 2, 3, 1)


class _Finding(nn.Module):
    """`coefficients` as a call, which `functional_call` needs."""

    def __init__(self, network: StylizationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Coefficients:
        return self.network.coefficients(x)
