"""How well a style is painted: content and style loss on photographs that were never learned from."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch
from PIL import Image as Pillow
from torch import Tensor

from murai.nets.base import StylizationNetwork
from murai.train.losses import content_loss, gram_matrix, style_loss
from murai.train.photos import open_picture, to_tensor
from murai.train.vgg import LossNetwork

SIDE = 384


def centre_square(path: Path, side: int = SIDE) -> Tensor:
    """The largest centred square of a picture, resized: [3, side, side] in 0..1. Raises TrainError."""
    picture = open_picture(path)
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return to_tensor(picture.resize((side, side), Pillow.Resampling.BICUBIC, box=box))


@torch.no_grad()
def measure_quality(
    network: StylizationNetwork, index: int, loss_network: LossNetwork, photographs: Sequence[Path], style: Tensor
) -> dict[str, float]:
    """Mean content loss, style loss and total (content + 5 style) of style `index` of `network`.

    Each photograph is its centre square at 384 pixels; `style` is [3, H, W], 512 pixels on its short side by custom.
    Timid painting keeps the photograph and tints it: the weight of 5 keeps it from winning.
    """
    maps = loss_network(style[None])
    grams = {layer: gram_matrix(maps[layer]) for layer in loss_network.style_layers}
    rows = []
    for path in photographs:
        x = centre_square(path)[None]
        y = network(x, network.styles[index : index + 1]).clamp(0, 1)
        got, wanted = loss_network(y), loss_network(x)
        rows.append((float(content_loss(got, wanted)), float(style_loss(got, grams))))
    content, styled = (fmean(column) for column in zip(*rows, strict=True))
    return {"content": content, "style": styled, "total": content + 5 * styled, "photographs": len(rows)}
