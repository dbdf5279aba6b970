"""Gentle painting, by vectors and by mixing pixels: which has more of the style where both keep as much."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

from murai.errors import Say, UnknownStyle, silent
from murai.frame import Image
from murai.measure.quality import STYLE_SIDE
from murai.measure.sheets import STRENGTHS, by_pixels, by_vectors
from murai.measure.tables import markdown
from murai.packs import StylePack
from murai.stylizers.openvino import OpenVINOStylizer

if TYPE_CHECKING:
    from murai.train.losses import Maps
    from murai.train.quality import Judge
    from murai.train.vgg import LossNetwork

MIXES = tuple(np.linspace(0, 1, 11))
"""Shares of the painting at which mixed pixels are judged; between two the style loss is interpolated."""
Hand = Callable[[OpenVINOStylizer, str, Image, float], Image]


def measure_strength(
    pack: StylePack,
    pictures: Mapping[str, Path],
    photographs: Sequence[Path],
    loss_network: "LossNetwork",
    *,
    size: int = 384,
    say: Say = silent,
) -> list[dict[str, Any]]:
    """A row for each of `pictures`, style pictures by the name of their style in `pack`, and each strength.

    `content` and `style_loss` are those of the painting by vectors, as in `measure quality`; `mixed_style_loss` is
    that of painting and photograph mixed pixel by pixel to the same content loss. Raises UnknownStyle, TrainError.
    """
    from murai.train.photos import style_picture
    from murai.train.quality import Judge, style_grams

    if unknown := [name for name in pictures if name not in pack.names]:
        raise UnknownStyle(f"the pack {pack.name} has no style '{unknown[0]}'; there are {', '.join(pack.names)}.")
    stylizer, judge = OpenVINOStylizer(pack, precision="f32"), Judge(loss_network, photographs, size)
    crops = {style.name: style.crop for style in pack.manifest.styles}
    rows = []
    for name, picture in pictures.items():
        grams = style_grams(loss_network, style_picture(picture, crop=crops[name], size=STYLE_SIDE))
        found = []
        for index in range(len(photographs)):
            found.append(_photograph(stylizer, name, judge, index, grams))
            say(f"{name}: {index + 1} of {len(photographs)} photographs")
        for strength, values in zip(STRENGTHS, zip(*found, strict=True), strict=True):
            content, styled, mixed = map(fmean, zip(*values, strict=True))
            row = {"content": content, "style_loss": styled, "mixed_style_loss": mixed}
            rows.append({"style": name, "strength": strength, **row})
    return rows


def _photograph(
    stylizer: OpenVINOStylizer, name: str, judge: "Judge", index: int, grams: "Maps"
) -> list[tuple[float, float, float]]:
    """For each strength content and style loss by vectors, and the style loss of pixels mixed to that content."""
    from murai.train.photos import to_picture, to_tensor

    photograph = np.array(to_picture(judge.photograph(index)))

    def losses(paint: Hand, share: float) -> tuple[float, float]:
        painted = PIL.Image.fromarray(paint(stylizer, name, photograph, share))
        return judge.losses(index, to_tensor(painted), grams)

    contents, styles = zip(*(losses(by_pixels, share) for share in MIXES), strict=True)
    gentle = [losses(by_vectors, strength) for strength in STRENGTHS]
    return [(content, styled, float(np.interp(content, contents, styles))) for content, styled in gentle]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown."""
    heads = ["style", "strength", "content loss", "style loss, by vectors", "by pixels, at the same content loss"]
    names = ("style", "strength", "content", "style_loss", "mixed_style_loss")
    return markdown(heads, [[row[name] for name in names] for row in rows])
