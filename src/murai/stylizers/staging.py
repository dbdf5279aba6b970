"""What happens around the painting: fades from one style to the next, before beside after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from murai.controls import Controls
from murai.frame import Image
from murai.parts import Stylizer
from murai.stylizers import compose


@dataclass(frozen=True, slots=True)
class _Fade:
    """A fade, in pictures: `done` of `steps`, from the controls `before` or out of the picture `behind`."""

    before: Controls | None = None
    behind: Image | None = None
    steps: float = 0.0
    done: float = 0.0

    @property
    def over(self) -> bool:
        return self.done >= self.steps

    @property
    def share(self) -> float:
        """How far it is: 0 to 1."""
        return self.done / self.steps


class Staging:
    """Paints with `painter`, and applies the controls `fade` and `split`.

    The painter's styles are PACK/NAME, as those of a `Repertoire`.

    Fades are counted in pictures at `rate` a second, so the same pictures and controls give the same paintings at any
    speed. With a `clock`, which gives seconds, they take their time however many pictures a live show drops. Inside a
    pack the way from one mix to the next is one through vectors. Between packs the last painting of the first dissolves
    into the paintings of the second, so that two networks never run for one picture.
    """

    def __init__(self, painter: Stylizer, rate: Fraction | float, clock: Callable[[], float] | None = None) -> None:
        self._painter, self._rate, self._clock = painter, float(rate), clock
        self._then = 0.0  # by the clock, when the fade came this far
        self._wanted = self._shown = Controls()
        self._fade = _Fade()
        self._last: Image | None = None

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on, or begin to fade there. Raises UnknownStyle; all stays then."""
        former = self._wanted, self._fade
        if _look(controls) != _look(self._wanted):
            self._fade = self._begun(controls)
        self._wanted = controls
        try:
            self._show()
        except BaseException:
            self._wanted, self._fade = former
            raise

    def reset(self) -> None:
        """Forget the pictures before."""
        self._painter.reset()
        self._last, self._fade = None, replace(self._fade, behind=None)

    def __call__(self, image: Image) -> Image:
        """The painting of `image`, same shape."""
        painted: Image = self._painter(image)
        there = _arithmetic(painted)
        if type(self._fade.behind) is type(painted):  # else there is none, or a source left the card
            painted = there.mix(self._fade.behind, painted, self._fade.share)
        self._last = painted
        self._advance()
        beside: Image = there.beside(image, painted, self._wanted.split)
        return beside

    def _begun(self, controls: Controls) -> _Fade:
        """The fade from what is shown now to `controls`; of no length where nothing is shown or none is wanted."""
        self._then = self._clock() if self._clock else 0.0
        steps = round(controls.fade * self._rate) if self._last is not None else 0
        if steps == 0:
            return _Fade()
        inside = self._fade.behind is None and _pack(controls.mix) == _pack(self._shown.mix)
        return _Fade(self._shown if inside else None, None if inside else self._last, steps, 1)

    def _advance(self) -> None:
        """The next step of a fade, if there is one."""
        if self._fade.over:
            self._fade = _Fade()
            return
        self._fade = replace(self._fade, done=min(self._fade.steps, self._fade.done + self._pictures()))
        if self._fade.before is not None:
            self._show()

    def _pictures(self) -> float:
        """How many pictures further the fade is than the last time this was asked."""
        if self._clock is None:
            return 1.0
        then, self._then = self._then, self._clock()
        return (self._then - then) * self._rate

    def _show(self) -> None:
        shown, fade = self._wanted, self._fade
        if fade.before is not None and not fade.over:
            shown = _between(fade.before, shown, fade.share)
        self._painter.use(shown)
        self._shown = shown


def _pack(mix: Mapping[str, float]) -> str:
    """The pack of a mix of PACK/NAME."""
    return next(iter(mix), "").rpartition("/")[0]


def _look(controls: Controls) -> tuple[object, ...]:
    """What is faded."""
    return controls.mix, controls.strength, controls.boldness


def _between(first: Controls, second: Controls, share: float) -> Controls:
    """Controls on the way: `share` 0 is the first's look, see `_look`, 1 the second's; all else is the second's."""
    mix = {name: (1 - share) * weight for name, weight in _whole(first.mix).items()}
    for name, weight in _whole(second.mix).items():
        mix[name] = mix.get(name, 0.0) + share * weight
    strength, boldness = (
        min(1.0, max(0.0, (1 - share) * one + share * other))
        for one, other in ((first.strength, second.strength), (first.boldness, second.boldness))
    )
    return replace(second, mix=mix, strength=strength, boldness=boldness)


def _whole(mix: Mapping[str, float]) -> dict[str, float]:
    """The weights as shares of 1. Divided by the largest first, so that even enormous ones have a finite sum."""
    largest = max(mix.values(), default=1.0)
    total = sum(weight / largest for weight in mix.values())
    return {name: weight / largest / total for name, weight in mix.items()}


def _arithmetic(image: Any) -> Any:
    """What mixes pictures where `image` is: on the host or on a card."""
    if isinstance(image, np.ndarray):
        return compose
    from murai.stylizers import tensors

    return tensors
