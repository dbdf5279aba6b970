"""What can be played while a show runs, and the one table that names it everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Controls:
    """The state of every control at one instant. Frozen: `dataclasses.replace` makes the next one.

    mix          style name -> weight. Weights are relative; a single style is {"name": 1.0}
    strength     0 gives the input back bit for bit, 1 the full painting
    keep_colors  True keeps the colours of the input and takes only the brightness of the painting
    paused       True holds the last painted picture

    Raises ValueError for a value out of range.
    """

    mix: Mapping[str, float] = field(default_factory=dict)
    strength: float = 1.0
    keep_colors: bool = False
    paused: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"strength is between 0 and 1, not {self.strength}")
        if any(not weight >= 0 for weight in self.mix.values()):
            raise ValueError("the weights of a mix are 0 or more")
        if self.mix and not sum(self.mix.values()) > 0:
            raise ValueError("a mix needs at least one weight above 0")
        object.__setattr__(self, "mix", MappingProxyType(dict(self.mix)))


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the table: a field of `Controls` and its name on every surface."""

    name: str
    key: str
    osc: str
    help: str
    default: Any
    low: float | None = None
    high: float | None = None


TABLE = (
    Control("mix", "left/right", "/murai/mix", "previous and next style", {}),
    Control("strength", "up/down", "/murai/strength", "how much is painted", 1.0, 0.0, 1.0),
    Control("keep_colors", "c", "/murai/keep_colors", "keep the colours of the input", False),
    Control("paused", "space", "/murai/paused", "hold the picture", False),
)
"""Every control once: its JSON name is `name`, a field of `Controls`."""
