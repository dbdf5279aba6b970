"""What paintings are asked for: the terms of `losses`, or those of `gram`, weighed for one style picture."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from murai.train.gram import Maps, content_loss, gram_matrix, style_loss
from murai.train.losses import Style, inside, light_loss, statistics_loss, structure_loss
from murai.train.settings import Settings
from murai.train.vgg import CONTENT, LossNetwork

Look = Callable[[Tensor, str | None], Maps]
"""What the loss network sees in pictures [N, 3, H, W], up to the named layer or in all."""
Judgement = Callable[[Tensor, Tensor], dict[str, Tensor]]
"""The weighted terms, each [], of paintings and their photographs, both [N, 3, H, W] in 0..1."""

GRAM_STYLE = 5.0
"""What the Gram matrices count beside the content, at a style weight of 1."""


def judge_by(loss_network: LossNetwork, style: Tensor, settings: Settings) -> Judgement:
    """What `settings` ask of paintings in the style of a picture [3, H, W] in 0..1, by all of `loss_network`."""
    return objective(lambda x, until: loss_network(x, until=until), loss_network.style_layers, style, settings)


def objective(look: Look, layers: Sequence[str], style: Tensor, settings: Settings) -> Judgement:
    """That which `settings` name, for the picture `style` [3, H, W] in 0..1; `layers` are the loss network's."""
    if settings.objective == "gram":
        return _grams(look, layers, style, settings)
    return _statistics(look, layers, style, settings)


def _statistics(look: Look, layers: Sequence[str], style: Tensor, settings: Settings) -> Judgement:
    weights = dict(zip(layers, settings.layers, strict=False))
    with torch.no_grad():
        wanted = Style.of(look(style[None], None), style[None], layers)

    def judge(painted: Tensor, photographs: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            there = inside(CONTENT, look(photographs, CONTENT)[CONTENT])
        maps = look(painted, None)
        missing = statistics_loss(maps, painted, wanted, weights, settings.parts)
        return {
            "content": settings.content * structure_loss(inside(CONTENT, maps[CONTENT]), there),
            "light": settings.light * light_loss(painted, photographs),
            "style": settings.style * missing,
        }

    return judge


def _grams(look: Look, layers: Sequence[str], style: Tensor, settings: Settings) -> Judgement:
    with torch.no_grad():
        maps = look(style[None], None)
        wanted = {layer: gram_matrix(maps[layer]) for layer in layers}

    def judge(painted: Tensor, photographs: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            there = look(photographs, CONTENT)
        got = look(painted, None)
        return {
            "content": settings.content * content_loss(got, there),
            "style": settings.style * GRAM_STYLE * style_loss(got, wanted),
        }

    return judge
