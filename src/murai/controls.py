"""What can be played while a show runs, and the one table that names it everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

BOLDNESS = 0.4
"""What is usual: readers who did not know which was which liked it best between 0.2 and 0.5."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The state of every control at one instant. Frozen: `dataclasses.replace` makes the next one.

    mix          style name -> weight. Weights are relative; a single style is {"name": 1.0}
    strength     0 gives the input back bit for bit, 1 the full painting
    boldness     0 paints faithfully, 1 boldly: the way from one end of every style to the other
    keep_colors  True keeps the colours of the input and takes only the brightness of the painting
    calm         0 paints every picture by itself, 1 holds back most of the noise of what stands still
    beats        after so many beats, tapped by the action `tap`, the next style comes; 0 for never
    stroke_size  how large strokes are, in halves: the network works at a size so many times smaller
    paused       True holds the last painted picture
    fade         seconds in which one mix, strength and boldness become the next
    split        share of the picture, from its left edge, that stays unpainted
    blackout     True shows black

    Raises ValueError for a value out of range.
    """

    mix: Mapping[str, float] = field(default_factory=dict)
    strength: float = 1.0
    boldness: float = BOLDNESS
    keep_colors: bool = False
    paused: bool = False
    fade: float = 0.0
    split: float = 0.0
    blackout: bool = False
    calm: float = 0.0
    beats: float = 0.0
    stroke_size: float = 1.0

    def __post_init__(self) -> None:
        for row in TABLE:
            if row.low is not None and not row.low <= getattr(self, row.name) <= row.high:
                raise ValueError(f"{row.name} is between {row.low:g} and {row.high:g}, not {getattr(self, row.name):g}")
        if any(not weight >= 0 for weight in self.mix.values()):
            raise ValueError("the weights of a mix are 0 or more")
        if self.mix and not sum(self.mix.values()) > 0:
            raise ValueError("a mix needs at least one weight above 0")
        object.__setattr__(self, "mix", MappingProxyType(dict(self.mix)))


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the table: a field of `Controls` and its name on every surface.

    keys        one that turns it on and off, or two: less and more, previous and next
    low, high   its range, and `step` how far a key moves it; None for what is no number
    """

    name: str
    keys: tuple[str, ...]
    help: str
    default: Any
    low: float | None = None
    high: float = 0.0
    step: float = 0.0

    @property
    def osc(self) -> str:
        """Its OSC address."""
        return f"/murai/{self.name}"


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do once: its key, and its name in JSON; `osc` is its address."""

    name: str
    key: str
    help: str

    @property
    def osc(self) -> str:
        """Its OSC address."""
        return f"/murai/{self.name}"


TABLE = (
    Control("mix", ("left", "right"), "previous and next style, through all packs; 1 to 9 the first nine", {}),
    Control("strength", ("down", "up"), "how much is painted", 1.0, 0.0, 1.0, 0.1),
    Control("boldness", ("y", "u"), "how boldly", BOLDNESS, 0.0, 1.0, 0.1),
    Control("keep_colors", ("c",), "keep the colours of the input", False),
    Control("paused", ("space",), "hold the picture", False),
    Control("fade", ("[", "]"), "seconds from one style to the next", 0.0, 0.0, 10.0, 0.5),
    Control("split", (",", "."), "how much stays unpainted, from the left", 0.0, 0.0, 1.0, 0.1),
    Control("blackout", ("b",), "show black", False),
    Control("calm", ("-", "="), "how much the noise of what stands still is held back", 0.0, 0.0, 1.0, 0.2),
    Control("beats", ("k", "l"), "beats to the next style, 0 for never", 0.0, 0.0, 32.0, 4.0),
    Control("stroke_size", ("n", "m"), "how large the strokes are", 1.0, 0.5, 4.0, 0.5),
)
"""Every control once: its JSON name is `name`, a field of `Controls`."""

ACTIONS = (
    Action("snapshot", "s", "keep this picture"),
    Action("record", "r", "begin or end a recording"),
    Action("tap", "t", "tap the beat"),
    Action("input", "i", "go to the next input"),
    Action("help", "h", "say what the keys do"),
)
"""Everything that is done once."""
