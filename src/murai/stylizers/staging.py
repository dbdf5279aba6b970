"""What happens around the painting: fades from one style to the next, before beside after, black."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

import numpy as np

from murai.controls import Controls
from murai.frame import Image
from murai.stylizers import compose


class Painter(Protocol):
    """A stylizer with styles PACK/NAME, such as a `Repertoire`."""

    def __call__(self, image: Image) -> Image:
        """The painting of `image`."""

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on."""

    def reset(self) -> None:
        """Forget the pictures before."""


class Staging:
    """Paints with `painter`, and applies the controls `fade`, `split` and `blackout`.

    Fades are counted in pictures at `rate` a second, so the same pictures and controls give the same paintings at any
    speed. With a `clock`, which gives seconds, they take their time however many pictures a live show drops. Inside a
    pack the way from one mix to the next is one through vectors. Between packs the last painting of the first dissolves
    into the paintings of the second, so that two networks never run for one picture.
    """

    def __init__(self, painter: Painter, rate: Fraction | float, clock: Callable[[], float] | None = None) -> None:
        self._painter, self._rate, self._clock = painter, float(rate), clock
        self._then = 0.0  # by the clock, when the fade came this far
        self._wanted = self._shown = Controls()
        self._before: Controls | None = None  # where a fade through vectors began
        self._behind: Image | None = None  # what dissolves into the paintings
        self._done = self._steps = 0.0  # of the fade, in pictures
        self._last: Image | None = None

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on, or begin to fade there. Raises UnknownStyle; all stays then."""
        former = self._wanted, self._before, self._behind, self._done, self._steps
        if (controls.mix, controls.strength) != (self._wanted.mix, self._wanted.strength):
            self._begin(controls)
        self._wanted = controls
        try:
            self._show()
        except BaseException:
            self._wanted, self._before, self._behind, self._done, self._steps = former
            raise

    def reset(self) -> None:
        """Forget the pictures before."""
        self._painter.reset()
        self._last = self._behind = None

    def __call__(self, image: Image) -> Image:
        """The painting of `image`, same shape."""
        if self._wanted.blackout:
            self._advance()
            return np.zeros_like(image)
        painted = self._painter(image)
        if self._behind is not None:
            painted = compose.mix(self._behind, painted, self._done / self._steps)
        self._last = painted
        self._advance()
        return _beside(image, painted, self._wanted.split)

    def _begin(self, controls: Controls) -> None:
        """Begin a fade from what is shown now to `controls`; of no length where nothing is shown or none is wanted."""
        steps = round(controls.fade * self._rate) if self._last is not None else 0
        inside = self._behind is None and _pack(controls.mix) == _pack(self._shown.mix)
        self._before = self._shown if steps and inside else None
        self._behind = self._last if steps and not inside else None
        self._done, self._steps = float(min(1, steps)), float(steps)
        self._then = self._clock() if self._clock else 0.0

    def _advance(self) -> None:
        """The next step of a fade, if there is one."""
        if self._done == self._steps:
            self._before = self._behind = None
            return
        self._done = min(self._steps, self._done + self._pictures())
        if self._before is not None:
            self._show()

    def _pictures(self) -> float:
        """How many pictures further the fade is than the last time this was asked."""
        if self._clock is None:
            return 1.0
        passed, self._then = self._clock() - self._then, self._clock()
        return passed * self._rate

    def _show(self) -> None:
        fading = self._before is not None and self._done < self._steps
        shown = _between(self._before, self._wanted, self._done / self._steps) if fading else self._wanted  # type: ignore[arg-type]
        self._painter.use(shown)
        self._shown = shown


def _pack(mix: Mapping[str, float]) -> str:
    """The pack of a mix of PACK/NAME."""
    return next(iter(mix), "").rpartition("/")[0]


def _between(first: Controls, second: Controls, share: float) -> Controls:
    """Controls on the way: `share` 0 is the first's mix and strength, 1 the second's; all else is the second's."""
    mix = {name: (1 - share) * weight for name, weight in _whole(first.mix).items()}
    for name, weight in _whole(second.mix).items():
        mix[name] = mix.get(name, 0.0) + share * weight
    strength = (1 - share) * first.strength + share * second.strength
    return replace(second, mix=mix, strength=min(1.0, max(0.0, strength)))


def _whole(mix: Mapping[str, float]) -> dict[str, float]:
    """The weights as shares of 1."""
    total = sum(mix.values())
    return {name: weight / total for name, weight in mix.items()}


def _beside(image: Image, painted: Image, split: float) -> Image:
    """`painted`, but `image` in the share `split` from the left."""
    columns = round(split * image.shape[1])
    if columns == 0:
        return painted
    return np.concatenate([image[:, :columns], painted[:, columns:]], axis=1)
