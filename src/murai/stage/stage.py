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
from murai.stage.panel import Line, Overlay, Panel
from murai.stage.projection import Projection, from_table

NOTED = 6.0
"""Seconds for which the read-out shows what was said."""
READ_EVERY = 0.5
"""Seconds between two looks at the figures of the read-out."""
SHOWN_STYLES = 10
"""Styles the help lists; the arrows reach all others."""
OWN = {"h": "this, its next page", "o": "the read-out", "p": "lay the picture on the wall"}
"""Keys of the stage itself."""


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

    @property
    def scenes(self) -> list[str]:
        """The names of all scenes."""

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

        h   what the keys do, to be played with the mouse too; once more for each further page, then none
        o   the read-out: the lines that `figures` gives, and what was said last
        p   lay the picture on the wall, see `Calibration`; kept as `name` among `kept`

    Where it is `locked`, no key ends the show or leaves the whole screen. All methods but `note` belong to the thread
    of the window.
    """

    def __init__(
        self,
        window: Window,
        player: Playing,
        figures: Callable[[], Sequence[str]],
        kept: Kept,
        name: str,
        say: Say = silent,
        *,
        locked: bool = False,
    ) -> None:
        self._window, self._player, self._figures, self._kept, self._say = window, player, figures, kept, say
        self._name, self._locked = name, locked
        self._projection = self._kept_as = load_projection(kept, name)
        self._calibration: Calibration | None = None
        self._page: int | None = None  # of the help
        self._reads = False
        self._panel: Panel | None = None
        self._sliding = False  # a bar is held by the mouse
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
                self._turn_page()
            elif key == "o":
                self._reads = not self._reads
            else:
                self._player.press(key)
        self._renew()

    def mouse(self, kind: str, x: float, y: float) -> None:
        """The left button is at (x, y), in shares of the window."""
        with _said(self._say):
            if self._calibration is not None:
                self._sliding = False
                self._calibration.mouse(kind, x, y)
                self._projection = self._calibration.projection
                return self._renew()
            moved = kind == "move"
            if self._panel is not None and (kind == "press" or (moved and self._sliding)):
                width, height = self._window.size_now
                played = self._panel.press(x * width, y * height, moved=moved)
                self._sliding = moved or (played is not None and played.slides)
                if played is not None:
                    self._renew()
            elif not moved:
                self._sliding = False

    def note(self, text: str) -> None:
        """Show `text` in the read-out for a while; a performer may look there alone. From any thread."""
        self._note = (text, time.monotonic() + NOTED)

    def tick(self) -> None:
        """Renew what is read, twice a second; to be called again and again."""
        calibration = self._calibration
        resized = calibration is not None and calibration.fit(self._window.size_now)
        open_ = calibration is not None or self._reads or self._page is not None
        if resized or (open_ and time.monotonic() >= self._next_look):
            self._renew()

    def close(self) -> None:
        """The show is over: a projection that was changed and not kept is kept beside, so that no work is lost."""
        if self._projection != self._kept_as:
            name = f"{self._name[:50]}_unkept"
            with _said(self._say):
                self._kept.save(name, self._projection.to_table())
                self._say(f"the projection {self._name} was changed and not kept: it is there as --projection {name}.")

    def _turn_page(self) -> None:
        """The first page of the help, the next, and after the last none."""
        following = 0 if self._page is None else self._page + 1
        self._page = following if following == 0 or (self._panel and following < self._panel.pages) else None

    def _calibrate(self, key: str) -> None:
        assert self._calibration is not None
        if key == "p":
            self._calibration = None
            if self._projection != self._kept_as:
                self._say(f"the projection {self._name} is not kept: p and enter keep it.")
        else:
            self._calibration.press(key)
            self._projection = self._calibration.projection

    def _keep(self, projection: Projection) -> None:
        self._kept.save(self._name, projection.to_table())
        self._kept_as = projection
        self._say(f"kept the projection {self._name}")

    def _renew(self) -> None:
        self._next_look = time.monotonic() + READ_EVERY
        calibration = self._calibration
        self._window.look(view(self._projection), calibration.card if calibration else None)
        self._panel = None if calibration else self._laid_out()
        overlay = calibration.overlay(self._noted()) if calibration else self._drawn(self._panel)
        self._window.lay_over(overlay)

    def _laid_out(self) -> Panel | None:
        """The read-out and the help, where they are open, with room above them for what was said last."""
        if self._page is None and not self._reads:
            return None
        width, height = self._window.size_now
        lines = [*map(Line, self._figures() if self._reads else ())]
        lines += self._controls() if self._page is not None else ()
        return Panel(lines, height, width, page=self._page or 0, titled=True)

    def _drawn(self, panel: Panel | None) -> Overlay | None:
        if panel is None:
            return None
        paged = self._page is not None and panel.pages > 1
        hint = f"page {panel.page + 1} of {panel.pages}: h turns it" if paged else ""
        return panel.draw(self._noted() or hint)

    def _noted(self) -> str:
        text, until = self._note
        return text if time.monotonic() < until else ""

    def _controls(self) -> list[Line]:
        """Every control and action with its key, to be played by the mouse."""
        state, player = self._player.state, self._player
        lines = []
        for row in TABLE:
            keys, now = " ".join(row.keys), state[row.name]
            if row.name == "mix":
                lines += [
                    *self._styles(dict(now)),
                    Line(f"{keys}   previous and next style", None, self._pressing("right")),
                ]
            elif row.low is None:
                lines.append(Line(f"{keys}   {row.help}", float(now), _switch(player, row.name, bool(now))))
            else:
                share, slide = (now - row.low) / (row.high - row.low), _slide(player, row.name, row.low, row.high)
                lines.append(Line(f"{keys}   {row.help}, {now:g}", share, slide, slides=True))
        lines += [
            Line(f"{action.key}   {action.help}", None, _do(player, action.name))
            for action in player.actions
            if action.name != "help"
        ]
        lines += [Line(f"f1 to f9   scenes: {', '.join(player.scenes[:9]) or 'none yet'}")]
        lines += [Line(f"{key}   {what}", None, self._pressing(key)) for key, what in OWN.items()]
        return [*lines, *(() if self._locked else map(Line, ("f   fill the screen", "q   end")))]

    def _pressing(self, key: str) -> Callable[[float], None]:
        """What a key does, for the mouse."""
        return lambda share: self.key(key)

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
            text = f"blend with {second.rpartition('/')[2]}"
            lines.append(Line(text, share, _blend(self._player, first, second), slides=True))
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
    return lambda share: player.set(name, not now)


def _slide(player: Playing, name: str, low: float, high: float) -> Callable[[float], None]:
    return lambda share: player.set(name, round(low + share * (high - low), 3))


def _do(player: Playing, name: str) -> Callable[[float], None]:
    return lambda share: player.do(name)


def _choose(player: Playing, style: str) -> Callable[[float], None]:
    return lambda share: player.set("mix", style)


def _blend(player: Playing, first: str, second: str) -> Callable[[float], None]:
    return lambda share: player.set("mix", {first: 1 - share, second: share})
