"""A larger network that begins as what a smaller one has learned (after Chen, Goodfellow and Shlens 2016)."""

import torch
from torch import Tensor

from murai.nets.base import Conditional, ConditionalInstanceNorm, ResidualBlock, StylizationNetwork


@torch.no_grad()
def grow(small: StylizationNetwork, large: StylizationNetwork) -> None:
    """Let `large`, untrained, paint what `small` paints, in all its styles.

    What `large` has more of channels is heard by none of the old ones at first, and its further blocks add nothing.
    Raises ValueError where `large` is smaller somewhere or has another number of styles.
    """
    theirs = dict(large.named_parameters())
    for name, old in small.named_parameters():
        if name not in theirs or any(a > b for a, b in zip(old.shape, theirs[name].shape, strict=True)):
            raise ValueError(f"{name} is smaller than it was")
        if name != "styles":
            _settle(theirs[name], old)
    _settle_styles(small, large)


def _settle(new: Tensor, old: Tensor) -> None:
    """Put `old` into the first outputs and inputs of `new`; those outputs hear nothing else."""
    if new.ndim > 1:
        new[: len(old), old.shape[1] :] = 0
    new[tuple(slice(length) for length in old.shape)] = old


def _settle_styles(small: StylizationNetwork, large: StylizationNetwork) -> None:
    if len(small.styles) != len(large.styles):
        raise ValueError("the number of styles differs")
    before = dict(small.named_modules())
    for name, module in large.named_modules():
        if isinstance(module, ResidualBlock) and name not in before:
            _numbers(large, module.second.norm)[:, 0] = 0  # its scales: the block adds nothing
        if isinstance(module, Conditional) and name in before:
            old = _numbers(small, before[name])  # type: ignore[arg-type]
            _numbers(large, module)[..., : old.shape[2]] = old


def _numbers(network: StylizationNetwork, layer: Conditional) -> Tensor:
    """A view of what all vectors say to `layer`, [K, 2, channels]: scales, shifts; or [K, 1, colours]: gains."""
    kinds = 2 if isinstance(layer, ConditionalInstanceNorm) else 1
    slices = network.styles.data[:, layer.start : layer.start + layer.size]
    return slices.view(len(slices), kinds, -1)
