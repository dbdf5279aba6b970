"""The window of a show as its performer has it: keys, mouse, read-out, and the wall it is thrown on."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from numpy.typing import NDArray

from murai.controls import TABLE, Action
from murai.errors import MuraiError, Say, silent
from murai.frame import Image
from murai.kept import Kept
from murai.sinks.surface import View
from murai.stage.calibration import Calibration, view
from murai.stage.panel import Line, Panel
from murai.stage.projection import Projection, from_table

NOTED = 6.0
"""Seconds for which the read-out shows what was said."""
READ_EVERY = 0.5
"""Seconds between two looks at the figures of the read-out."""
SHOWN_STYLES = 12
"""Styles the help lists; the arrows reach all others."""


class Window(Protocol):
    """What the stage draws on, such as a `WindowSink`."""

    size_now: tuple[int, int]

    def look(self, view: View, card: Image | None = None) -> None:
        """Show pictures like `view`, or `card` in place of them."""

    def lay_over(self, overlay: "NDArray[Any] | None") -> None:
        """Draw `overlay` over the picture."""


class Playing(Protocol):
    """What the keys and the mouse play, such as a `Player`."""

    styles: tuple[str, ...]

    @property
    def state(self) -> Mapping[str, Any]:
        """Every control by its name."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done once."""

    def press(self, key: str) -> bool:
        """What `key` does."""

    def set(self, name: str, value: Any) -> None:
        """Set a control."""

    def do(self, name: str) -> None:
        """Do an action."""


def load_projection(kept: Kept, name: str) -> Projection:
    """The projection that is kept as `name`, a new one where there is none. Raises ControlError."""
    return from_table(kept.load(name)) if kept.path(name).is_file() else Projection()


