"""Several inputs of one show, of which one is seen."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from murai.errors import MuraiError, Say, SourceError, silent
from murai.parts import Source


class Switching(Protocol):
    """A show whose source can change, such as a `Pipeline`."""

    def switch(self, source: Source) -> None:
        """Read `source` from now on, and close the one before."""


class Inputs:
    """Takes `show` from one of `names` to the next; the first is seen already. `open_input` opens one by its name.

    An input is opened when it is its turn and closed when it is not, so that each camera serves once. That happens in
    the background while the former goes on, and stays where the next does not open: `say` is told. Methods may be
    called from any thread.
    """

    def __init__(
        self, show: Switching, names: Sequence[str], open_input: Callable[[str], Source], say: Say = silent
    ) -> None:
        self._show, self._names, self._open_input, self._say = show, tuple(names), open_input, say
        self._lock = threading.Lock()
        self._seen = self._turn = 0  # the one that is seen, and the one that was opened last or did not open
        self._opening = False

    def next(self) -> None:
        """Go to the next input, past one that did not open. Raises SourceError while one is still being opened."""
        with self._lock:
            if self._opening:
                raise SourceError("the next input is still being opened; wait a moment.")
            self._opening = True
            others = [place for place in range(len(self._names)) if place != self._seen] or [self._seen]
            self._turn = next((place for place in others if place > self._turn), others[0])
        threading.Thread(target=self._go, args=(self._turn,), name="murai input", daemon=True).start()

    def _go(self, place: int) -> None:
        try:
            self._switch(self._names[place])
            self._seen = place
        except MuraiError as error:
            self._say(f"the input stays as it was: {error}")
        finally:
            self._opening = False

    def _switch(self, name: str) -> None:
        source = self._open_input(name)
        try:
            self._show.switch(source)
        except RuntimeError:  # the show is over
            source.close()
            return
        except MuraiError:
            source.close()
            raise
        self._say(f"input {name}")
