"""A larger network that begins as what a smaller one has learned (after Chen, Goodfellow and Shlens 2016)."""

import torch
from torch import Tensor

from murai.nets.base import ResidualBlock, StylizationNetwork


@torch.no_grad()
def grow(small: StylizationNetwork, large: StylizationNetwork) -> None:
    """Let `large`, untrained, paint what `small` paints.

    What `large` has more of channels is heard by none of the old ones at first, and its further blocks add nothing.
    Raises ValueError where `large` is smaller somewhere.
    """
    theirs = dict(large.named_parameters())
    for name, old in small.named_parameters():
        if name not in theirs or any(a > b for a, b in zip(old.shape, theirs[name].shape, strict=True)):
            raise ValueError(f"{name} is smaller than it was")
        _settle(theirs[name], old)
    before = dict(small.named_modules())
    for name, module in large.named_modules():
        if isinstance(module, ResidualBlock) and name not in before:
            module.second.norm.scale.zero_()


def _settle(new: Tensor, old: Tensor) -> None:
    """Put `old` into the first outputs and inputs of `new`; those outputs hear nothing else."""
    if new.ndim > 1:
        new[: len(old), old.shape[1] :] = 0
    new[tuple(slice(length) for length in old.shape)] = old