class Stage:
    """Plays `player` by what happens in `window`; what is pressed and cannot be done is told to `say`.

        h   what the keys do, to be played with the mouse too
        o   the read-out: the lines that `figures` gives, and what was said last
        p   lay the picture on the wall, see `Calibration`; kept as `name` among `kept`

    All methods but `note` belong to the thread of the window.
    """

    def __init__(
        self,
        window: Window,
        player: Playing,
        figures: Callable[[], Sequence[str]],
        kept: Kept,
        name: str,
        say: Say = silent,
    ) -> None:
        self._window, self._player, self._figures, self._kept, self._say = window, player, figures, kept, say
        self._name = name
        self._projection = load_projection(kept, name)
        self._calibration: Calibration | None = None
        self._help = self._reads = False
        self._panel: Panel | None = None
        self._pressed = False
        self._next_look = 0.0
        self._note = ("", 0.0)
        window.look(view(self._projection))

    def key(self, key: str) -> None:
        """A key was pressed."""
        with _said(self._say):
            if self._calibration is not None:
                self._calibrate(key)
            elif key == "p":
                self._calibration = Calibration(self._projection, self._window.size_now, self._keep)
            elif key == "h":
                self._help = not self._help
            elif key == "o":
                self._reads = not self._reads
            else:
                self._player.press(key)
        self._renew()

    def mouse(self, kind: str, x: float, y: float) -> None:
        """The left button is at (x, y), in shares of the window."""
        with _said(self._say):
            if self._calibration is not None:
                self._calibration.mouse(kind, x, y)
                self._projection = self._calibration.projection
                return self._renew()
            self._pressed = kind != "release" and (self._pressed or kind == "press")
            if self._panel is not None and self._pressed:
                width, height = self._window.size_now
                if self._panel.press(x * width, y * height, moved=kind == "move"):
                    self._renew()

    def note(self, text: str) -> None:
        """Show `text` in the read-out for a while; a performer may look there alone. From any thread."""
        self._note = (text, time.monotonic() + NOTED)

    def tick(self) -> None:
        """Renew what is read, twice a second; to be called again and again."""
        if self._calibration is not None:
            if self._calibration.fit(self._window.size_now):
                self._renew()
        elif (self._reads or self._help) and time.monotonic() >= self._next_look:
            self._renew()

    def _calibrate(self, key: str) -> None:
        assert self._calibration is not None
        if key == "p":
            self._calibration = None
        else:
            self._calibration.press(key)
            self._projection = self._calibration.projection

    def _keep(self, projection: Projection) -> None:
        self._kept.save(self._name, projection.to_table())
        self._say(f"kept the projection {self._name}")

    def _renew(self) -> None:
        self._next_look = time.monotonic() + READ_EVERY
        calibration = self._calibration
        self._window.look(view(self._projection), calibration.card if calibration else None)
        lines = [*(map(Line, self._read_out()) if self._reads else ()), *(self._controls() if self._help else ())]
        self._panel = Panel(lines, self._window.size_now[1]) if lines and calibration is None else None
        overlay = calibration.overlay() if calibration else self._panel.draw() if self._panel else None
        self._window.lay_over(overlay)

    def _read_out(self) -> list[str]:
        text, until = self._note
        return [*self._figures(), *([text] if time.monotonic() < until else [])]

    def _controls(self) -> list[Line]:
        """Every control and action with its key, to be played by the mouse."""
        state, player = self._player.state, self._player
        lines = []
        for row in TABLE:
            keys, now = " ".join(row.keys), state[row.name]
            if row.name == "mix":
                lines += [*self._styles(dict(now)), Line(f"{keys}   previous and next style")]
            elif row.low is None:
                lines.append(Line(f"{keys}   {row.help}", float(now), _switch(player, row.name, bool(now))))
            else:
                share = (now - row.low) / (row.high - row.low)
                lines.append(Line(f"{keys}   {row.help}, {now:g}", share, _slide(player, row.name, row.low, row.high)))
        lines += [
            Line(f"{action.key}   {action.help}", None, _do(player, action.name))
            for action in player.actions
            if action.name != "help"
        ]
        others = {
            "f1 to f9": "scenes",
            "h": "this",
            "o": "the read-out",
            "p": "lay the picture on the wall",
            "f": "fill the screen",
            "q": "end",
        }
        return [*lines, *(Line(f"{key}   {what}") for key, what in others.items())]

    def _styles(self, mix: Mapping[str, float]) -> list[Line]:
        """The first styles, and the blend of the one that is painted with the one after it in its pack."""
        styles, total = self._player.styles, sum(mix.values()) or 1.0
        lines = []
        for number, style in enumerate(styles[:SHOWN_STYLES], 1):
            key = f"{number}   " if number <= 9 else ""
            lines.append(Line(f"{key}{style}", mix.get(style, 0.0) / total, _choose(self._player, style)))
        if (more := len(styles) - SHOWN_STYLES) > 0:
            lines.append(Line(f"and {more} more"))
        first, second = self._pair(mix)
        if first and second:
            share = mix.get(second, 0.0) / total
            lines.append(Line(f"blend {first} with {second}", share, _blend(self._player, first, second)))
        return lines

    def _pair(self, mix: Mapping[str, float]) -> tuple[str, str]:
        """The two styles of a blend: those of the mix, or the one and the next of its pack."""
        names = list(mix)
        first = names[0] if names else ""
        if len(names) > 1:
            return first, names[1]
        own = [style for style in self._player.styles if style.rpartition("/")[0] == first.rpartition("/")[0]]
        if first not in own or len(own) < 2:
            return "", ""
        return first, own[(own.index(first) + 1) % len(own)]


@contextmanager
def _said(say: Say) -> Iterator[None]:
    """What cannot be done is told, and the show goes on."""
    try:
        yield
    except MuraiError as error:
        say(str(error))


def _switch(player: Playing, name: str, now: bool) -> Callable[[float], None]:
    return lambda share: player.set(name, share >= 0.5)


def _slide(player: Playing, name: str, low: float, high: float) -> Callable[[float], None]:
    return lambda share: player.set(name, round(low + share * (high - low), 3))


def _do(player: Playing, name: str) -> Callable[[float], None]:
    return lambda share: player.do(name)


def _choose(player: Playing, style: str) -> Callable[[float], None]:
    return lambda share: player.set("mix", style)


def _blend(player: Playing, first: str, second: str) -> Callable[[float], None]:
    return lambda share: player.set("mix", {first: 1 - share, second: share})
