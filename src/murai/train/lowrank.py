"""A loss network with fewer multiply-adds: its responses lie close to a few directions (Zhang et al. 2015)."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from murai.train.vgg import LossNetwork

GRAIN = 8
"""Channels that a processor handles at once: ranks are multiples of it."""


@torch.no_grad()
def low_rank(network: LossNetwork, pictures: Sequence[Tensor], energy: float) -> LossNetwork:
    """`network` with each convolution in two: 3x3 to a few directions, and 1x1 from there to all channels.

    The directions are the principal components of what the convolution, before its rectifier, says of `pictures`
    ([3, H, W] in 0..1 each): as many as keep the share `energy` of the variance. A convolution stays whole where two
    would not be cheaper, and everywhere with an `energy` of 1.
    """
    result = copy.deepcopy(network)
    if energy >= 1:
        return result
    for index, (mean, covariance) in enumerate(_responses(network, pictures)):
        directions = _principal(covariance, energy)
        conv = result.convs[index]
        assert isinstance(conv, nn.Conv2d)
        whole = 9 * conv.in_channels * conv.out_channels
        if directions.shape[1] * (9 * conv.in_channels + conv.out_channels) < whole:
            result.convs[index] = _split(conv, directions, mean)
    return result.requires_grad_(False).eval()


def _responses(network: LossNetwork, pictures: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Mean [C] and covariance [C, C] of every convolution's outputs, over all places of all pictures."""
    moments: list[list[Tensor]] = [[] for _ in network.convs]

    def note(index: int, responses: Tensor) -> None:
        flat = responses[0].flatten(1)
        moments[index].append(torch.cat([flat.mean(1)[:, None], flat @ flat.T / flat.shape[1]], dim=1))

    hooks = [
        conv.register_forward_hook(lambda _, __, y, index=index: note(index, y))
        for index, conv in enumerate(network.convs)
    ]
    device = network.mean.device
    for picture in pictures:
        network(picture[None].to(device))
    for hook in hooks:
        hook.remove()
    means = [torch.stack(each).mean(0) for each in moments]
    return [(m[:, 0], m[:, 1:] - m[:, :1] @ m[:, :1].T) for m in means]


def _principal(covariance: Tensor, energy: float) -> Tensor:
    """The directions [C, R], orthonormal, that keep the share `energy` of the variance."""
    variances, directions = torch.linalg.eigh(covariance.double())
    kept = variances.flip(0).clamp(min=0).cumsum(0)
    rank = int((kept < energy * kept[-1]).sum()) + 1
    rank = min(-(-rank // GRAIN) * GRAIN, len(kept))
    first: Tensor = directions.flip(1)[:, :rank].float()
    return first


def _split(conv: nn.Conv2d, directions: Tensor, mean: Tensor) -> nn.Sequential:
    outputs, rank = directions.shape
    first = nn.Conv2d(conv.in_channels, rank, 3, padding=1)
    last = nn.Conv2d(rank, outputs, 1)
    first.weight.copy_(torch.einsum("kr,kcij->rcij", directions, conv.weight))
    first.bias.copy_(directions.T @ (conv.bias - mean))  # type: ignore[union-attr, operator]
    last.weight.copy_(directions[:, :, None, None])
    last.bias.copy_(mean)  # type: ignore[union-attr]
    return nn.Sequential(first, last).to(conv.weight.device)
