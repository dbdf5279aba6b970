"""The stylization networks: one architecture a file, all called alike.

    network(pictures, styles) -> pictures

`pictures` is float [N, 3, H, W] in 0..1 with any H and W; `styles` is [N, D], one vector of normalization scales and
shifts a picture. `network.styles` [K, D] holds the vectors it has learned.
"""

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from murai.nets.base import StylizationNetwork
from murai.nets.compact import Compact, Fold, SmoothSubpixelConv
from murai.nets.johnson import Johnson

ARCHITECTURES: dict[str, type[StylizationNetwork]] = {"compact": Compact, "johnson": Johnson}

VERSION = 2
"""Of how all of them calculate, see `packs.Architecture`."""

SIZES: dict[str, dict[str, Any]] = {
    "light": {"half": 8, "widths": (16, 48), "blocks": (0, 3)},
    "fast": {"half": 16, "widths": (24, 64), "blocks": (0, 4)},
    "fine": {"half": 24, "widths": (32, 80), "blocks": (0, 6)},
}
"""Arguments of `compact` by tier: `light` takes half the time of `fast`, `fine` twice."""


def build(name: str, *, styles: int = 1, **arguments: Any) -> StylizationNetwork:
    """The untrained network of architecture `name` with room for `styles` styles. Raises KeyError for another name."""
    return ARCHITECTURES[name](styles=styles, **arguments)


def restore(name: str, arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> StylizationNetwork:
    """The network that `tensors`, its weights and `styles`, belong to.

    Raises ValueError where they are not those of that architecture with these arguments, or there is none.
    """
    try:
        with torch.device("meta"):  # takes no memory, whatever sizes are asked for
            planned = build(name, styles=len(tensors["styles"]), **arguments)
        shapes = {key: tensor.shape for key, tensor in tensors.items()}
        if {key: tensor.shape for key, tensor in planned.state_dict().items()} != shapes:
            raise ValueError("the shapes are those of another network")
        network = build(name, styles=len(tensors["styles"]), **arguments)
        network.load_state_dict(dict(tensors))
    except (RuntimeError, TypeError, KeyError) as error:
        raise ValueError(str(error)) from error
    return network


def all_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` of the architecture `name` and the defaults of the others: what a pack records."""
    bound = inspect.signature(ARCHITECTURES[name]).bind(**arguments)
    bound.apply_defaults()
    return {key: value for key, value in bound.arguments.items() if key != "styles"}


def count_parameters(network: StylizationNetwork) -> int:
    """Learned numbers shared by all styles: everything but the style vectors themselves."""
    return sum(p.numel() for p in network.parameters()) - network.styles.numel()


def plain_copy(network: StylizationNetwork) -> StylizationNetwork:
    """A copy on the CPU, in float32, of ordinary layers only: what is exported and counted."""
    network = copy.deepcopy(network).cpu().float()
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, SmoothSubpixelConv):
                setattr(parent, name, child.plain())
    return network


@torch.no_grad()
def mac_per_pixel(network: StylizationNetwork, size: int = 256) -> float:
    """Multiply-adds of the convolutions for one pixel of input, counted while a square of `size` pixels is painted.

    `size` is a multiple of `network.multiple`. The margin around a picture is not counted.
    """
    total = 0

    def count(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | Fold)
        total += module.weight[0].numel() * output[0].numel()

    network = plain_copy(network)
    handles = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d | Fold)]
    try:
        network.paint(torch.zeros(1, 3, size, size), network.styles[:1])
    finally:
        for handle in handles:
            handle.remove()
    return total / size**2
