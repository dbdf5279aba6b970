"""Watching a run go wrong, and saying early what to change."""

import math
from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING

from torch import Tensor

from murai.errors import Say, TrainError
from murai.train.settings import Objective

if TYPE_CHECKING:  # the loop itself looks for broken numbers
    from murai.train.loop import Progress

SHORTEST, LONGEST = 20, 100
"""Steps over which the style loss is averaged, since single steps say little: a twentieth of the run between these."""
FALL = 0.9
"""The style loss is flat if a later average is above this share of the first one."""
UNLIKE: Mapping[Objective, float] = {"statistics": 5.0, "gram": 5.0}
"""Style loss, at a style weight of 1, below which a painting shows the style: a flat loss is then no worry."""
EDGE = 1 / 255
"""Closer than this to 0 or 1, a value counts as saturated."""


def refuse_broken(step: int, numbers: Mapping[str, float]) -> None:
    """Raise TrainError if one of a step's `numbers`, its terms or the size of its gradient, is not finite."""
    if broken := [name for name, value in numbers.items() if not math.isfinite(value)]:
        raise TrainError(
            f"step {step} gave no finite number for {', '.join(broken)}; the checkpoint is from before it. "
            "Start afresh with --overwrite and half the --learning-rate."
        )


class Watch:
    """Says, each once, what is wrong with a run of `steps` steps; `warnings` keeps what was said.

    A style loss up to `unlike` is low enough; `style` is the picture learned from, [3, H, W] in 0..1.
    """

    def __init__(self, steps: int, unlike: float, style: Tensor, say: Say, warnings: list[str] | None = None) -> None:
        self.warnings = [] if warnings is None else warnings
        self._say = say
        self._window = min(max(SHORTEST, steps // 20), LONGEST)
        self._flat_above = unlike
        self._first: list[float] = []  # the style loss in the first window
        self._fifth: list[float] = []
        self._saturated_above = (1 + _saturated(style)) / 2

    def step(self, progress: "Progress") -> None:
        """Look at one step's terms. A run taken up after its first steps is not judged by them."""
        window = (progress.step - 1) // self._window
        if window in (0, 4) and "style" in progress.terms:
            (self._fifth if window else self._first).append(progress.terms["style"])
        whole = len(self._first) == len(self._fifth) == self._window
        if whole and fmean(self._fifth) > max(FALL * fmean(self._first), self._flat_above):
            self._warn(
                f"the style loss has hardly fallen in {5 * self._window} steps; stop, and start afresh with a larger "
                "--style-weight, a smaller --learning-rate or another --crop."
            )

    def paintings(self, painted: Tensor) -> None:
        """Look at paintings [N, 3, H, W] in 0..1.

        The style picture may itself have much black or white: so may what is painted like it.
        """
        if any(_saturated(painting) > self._saturated_above for painting in painted):
            self._warn(
                "most of a painting is pure black, white or one glaring colour; stop, and start afresh with half "
                "the --learning-rate or a smaller --style-weight."
            )

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)
            self._say(message)


def _saturated(x: Tensor) -> float:
    """The share of values of `x` that are 0 or 1."""
    return float(((x < EDGE) | (x > 1 - EDGE)).float().mean())
