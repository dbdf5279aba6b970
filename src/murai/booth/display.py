"""The window of the booth: draws what changed, and says what is touched."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from numpy.typing import NDArray

from murai.booth.gallery import CLIP_RATE
from murai.booth.qr import QUIET, qr_picture
from murai.booth.screen import Drawn, Scene, Screen, placed
from murai.booth.shots import Kept
from murai.booth.visit import Moment
from murai.frame import Image
from murai.parts import Sink
from murai.sinks.surface import STRAIGHT, View


class Window(Sink, Protocol):
    """What the booth is seen in, such as a `WindowSink`."""

    size_now: tuple[int, int]

    def look(self, view: View, card: Image | None = None) -> None:
        """Show pictures like `view`, or `card` in place of them."""

    def lay_over(self, overlay: "NDArray[Any] | None") -> None:
        """Draw `overlay` over the picture."""

    def show(
        self,
        on_key: Callable[[str], object],
        until: Callable[[], bool],
        on_mouse: Callable[[str, float, float], object],
    ) -> None:
        """Draw and listen until the end."""


class Display:
    """Shows a visit in `window` as `screen` draws it. Belongs to the thread of the window."""

    def __init__(self, window: Window, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._screen, self._clock = window, screen, clock
        self._drawn: Drawn | None = None
        self._shown: object = None
        self._looked: object = None

    def show(self, moment: Moment, scene: Scene, code: str, kept: Kept | None) -> None:
        """Draw what is not there yet: the screen, a QR of `code`, the picture that is `kept`."""
        size = self._window.size_now
        if not all(size):
            return
        seen = replace(moment, until=0.0), scene, code, size
        if seen != self._shown:
            self._drawn = self._screen.draw(moment, replace(scene, code=_dots(code)), size)
            self._window.lay_over(self._drawn.overlay)
            self._shown = seen
        self._look(kept, size)

    def touched(self, x: float, y: float) -> tuple[str, str, int] | None:
        """Event, value and serial of what is there, in shares of the window; None where nothing is."""
        width, height = self._window.size_now
        target = self._drawn.touched(x * width, y * height) if self._drawn else None
        return (target.event, target.value, self._drawn.serial) if target and self._drawn else None

    def _look(self, kept: Kept | None, size: tuple[int, int]) -> None:
        box = self._drawn.picture if self._drawn else None
        card = self._due(kept) if kept is not None and box is not None else None
        looked = box, id(card), size
        if looked != self._looked:
            self._looked = looked
            view = placed(box, (card.shape[1], card.shape[0]), size) if card is not None and box else STRAIGHT
            self._window.look(view, card)

    def _due(self, kept: Kept) -> Image:
        """The picture; of a boomerang the one that is due now."""
        clip = kept.clip
        return clip[int(self._clock() * CLIP_RATE) % len(clip)] if clip else kept.image


def _dots(text: str) -> "NDArray[Any] | None":
    """A QR, a pixel a dot, without its margin."""
    return qr_picture(text, 0)[QUIET:-QUIET, QUIET:-QUIET, 0] if text else None
