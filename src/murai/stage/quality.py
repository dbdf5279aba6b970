"""The work size that keeps up: smaller where painting takes too long, larger again where there is time."""

import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Protocol

from murai.controls import Controls
from murai.errors import Say, silent
from murai.frame import Image
from murai.parts import Stylizer
from murai.stylizers import compose

SHARES = (1.0, 2 / 3, 1 / 2, 1 / 3, 1 / 4)
"""Of the usual width and height, the sizes to paint at. Nearer to 1 more is lost by resizing than is won."""
SETTLING = 3
"""Pictures after a change that do not count: the network is made ready for its new size then."""
WINDOW = 12
"""Pictures whose median time is looked at."""
FULL, FITS, ROOM = 0.92, 0.85, 0.75
"""Share of the time a picture has beyond which painting is too slow, below which a smaller size should be, and below
which a larger one has to be, so that it does not go back and forth."""
PATIENCE, LONGEST = 3.0, 60.0
"""Seconds of room before a larger size is tried; after each that was too large, twice as many, up to LONGEST."""


class Pace:
    """Which of SHARES to paint with, from how long each picture took; `seconds` is what a picture may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.level = 0
        self._times: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._settling = SETTLING
        self._room = 0.0
        self._patience = PATIENCE
        self._rose = False
        self._rest_of_whole = 0.0  # what whole pictures take beside the network

    @property
    def share(self) -> float:
        """Of width and height."""
        return SHARES[self.level]

    def add(self, spent: float, network: float) -> bool:
        """A picture took `spent` seconds, `network` of them in the network: whether the share changes."""
        if self._settling > 0:
            self._settling -= 1
            return False
        self._times.append((spent, network))
        if len(self._times) < WINDOW:
            return False
        smaller = range(self.level + 1, len(SHARES))
        if smaller and median(spent for spent, _ in self._times) > FULL * self._seconds:
            if self._rose:
                self._patience = min(LONGEST, 2 * self._patience)
            return self._go(
                next((level for level in smaller if self._takes(level) < FITS * self._seconds), smaller[-1])
            )
        sizes = reversed(range(self.level))
        larger = next((level for level in sizes if self._takes(level) < ROOM * self._seconds), None)
        self._room = 0.0 if larger is None else self._room + max(spent, self._seconds)
        return larger is not None and self._room > self._patience and self._go(larger)

    def _takes(self, level: int) -> float:
        """What a picture should take there, in seconds: the network's time goes by area, the rest is as long.

        At 1 the rest is as long as it was there. It is to shrink pictures and to lay over them what was found, as long
        as the network's own time in a fast one, and what each needs besides, such as to look for a mask.
        """
        network = median(network for _, network in self._times)
        rest = self._rest if level else min(self._rest, self._rest_of_whole)
        return network * (SHARES[level] / self.share) ** 2 + rest

    @property
    def _rest(self) -> float:
        return median(spent - network for spent, network in self._times)

    def _go(self, level: int) -> bool:
        if self.level == 0:
            self._rest_of_whole = self._rest
        self._rose = level < self.level
        self.level, self._room, self._settling = level, 0.0, SETTLING
        self._times.clear()
        return True


class Resizable(Stylizer, Protocol):
    """A stylizer whose work size can change, such as a `Repertoire`."""

    size: tuple[int, int] | None

    @property
    def network_seconds(self) -> float:
        """What the network alone took for the last picture."""


class KeepingUp:
    """Paints with `painter` at the largest work size with which it paints `rate` pictures a second.

    `say` hears of each size. The same pictures may be painted at other sizes on another day: it is for live shows.
    """

    def __init__(
        self, painter: Resizable, rate: float, say: Say = silent, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._painter, self._say, self._clock = painter, say, clock
        self._pace = Pace(1 / rate)
        self._shape: tuple[int, ...] = ()

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on. Raises UnknownStyle."""
        self._painter.use(controls)

    def reset(self) -> None:
        """Forget the pictures before."""
        self._painter.reset()

    def __call__(self, image: Image) -> Image:
        """The painting of `image`, same shape."""
        start = self._clock()
        if image.shape != self._shape and self._pace.share < 1:
            self._fit(image)
        painted: Image = self._painter(image)
        network = self._painter.network_seconds  # 0 where nothing was painted, which says nothing of the machine
        spent = max(self._clock() - start, network)  # a card may still be at it
        if network and self._pace.add(spent, network):
            width, height = self._fit(image)
            self._say(f"painting at {width}x{height}, to keep up.")
        return painted

    def _fit(self, image: Image) -> tuple[int, int]:
        """Let the painter work at the share of the usual size for pictures like `image`: that size."""
        self._shape = image.shape
        whole = compose.fit(image.shape[1], image.shape[0], None)
        width, height = (round(self._pace.share * side) for side in whole)
        self._painter.size = None if self._pace.share == 1 else (width, height)
        return width, height
