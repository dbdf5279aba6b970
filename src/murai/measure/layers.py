"""What the layers of the loss network know, and what each loss does, as pictures (Gatys, Ecker and Bethge 2016).

They are found by changing pixels until the loss network is content; no network painted them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

from murai.errors import Say, silent
from murai.measure.sheets import Row, captioned, scene
from murai.train.losses import Style, content_loss, statistics_loss
from murai.train.objective import judge_by
from murai.train.optimize import descend, optimize
from murai.train.photos import style_picture, to_picture, to_tensor
from murai.train.settings import Settings
from murai.train.vgg import LossNetwork

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = (0.2, 1.0, 5.0, 25.0)
"""Of the style beside the content, from timid to bold."""


def layers_sheet(
    picture: Path, loss_network: LossNetwork, *, iterations: int = 60, say: Say = silent
) -> PIL.Image.Image:
    """Three rows of the built-in scene and the style of `picture`, each cell from `iterations` of L-BFGS.

    - from noise, what has the scene's responses in one layer alone;
    - from noise, what has the picture's statistics in the first layer, in the first two, and so on, and its colours;
    - from the scene, content + style at each of WEIGHTS.

    Raises TrainError for a picture that cannot be read.
    """
    import torch

    photograph = to_tensor(PIL.Image.fromarray(scene()))
    noise = torch.rand(photograph.shape, generator=torch.Generator().manual_seed(0))
    layers = loss_network.style_layers
    style = style_picture(picture, size=512)
    with torch.no_grad():
        wanted = loss_network(photograph[None])
        statistics = Style.of(loss_network(style[None]), style[None], layers)

    def row(title: str, names: Sequence[str], cells: "Iterable[Tensor]") -> Row:
        pictures = []
        for name, cell in zip(names, cells, strict=True):
            pictures.append(np.array(to_picture(cell)))
            say(f"{title}: {name}")
        return f"{title}: {', '.join(names)}", pictures

    def responses(layer: str) -> "Tensor":
        return descend(noise, lambda pixels: content_loss(loss_network(pixels, until=layer), wanted, layer), iterations)

    def texture(names: Sequence[str]) -> "Tensor":
        weights = dict.fromkeys(names, 1.0)
        return descend(noise, lambda x: statistics_loss(loss_network(x), x, statistics, weights), iterations)

    def painting(weight: float) -> "Tensor":
        return optimize(photograph, judge_by(loss_network, style, Settings(style=weight)), iterations=iterations)

    first_layers = [layers[: count + 1] for count in range(len(layers))]
    return captioned(
        [
            row("what a layer knows of the scene", layers, map(responses, layers)),
            row("what statistics know of the style, up to", layers, map(texture, first_layers)),
            row("content + style times", [f"{weight:g}" for weight in WEIGHTS], map(painting, WEIGHTS)),
        ]
    )
