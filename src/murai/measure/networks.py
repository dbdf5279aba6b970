"""What is measured: a style of a pack, painted as users get it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from murai.controls import Controls
from murai.errors import PackError, UnknownStyle
from murai.frame import Image
from murai.measure.cache import fingerprint
from murai.packs import Style, StylePack
from murai.stylizers.openvino import OpenVINOStylizer


@dataclass(frozen=True)
class Taught:
    """One style of one pack, and how much of the noise of what stands still is held back, see `Controls.calm`."""

    pack: StylePack
    style: Style
    calm: float = 0.0

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.style.name} at calm {self.calm:g}" if self.calm else self.style.name

    def stylizer(self) -> OpenVINOStylizer:
        """A fresh one, on the pack's ONNX graph in 32 bits. Raises PackError, RuntimeUnsupported."""
        stylizer = OpenVINOStylizer(self.pack, precision="f32")
        stylizer.use(Controls(mix={self.style.name: 1.0}, calm=self.calm))
        return stylizer

    @cached_property
    def key(self) -> str:
        """A hash of all that decides what is painted. Raises PackError."""
        pictures = fingerprint(self.pack.model, self.pack.vector({self.style.name: 1.0}).tobytes())
        return fingerprint(pictures, self.calm) if self.calm else pictures

    @property
    def facts(self) -> dict[str, Any]:
        """What the pack says of its learning, None where it does not.

        photographs_seen   for each style, one that was seen twice counted twice
        steps, minutes     how long it learned, both its ends together
        mac_per_pixel      multiply-adds
        """
        manifest, stages = self.pack.manifest, self.pack.manifest.stages(self.style.name)
        return {
            "photographs_seen": manifest.photographs_seen.get(self.style.name),
            "steps": _sum(stages, "steps"),
            "minutes": _sum(stages, "minutes"),
            "mac_per_pixel": manifest.mac_per_pixel,
        }


def _sum(stages: list[dict[str, Any]], name: str) -> Any:
    """Over all stages, None where one does not say it."""
    values = [stage.get(name) for stage in stages]
    return sum(values) if values and all(isinstance(value, int | float) for value in values) else None  # type: ignore[arg-type]


class Unpainted:
    """The stylizer that leaves pictures as they are: what all others are compared with."""

    def __call__(self, image: Image) -> Image:
        """`image` itself."""
        return image

    def use(self, controls: Controls) -> None:
        """Nothing to change."""

    def reset(self) -> None:
        """Nothing to forget."""


def choose(packs: Sequence[str], styles: Sequence[str], known: Sequence[StylePack]) -> list[Taught]:
    """The named styles, all for none, of the packs named: names of `known` ones, or paths; all known ones for none.

    Raises UnknownStyle for a pack that is not there and a style that no pack has, PackError for a damaged pack and for
    two of one name, whose figures nobody could tell apart.
    """
    chosen = [_choose(text, known) for text in packs] or _first_of_each_name(known)
    called = [pack.name for pack in chosen]
    if twice := [name for name in called if called.count(name) > 1]:
        raise PackError(f"two of the packs are called '{twice[0]}'; teach or export one under another name.")
    taught = [Taught(pack, style) for pack in chosen for style in pack.manifest.styles]
    names = sorted({each.style.name for each in taught})
    if unknown := [name for name in styles if name not in names]:
        raise UnknownStyle(f"no pack that is measured has the style '{unknown[0]}'; there are {', '.join(names)}.")
    return [each for each in taught if not styles or each.style.name in styles]


def _first_of_each_name(packs: Sequence[StylePack]) -> list[StylePack]:
    first: dict[str, StylePack] = {}
    for pack in packs:
        first.setdefault(pack.name, pack)
    return list(first.values())


def _choose(text: str, known: Sequence[StylePack]) -> StylePack:
    if named := [pack for pack in known if pack.name == text]:
        return named[0]
    if Path(text).exists():
        return StylePack.load(text)
    names = ", ".join(sorted({pack.name for pack in known})) or "none"
    raise UnknownStyle(f"there is no pack '{text}'; give the path of one, or one of these names: {names}.")
