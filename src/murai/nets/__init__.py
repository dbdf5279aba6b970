"""The stylization networks: one architecture a file, all called alike.

    network(pictures) -> paintings

both float [N, 3, H, W] in 0..1 with any H and W. A network is one style: all its weights, which `network.vector()`
lines up, float [D]. Networks that learned from one another can be blended by blending their vectors (deep network
interpolation: Wang et al. 2019).
"""

import copy
import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from murai.nets.affine import Affine
from murai.nets.base import SmoothSubpixelConv, StylizationNetwork
from murai.nets.johnson import Johnson

ARCHITECTURES: dict[str, type[StylizationNetwork]] = {"affine": Affine, "johnson": Johnson}

VERSION = 3
"""Of how all of them calculate, see `packs.Architecture`."""

SIZES: dict[str, dict[str, Any]] = {
    "light": {"widths": (8, 24, 40), "blocks": (1, 3)},
    "fast": {"widths": (16, 32, 48), "blocks": (3, 3)},
    "fine": {"widths": (24, 48, 48), "blocks": (6, 4)},
}
"""Arguments of `affine` by tier."""


def build(name: str, **arguments: Any) -> StylizationNetwork:
    """The untrained network of architecture `name`. Raises KeyError for another name."""
    return ARCHITECTURES[name](**arguments)


def restore(name: str, arguments: Mapping[str, Any], vector: Tensor) -> StylizationNetwork:
    """The network that the style `vector` [D] belongs to.

    Raises ValueError where it is not that of this architecture with these arguments, or there is none.
    """
    try:
        with torch.device("meta"):  # takes no memory, whatever sizes are asked for
            planned = build(name, **arguments)
        if planned.style_size != len(vector):
            raise ValueError(f"it has {planned.style_size} weights, not {len(vector)}")
        network = build(name, **arguments)
    except (RuntimeError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(str(error)) from error
    network.load_vector(vector)
    return network


def all_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` of the architecture `name` and the defaults of the others: what a pack records."""
    bound = inspect.signature(ARCHITECTURES[name]).bind(**arguments)
    bound.apply_defaults()
    return dict(bound.arguments)


class Convolution(NamedTuple):
    """What one convolution has to do for one picture: numbers read, written and learned, and multiply-adds."""

    inputs: int
    outputs: int
    weights: int
    multiply_adds: int


@torch.no_grad()
def convolutions(network: StylizationNetwork, width: int, height: int) -> list[Convolution]:
    """Those of `network` for a picture whose sides are multiples of `network.multiple`; the margin does not count."""
    found = []

    def note(module: nn.Module, given: Any, output: Tensor) -> None:
        taps = 9 if isinstance(module, SmoothSubpixelConv) else math.prod(module.kernel_size)  # type: ignore[arg-type]
        fan_in = taps * given[0].shape[1]
        work = fan_in * output.numel()
        found.append(Convolution(given[0].numel(), output.numel(), fan_in * output.shape[1], work))

    network = copy.deepcopy(network).to("meta")  # only shapes are asked for
    for module in network.modules():
        if isinstance(module, nn.Conv2d | SmoothSubpixelConv):
            module.register_forward_hook(note)
    network.coefficients(torch.zeros(1, 3, height, width, device="meta"))
    return found


def mac_per_pixel(network: StylizationNetwork, size: int = 256) -> float:
    """Multiply-adds of the convolutions for one pixel of the work size, counted for a square of `size` pixels.

    `size` is a multiple of `network.multiple`. The margin around a picture is not counted.
    """
    return sum(each.multiply_adds for each in convolutions(network, size, size)) / size**2
