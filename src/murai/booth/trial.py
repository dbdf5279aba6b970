"""How quick a booth is: it is walked through visits, and the mirror and the pictures are timed."""

import os
import time
from collections import deque
from typing import Any, Protocol

import numpy as np

from murai.booth.booth import Booth
from murai.errors import BoothError

PATIENCE = 60.0
"""Seconds after which a picture that is still being painted again is not waited for."""
CALM = 2.0
"""Seconds between two presses, as of a visitor in a hurry, who has read the question about consent all the same."""
WARM_UP = 15.0
"""Seconds of the mirror alone, in which it finds its work size, before the first visitor."""


class Presenting(Protocol):
    """A window that counts what it swapped onto the screen."""

    presented: int


class Trial:
    """Plays `visits` of single pictures at `booth`: to be asked again and again whether it is over, as its `run` does.

    Each time is from one asking to another, so it is late by one drawing of the window at most.
    """

    def __init__(self, booth: Booth, window: Presenting, visits: int) -> None:
        self._booth, self._window, self._left = booth, window, visits
        self._state, self._pressed = "", time.monotonic() + WARM_UP
        self._zero = self._taken = self._repainted = 0.0
        self._presented = -1
        self._painted: deque[tuple[float, int]] = deque()
        self.shown: list[float] = []
        self.full: list[float] = []
        self.rates: list[float] = []
        """Of the mirror in each second from zero until the full quality is there."""

    def __call__(self) -> bool:
        """Whether all visits are over; presses what is next."""
        now, state = time.monotonic(), self._booth.now.state
        if state != self._state:
            self._changed(state, now)
        self._look(now)
        if now - self._pressed > CALM:
            self._press(state, now)
        return self._left == 0 and state == "idle"

    @property
    def figures(self) -> dict[str, Any]:
        """Seconds from the countdown's zero to the painting on the screen, and to its full quality; painted pictures of
        the mirror between the two, in the slowest second and on average. Raises BoothError for no visit."""
        if not self.shown or not self.rates:
            raise BoothError("the booth was ended before a visit was over; leave it open.")
        return {
            "visits": len(self.shown),
            "shown_seconds_median": float(np.median(self.shown)),
            "shown_seconds_most": max(self.shown),
            "full_seconds_median": float(np.median(self.full)) if self.full else None,
            "mirror_fps_least": min(self.rates),
            "mirror_fps_mean": float(np.mean(self.rates)),
            "cores": os.cpu_count(),
        }

    def _changed(self, state: str, now: float) -> None:
        if state == "taking":
            self._zero = now
        elif state == "review":
            self._presented = self._window.presented
        elif state == "idle" and self._state == "done":
            self._left -= 1
        self._state, self._pressed = state, max(self._pressed, now)

    def _look(self, now: float) -> None:
        """See what happened since it was asked last."""
        if self._presented >= 0 and self._window.presented > self._presented:
            self.shown.append(now - self._zero)
            self._presented, self._repainted = -1, self._zero
        if self._repainted and not self._booth.desk.repainting:
            self.full.append(now - self._repainted)
            self._repainted = 0.0
        self._painted.append((now, self._booth.pipeline.stats.painted))
        while now - self._painted[0][0] > 1:
            then, painted = self._painted.popleft()
            if self._zero and (self._state == "taking" or self._repainted):
                self.rates.append((self._painted[-1][1] - painted) / (now - then))

    def _press(self, state: str, now: float) -> None:
        waits = state == "done" and self._repainted and now - self._repainted < PATIENCE
        event = {"done": "cancel", "consent": "no"}.get(state, "button")
        if state not in ("countdown", "taking") and not waits and self._left:
            self._booth.hear(event)
            self._pressed = now


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    f = figures
    full = "–" if f["full_seconds_median"] is None else f"{f['full_seconds_median']:.2f} s"
    shown = f"{f['shown_seconds_median']:.2f} s, at most {f['shown_seconds_most']:.2f} s"
    return "\n".join(
        [
            "| size | visits | zero to the painting | to its full quality | mirror until then, slowest second, mean |",
            "|---|---|---|---|---|",
            f"| {f['size']} | {f['visits']} | {shown} | {full} "
            f"| {f['mirror_fps_least']:.1f} / {f['mirror_fps_mean']:.1f} a second |",
        ]
    )
