"""What a taught pack says of itself: its network, its styles, and how each was learned."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from murai.nets import VERSION, all_arguments, mac_per_pixel
from murai.nets.base import StylizationNetwork
from murai.packs import Architecture, LossNetworkRecord, Manifest, Style, StylePack, Tier
from murai.train.plan import Plan, pack_name
from murai.train.settings import End, Settings
from murai.train.vgg import LossNetwork

MOST: dict[Tier, float] = {"light": 4_000.0, "fast": 10_000.0, "fine": math.inf}
"""Multiply-adds per pixel up to which a network is of a tier."""

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """What styles are learned from and with, besides a `Plan`."""

    base: StylePack | None
    teacher: StylePack | None
    loss_network: LossNetwork
    photographs: int
    processes: int


def tier_of(network: StylizationNetwork, architecture: str) -> Tier:
    """That which a network counts as, by its multiply-adds."""
    mac = mac_per_pixel(network)
    return "johnson" if architecture == "johnson" else next(tier for tier, most in MOST.items() if mac <= most)


def stage(sources: Sources, settings: Settings, end: End, start: str, minutes: float) -> Stage:
    """One run: how one end of a style was learned, from which pack or style, `start`, empty for a new network."""
    return {
        "end": end,
        **({"start": start} if start else {}),
        **({"teacher": sources.teacher.name} if sources.teacher else {}),
        **asdict(settings),
        "minutes": round(minutes, 1),
        "photographs_seen": settings.steps * settings.batch * sources.processes,
    }


def stages_of(pack: StylePack | None, name: str) -> list[Stage]:
    """What `pack` says of how it learned the style `name`; one made elsewhere may say anything."""
    return pack.manifest.stages(name) if pack else []


def describe(
    plan: Plan,
    sources: Sources,
    network: StylizationNetwork,
    kept: Sequence[Style],
    learned: Mapping[str, Sequence[Stage]],
    ends: int,
) -> Manifest:
    """The manifest, but for figures, of a pack with the styles `kept` of the base and those `learned` now, by name."""
    base, loss_network = sources.base, sources.loss_network
    name = base.manifest.architecture.name if base else plan.architecture
    arguments = plan.arguments or (base.manifest.architecture.arguments if base else {})
    taught: LossNetworkRecord | None = LossNetworkRecord(**asdict(loss_network.info))
    if sources.teacher is not None:  # no loss network taught it
        taught = base.manifest.loss_network if base else None
    now = [each for stages in learned.values() for each in stages]
    history = {style.name: stages_of(base, style.name) for style in kept}
    history |= {style: [*stages_of(base, style), *stages] for style, stages in learned.items()}
    return Manifest(
        name=pack_name(plan.out),
        tier=tier_of(network, name),
        architecture=Architecture(name=name, arguments=all_arguments(name, arguments), version=VERSION),
        style_size=network.style_size,
        ends=2 if ends == 2 else 1,
        mac_per_pixel=mac_per_pixel(network),
        styles=[*kept, *(work.style for work in plan.works)],
        loss_network=taught,
        training={
            "steps": sum(each["steps"] for each in now),
            "minutes": round(sum(each["minutes"] for each in now), 1),
            "optimizer": "Muon and Adam",
            "processes": sources.processes,
            "loss_layers": list(loss_network.style_layers),
            "photographs": sources.photographs,
            "photographs_terms": plan.photos_terms,
            "photographs_seen": _seen(base, history),
            **({"base": base.name} if base else {}),
            **({"teacher": sources.teacher.name} if sources.teacher else {}),
            "styles": history,
        },
    )


def _seen(base: StylePack | None, history: Mapping[str, Sequence[Stage]]) -> dict[str, int]:
    """See `Manifest.photographs_seen`; of a style of which no stage tells it, what the base says."""
    before = base.manifest.photographs_seen if base else {}
    counts = {name: [each.get("photographs_seen", 0) for each in stages] for name, stages in history.items()}
    sums = {name: sum(c for c in each if isinstance(c, int)) for name, each in counts.items()}
    return {name: count or before.get(name, 0) for name, count in sums.items()}


def kept_figures(base: StylePack, kept: Sequence[Style]) -> dict[str, dict[str, float]]:
    """What the base measured of the styles that stay; one made elsewhere may say anything."""
    rows = {style.name: base.manifest.measured.get(style.name) for style in kept}
    numbers = {name: row for name, row in rows.items() if isinstance(row, dict) and row}
    return {name: row for name, row in numbers.items() if all(isinstance(v, int | float) for v in row.values())}
