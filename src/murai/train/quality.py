"""How well a style is painted: on photographs that were never learned from."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch
from PIL import Image as Pillow
from torch import Tensor

from murai.nets.base import StylizationNetwork
from murai.train.figures import Yardstick, look
from murai.train.losses import Maps, content_loss, gram_matrix, style_loss
from murai.train.photos import open_picture, to_tensor
from murai.train.vgg import CONTENT, LossNetwork

SIDE = 384
STYLE_WEIGHT = 5.0
"""Timid painting keeps the photograph and tints it: this weight in the total keeps it from winning."""
REMEMBERED = 48
"""Photographs whose content is kept, 9 MB each at 384 pixels."""


def centre_picture(path: Path, side: int = SIDE) -> Pillow.Image:
    """The largest centred square of a picture, resized to `side` x `side`. Raises TrainError."""
    picture = open_picture(path)
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return picture.resize((side, side), Pillow.Resampling.BICUBIC, box=box)


def centre_square(path: Path, side: int = SIDE) -> Tensor:
    """`centre_picture` as [3, side, side] in 0..1. Raises TrainError."""
    return to_tensor(centre_picture(path, side))


@torch.no_grad()
def style_grams(loss_network: LossNetwork, style: Tensor) -> dict[str, Tensor]:
    """Gram matrices [1, C, C] of the picture `style` [3, H, W] in 0..1, by style layer."""
    maps = loss_network(style[None])
    return {layer: gram_matrix(maps[layer]) for layer in loss_network.style_layers}


class Judge:
    """Content and style loss of paintings of `photographs`, each its centre square of `side` pixels."""

    def __init__(self, loss_network: LossNetwork, photographs: Sequence[Path], side: int = SIDE) -> None:
        self.loss_network, self.photographs, self.side = loss_network, list(photographs), side
        self._content: dict[int, Tensor] = {}

    def photograph(self, index: int) -> Tensor:
        """[3, side, side] in 0..1. Raises TrainError."""
        return centre_square(self.photographs[index], self.side)

    @torch.no_grad()
    def losses(self, index: int, painted: Tensor, grams: Maps) -> tuple[float, float]:
        """Content and style loss of `painted` [3, side, side] in 0..1, a painting of photograph `index`.

        `grams` is what `style_grams` gives for the style picture.
        """
        return self.compare(index, self.loss_network(painted[None]), grams)

    @torch.no_grad()
    def compare(self, index: int, maps: Maps, grams: Maps) -> tuple[float, float]:
        """`losses` of a painting in which the loss network sees `maps`."""
        return float(content_loss(maps, {CONTENT: self.wanted(index)})), float(style_loss(maps, grams))

    @torch.no_grad()
    def wanted(self, index: int) -> Tensor:
        """What the loss network sees in photograph `index` in relu3_3: [1, C, h, w]."""
        if index in self._content:
            return self._content[index]
        seen: Tensor = self.loss_network(self.photograph(index)[None], until=CONTENT)[CONTENT]
        if len(self._content) < REMEMBERED:
            self._content[index] = seen
        return seen


@torch.no_grad()
def measure_quality(
    network: StylizationNetwork, loss_network: LossNetwork, photographs: Sequence[Path], style: Tensor
) -> dict[str, float]:
    """Mean figures, see `figures`, of what `network` paints of `photographs`, and how many those are.

    Each photograph is its centre square at 384 pixels; `style` is [3, H, W], 512 pixels on its short side by custom.
    """
    judge, yardstick = Judge(loss_network, photographs), Yardstick(loss_network, style)
    rows = []
    for number in range(len(photographs)):
        painted = network(judge.photograph(number)[None])[0]
        rows.append(yardstick.measure(painted, look(loss_network, painted), judge.wanted(number)))
    return {name: fmean(row[name] for row in rows) for name in rows[0]} | {"photographs": len(rows)}
