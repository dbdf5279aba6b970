"""How a style is learned."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from murai.train.stability import Kind

Objective = Literal["statistics", "gram"]
End = Literal["faithful", "bold"]
ENDS: tuple[End, ...] = ("faithful", "bold")
"""Of a style: the photograph stays legible, and the style has its way. What lies between is interpolated."""

CONTENT: Mapping[Objective, tuple[float, float]] = {"statistics": (6.0, 2.5), "gram": (1.0, 0.4)}
LIGHT = (2.0, 1.0)
"""The usual weights at both ends."""
KEEP = (0.66, 0.5)
"""The usual shares of the structure that stay: recognisable first, then as bold as that allows."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one end of a style is learned. The weights multiply normalized terms, so one set serves every picture.

    batch              photographs a step, in each process
    size, style_size   side of the photographs' crops, and short side of the style picture, in pixels
    learning_rate      of the kernels, by Muon, at its peak; all else takes a share of it, by Adam
    objective          what is asked for: `statistics` and structure, see `losses`, or the reference, see `gram`
    content, light     how much of the photograph stays: its structure, and where it is bright
    keep               share of the structure that should stay, 0..1: from `content` on, the weight follows what does;
                       0 leaves the weight as it is
    style              what the style term is multiplied by
    layers             what each of the loss network's style layers counts in it
    parts              the share of it that every quarter of a painting is asked for by itself
    stable             the kind of disturbance that `stability` weighs, see `stability`
    noise              deviation of the strongest noise, 0..1
    total_variation, lattice, weave, stability
                       what these terms of `losses` and `stability` count
    energy             share of its responses' variance that the loss network keeps while learning, see `low_rank`
    """

    steps: int = 600
    batch: int = 2
    size: int = 256
    learning_rate: float = 0.02
    objective: Objective = "statistics"
    content: float = CONTENT["statistics"][0]
    light: float = LIGHT[0]
    keep: float = 0.0
    style: float = 1.0
    layers: tuple[float, float, float, float] = (0.5, 1.0, 2.5, 1.5)
    parts: float = 0.3
    total_variation: float = 0.05
    lattice: float = 20.0
    weave: float = 100.0
    stability: float = 0.5
    stable: Kind = "motion"
    noise: float = 0.06
    style_size: int = 512
    energy: float = 0.99
    seed: int = 0


def bold(
    faithful: Settings,
    steps: int | None = None,
    content: float | None = None,
    light: float = LIGHT[1],
    keep: float = 0.0,
) -> Settings:
    """Those of the bold end, which is tuned from the faithful one: half as long, where `steps` does not say."""
    content = CONTENT[faithful.objective][1] if content is None else content
    return replace(faithful, steps=steps or max(1, faithful.steps // 2), content=content, light=light, keep=keep)


def learning_rate(step: int, settings: Settings) -> float:
    """One cycle (Smith 2018): a linear rise over the first tenth, a cosine fall to nothing at the end."""
    rise = max(1, settings.steps // 10)
    if step < rise:
        return settings.learning_rate * (step + 1) / rise
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, settings.steps - rise)))
