"""Plays a running show: keys, OSC, HTTP and MIDI all end here, so that all mean the same."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from murai.control.scenes import Scenes
from murai.controls import ACTIONS, TABLE, Action, Control, Controls
from murai.errors import ControlError, PackError, Say, silent
from murai.packs import parse_mix

ROWS = {row.name: row for row in TABLE}
HEAVIEST = 1e6
"""The largest weight of a style in a mix."""
STYLE_KEYS = tuple(str(number) for number in range(1, 10))
SCENE_KEYS = tuple(f"f{number}" for number in range(1, 10))


class Show(Protocol):
    """What is played, such as a `Pipeline`."""

    @property
    def controls(self) -> Controls:
        """The controls as they are now."""

    def update(self, **changes: Any) -> None:
        """Change controls by name."""


class Player:
    """Sets the controls of `show` by their names, and does the actions that `actions` has.

    `styles` are all of them, as PACK/NAME. `say` hears what a key did. Every method may be called from any thread, and
    raises ControlError, one sentence, for what cannot be done; nothing has changed then.
    """

    def __init__(
        self,
        show: Show,
        styles: Sequence[str],
        actions: Mapping[str, Callable[[], None]] | None = None,
        *,
        scenes: Scenes | None = None,
        say: Say = silent,
    ) -> None:
        self._show, self.styles, self._scenes, self._say = show, tuple(styles), scenes, say
        self._actions = {"help": self._help, **(actions or {})}

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done once, in the table's order."""
        return tuple(action for action in ACTIONS if action.name in self._actions)

    @property
    def state(self) -> dict[str, Any]:
        """Every control by its JSON name."""
        controls = self._show.controls
        values = {row.name: getattr(controls, row.name) for row in TABLE}
        return {**values, "mix": dict(controls.mix)}

    def set(self, name: str, value: Any) -> None:
        """Set the control `name`. A mix is a name or blend as `--style` takes it, or {name: weight}."""
        self.set_all({name: value})

    def set_all(self, values: Mapping[str, Any]) -> None:
        """Set several controls at one instant, or none."""
        typed = {name: self._typed(name, value) for name, value in values.items()}
        try:
            self._show.update(**typed)
        except ValueError as error:  # out of its range
            raise ControlError(f"{error}.") from error

    def do(self, name: str) -> None:
        """Do the action `name`."""
        if name not in self._actions:
            raise ControlError(f"there is nothing to do that is called '{name}'; there is {', '.join(self._actions)}.")
        self._actions[name]()

    @property
    def scenes(self) -> list[str]:
        """The names of all scenes."""
        return self._scenes.names if self._scenes else []

    def recall(self, scene: str) -> None:
        """Set every control as `scene` has it, in the time of its `fade`."""
        values = self._kept().load(scene)
        try:
            self.set_all(values)
        except ControlError as error:
            raise ControlError(f"the scene '{scene}' cannot be played, keep it again: {error}") from error
        self._say(f"scene {scene}")

    def keep(self, scene: str) -> None:
        """Keep the state of every control as `scene`."""
        self._kept().save(scene, self.state)
        self._say(f"kept the scene {scene}")

    def _kept(self) -> Scenes:
        if self._scenes is None:
            raise ControlError("this show keeps no scenes; start one with murai live.")
        return self._scenes

    def press(self, key: str) -> bool:
        """What `key` does; False where it does nothing."""
        for action in self.actions:
            if key == action.key:
                self.do(action.name)
                return True
        for row in TABLE:
            if key in row.keys:
                self._move(row, row.keys.index(key))
                return True
        for keys, names, act in ((STYLE_KEYS, self.styles, self._move_to), (SCENE_KEYS, self.scenes, self.recall)):
            if key in keys and keys.index(key) < len(names):
                act(names[keys.index(key)])
                return True
        return False

    def _move(self, row: Control, place: int) -> None:
        now = getattr(self._show.controls, row.name)
        forward = place == len(row.keys) - 1
        if row.name == "mix":
            self._step(1 if forward else -1)
        elif row.low is None:
            self.set(row.name, not now)
            self._say(f"{row.name} {'off' if now else 'on'}")
        else:
            value = round(min(row.high, max(row.low, now + (row.step if forward else -row.step))), 3)
            self.set(row.name, value)
            self._say(f"{row.name} {value:g}")

    def next_style(self) -> None:
        """Go to the next style, after the last to the first."""
        self._step(1)

    def _step(self, way: int) -> None:
        now = next(iter(self._show.controls.mix), "")
        at = self.styles.index(now) if now in self.styles else 0
        self._move_to(self.styles[(at + way) % len(self.styles)])

    def _move_to(self, style: str) -> None:
        self.set("mix", style)
        self._say(f"style {style}")

    def _help(self) -> None:
        for row in TABLE:
            self._say(f"{' '.join(row.keys):>10}  {row.help}")
        for action in self.actions:
            self._say(f"{action.key:>10}  {action.help}")
        self._say(f"{'f1 to f9':>10}  scenes: {', '.join(self.scenes[:9]) or 'none yet'}")

    def _typed(self, name: str, value: Any) -> Any:
        """`value` as the control `name` takes it; its range is for `Controls` to check."""
        row = ROWS.get(name)
        if row is None:
            raise ControlError(f"there is no control '{name}'; there are {', '.join(ROWS)}.")
        if name == "mix":
            return self._mix(value)
        if row.low is None:
            return _switch(row, value)
        return _number(name, value)

    def _mix(self, value: Any) -> dict[str, float]:
        """{PACK/NAME: weight} of what a user may write for it."""
        if isinstance(value, str):
            try:
                value = parse_mix(value)
            except PackError as error:
                raise ControlError(str(error)) from error
        if not isinstance(value, Mapping) or not value:
            raise ControlError("mix is the name of a style, NAME:W,NAME:W, or an object of names and weights.")
        mix: dict[str, float] = {}
        for name, weight in value.items():
            share = _number(f"the weight of {name}", weight)
            if not 0 <= share <= HEAVIEST:
                raise ControlError(f"the weight of {name} is 0 or more, up to {HEAVIEST:g}, not {share:g}.")
            mix[self._style(str(name), [str(other) for other in value])] = share
        if len({name.rpartition("/")[0] for name in mix}) > 1:
            raise ControlError(f"a blend stays inside one pack, not {', '.join(mix)}.")
        return mix

    def _style(self, name: str, names: Sequence[str]) -> str:
        """PACK/NAME; a bare name is looked for in the pack that paints now, then in one that has all of `names`."""
        now = next(iter(self._show.controls.mix), "").rpartition("/")[0]
        found = [style for style in self.styles if name in (style, style.rpartition("/")[2])]
        if not found:
            raise ControlError(f"there is no style '{name}'; there are {', '.join(self.styles)}.")
        packs = [style.rpartition("/")[0] for style in found]
        bare = [other.rpartition("/")[2] for other in names]
        whole = [pack for pack in packs if all(f"{pack}/{other}" in self.styles for other in bare)]
        best = now if now in whole else (whole or packs)[0]
        return found[packs.index(best)]


def _switch(row: Control, value: Any) -> bool:
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    raise ControlError(f"{row.name} is true or false, not {value!r:.40}.")


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ControlError(f"{name} is a number, not {value!r:.40}.")
    return number
