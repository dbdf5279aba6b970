"""The booth as its host has it: how it is, and what waits for a yes."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from murai.booth.desk import Desk as Pictures
from murai.booth.hosting import Channel, Desk, Trouble
from murai.booth.ledger import COUNTED, Ledger, ranked
from murai.booth.printing import Printer
from murai.errors import MuraiError
from murai.publish import Outbox

REMEMBERED = 50
"""Sentences of the booth that the host can read."""
ASKED_EVERY = 3.0
"""Seconds between two looks at the printer."""


class Sayings:
    """Remembers what was said last. Any thread may say something."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._said: deque[tuple[float, str]] = deque(maxlen=REMEMBERED)

    def __call__(self, text: str) -> None:
        """Remember a sentence."""
        self._said.appendleft((self._clock(), text))

    @property
    def newest_first(self) -> list[tuple[float, str]]:
        """All that is remembered, with its time."""
        return list(self._said)


class Host:
    """What the host asks of a booth. `visit` says what goes on before it, `services` are the names of those it uses."""

    def __init__(
        self,
        pictures: Pictures,
        outbox: Outbox,
        ledger: Ledger,
        services: Sequence[str],
        printer: Printer | None,
        visit: Callable[[], str],
        sayings: Sayings,
    ) -> None:
        self._pictures, self._outbox, self._ledger = pictures, outbox, ledger
        self._services, self._printer, self._visit, self._sayings = services, printer, visit, sayings
        self._how = ("" if printer is None else printer.name), False
        self._asked, self._asking = -math.inf, threading.Thread()

    def desk(self) -> Desk:
        """How it is now."""
        printer, trouble = self._printing()
        channels = self._channels()
        counts = self._ledger.counts()
        figures = {what: counts.get(what, 0) for what in COUNTED}
        styles, kinds = (ranked(counts, group) for group in ("style", "kind"))
        said = self._sayings.newest_first
        return Desk(self._visit(), figures, styles, kinds, channels, printer, trouble, said)

    def approve(self, key: str) -> None:
        """A picture that is held may be shown and published."""
        self._pictures.approve(key)

    def refuse(self, key: str) -> None:
        """A picture is neither shown nor published."""
        self._pictures.refuse(key)

    def delete(self, key: str) -> None:
        """A picture is removed, here and from what is still to be published."""
        self._pictures.delete(key)

    def retry(self, service: str) -> None:
        """Try again now what failed there."""
        self._outbox.retry(service)

    def pause(self, service: str) -> None:
        """Send nothing there."""
        self._outbox.pause(service)

    def resume(self, service: str) -> None:
        """Go on sending there."""
        self._outbox.resume(service)

    def settle(self, service: str, key: str, there: bool) -> None:
        """The host looked whether a picture is there; where it is not it is sent again."""
        self._outbox.settle(key, service, there=there)

    def _channels(self) -> list[Channel]:
        """How each service is; the outbox is asked once for all."""
        counts, paused = self._outbox.counts(), self._outbox.reasons
        troubled = [*self._outbox.rows("failed"), *self._outbox.rows("unsure")]

        def troubles(name: str) -> list[Trouble]:
            mine = (row for row in troubled if row.service == name)
            return [Trouble(row.key, row.state, row.error, unsure=row.state == "unsure") for row in mine]

        return [
            Channel(name, paused=paused.get(name, ""), counts=counts.get(name, {}), troubles=troubles(name))
            for name in self._services
        ]

    def _printing(self) -> tuple[str, bool]:
        """How the printer was when it was asked last, and whether it needs somebody. The answer may take a while: it
        is here the next time."""
        now = time.monotonic()
        if self._printer is not None and now - self._asked > ASKED_EVERY and not self._asking.is_alive():
            self._asked = now
            self._asking = threading.Thread(target=self._ask, args=(self._printer,), name="murai printer", daemon=True)
            self._asking.start()
        return self._how

    def _ask(self, printer: Printer) -> None:
        try:
            state = printer.state()
        except MuraiError as error:
            self._how = str(error), True
            return
        self._how = f"{printer.name}: {state.words}", not state.ready
