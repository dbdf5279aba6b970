"""Stylizers: they run a style pack on pictures and know nothing of video."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from murai.controls import Controls
from murai.errors import MissingExtra, Say, silent
from murai.packs import bundled_folder, find_style

if TYPE_CHECKING:
    from murai.packs import StylePack
    from murai.stylizers.cuda import TorchStylizer
    from murai.stylizers.openvino import OpenVINOStylizer, Precision


def open_stylizer(
    style: str,
    *,
    folders: Sequence[Path] | None = None,
    size: tuple[int, int] | None = None,
    tier: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: "Precision" = "auto",
    say: Say = silent,
) -> "OpenVINOStylizer | TorchStylizer":
    """The stylizer that paints in `style`: NAME, PACK/NAME, a path, or a blend NAME:W,NAME:W.

    `folders` hold packs, the first wins; None is the bundled ones. `size` (width, height) in pixels is the network's
    work size, None the usual one. `device` "auto" is the CPU. `.pack` and `.mix` of the result say what was found.
    Raises UnknownStyle, PackError, RuntimeUnsupported, MissingExtra.
    """
    pack, mix = find_style(style, [bundled_folder()] if folders is None else folders, tier=tier, say=say)
    stylizer = _on_a_card(pack, size, say) if device == "cuda" else _on_the_cpu(pack, size, precision, say)
    stylizer.use(Controls(mix=mix))
    return stylizer


def _on_the_cpu(
    pack: "StylePack", size: tuple[int, int] | None, precision: "Precision", say: Say
) -> "OpenVINOStylizer":
    from murai.stylizers.openvino import OpenVINOStylizer  # takes a third of a second, so not before it is needed

    return OpenVINOStylizer(pack, size=size, precision=precision, say=say)


def _on_a_card(pack: "StylePack", size: tuple[int, int] | None, say: Say) -> "TorchStylizer":
    try:
        from murai.stylizers.cuda import TorchStylizer
    except ModuleNotFoundError as error:
        raise MissingExtra("Painting on a card", "cuda") from error
    return TorchStylizer(pack, size=size, say=say)
