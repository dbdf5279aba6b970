"""Sends what is due, one thread for each service, for as long as it takes."""

import random
import threading
import time
from collections.abc import Sequence

from murai.errors import MuraiError, Say, silent
from murai.publish.fitting import prepare
from murai.publish.outbox import Outbox, Row
from murai.publish.post import LoggedOut, Refused, Service, TryLater, Unsure

LOOK_EVERY = 1.0
"""Seconds between two looks at what other processes did to the outbox."""
FIRST, MOST = 2.0, 300.0
"""Seconds of the first wait after a failure, and of the longest; each is twice the one before."""
LONGEST_ASKED = 3600.0
"""Seconds after which a service is asked again, however long it wanted to be left alone."""
REFUSALS = 3
"""Times that a service refuses a post before it is given up."""


class Publisher:
    """Sends the rows of `outbox` that are due to `services`, from construction to `close`. Any thread may add rows.

    A service that cannot take anything now is left alone for a while, longer each time, or as long as it asks. That
    goes on for days, by a clock that nobody sets. One that wants a login is paused. `say` hears of each trouble once,
    and of its end. `first`: seconds of the first wait.

    Raises DeliveryError where another Publisher sends from the same outbox.
    """

    def __init__(self, outbox: Outbox, services: Sequence[Service], say: Say = silent, *, first: float = FIRST) -> None:
        self._outbox, self._say, self._first = outbox, say, first
        self._closing = threading.Event()
        self._release = outbox.claim()
        self._threads = [
            threading.Thread(target=self._serve, args=(service,), name=f"murai {service.name}", daemon=True)
            for service in services
        ]
        for service in services:
            if reason := outbox.reasons.get(service.name):
                say(f"{service.name} is paused: {reason}")
        for thread in self._threads:
            thread.start()

    def close(self, patience: float = 10.0) -> None:
        """Send no more. What is on its way may end within `patience` seconds; else the next Publisher sees to it."""
        self._closing.set()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._release()

    def _serve(self, service: Service) -> None:
        line = _Line(service, self._outbox, self._say, self._first)
        nudges = 0
        while not self._closing.is_set():
            try:
                nudges = self._outbox.nudges(service.name)
                wait = line.step()
            except MuraiError as error:  # the disk, not the service
                line.complain(str(error))
                wait = LOOK_EVERY
            if wait is None:
                self._outbox.wait(min(LOOK_EVERY, self._first))
            else:
                self._rest(service.name, time.monotonic() + wait, nudges)

    def _rest(self, name: str, end: float, nudges: int) -> None:
        """Wait until `end`, or until somebody wants the service to be tried now."""
        while not self._closing.is_set() and (left := end - time.monotonic()) > 0:
            self._outbox.wait(min(left, LOOK_EVERY))
            try:
                if self._outbox.nudges(name) != nudges:
                    return
            except MuraiError:
                pass


class _Line:
    """One service, and what is to be remembered of its troubles."""

    def __init__(self, service: Service, outbox: Outbox, say: Say, first: float) -> None:
        self._service, self._outbox, self._say, self._first = service, outbox, say, first
        self._failures, self._said = 0, ""

    def step(self) -> float | None:
        """Send the row that is due; returns for how many seconds the service is left alone, None where none is due."""
        row = self._outbox.take(self._service.name)
        if row is None:
            return None
        name = self._service.name
        try:
            url = self._service.send(prepare(row.post, self._service.limits), self._outbox.notes(row))
        except TryLater as error:
            return self._later(row, str(error), error.after)
        except LoggedOut as error:
            self._outbox.unsent(row, str(error))
            if self._outbox.pause(name, str(error)):
                self._say(f"{name} is paused: {error}")
        except Refused as error:
            return self._refused(row, str(error))
        except Unsure as error:
            self._outbox.unsent(row, str(error), state="unsure")
            self._say(f"{name}: nobody knows whether picture {row.key} is there: {error}")
        except MuraiError as error:
            return self._later(row, str(error), None)
        except Exception as error:  # a fault of a library must not end the evening; its text may hold anything
            return self._later(row, f"{name} does not work: {type(error).__name__}.", None)
        else:
            self._outbox.sent(row, url)
            self._recovered()
        return 0.0

    def _later(self, row: Row, reason: str, asked: float | None) -> float:
        self._outbox.unsent(row, reason, wait=self._wait(row.attempts))
        self._failures += 1
        if self._failures > 1:  # one failure is nothing yet
            self.complain(f"{self._service.name}: {reason} It is tried again until it works.")
        return self._wait(self._failures - 1) if asked is None else min(max(0.0, asked), LONGEST_ASKED)

    def _refused(self, row: Row, reason: str) -> float:
        if row.refusals + 1 < REFUSALS:
            self._outbox.unsent(row, reason, wait=self._wait(row.attempts), refused=True)
        else:
            self._outbox.unsent(row, reason, state="failed", refused=True)
            self._say(f"{self._service.name}: picture {row.key} is not published: {reason}")
        return 0.0

    def _recovered(self) -> None:
        if self._said:
            self._say(f"{self._service.name}: works again.")
        self._failures, self._said = 0, ""

    def complain(self, trouble: str) -> None:
        """Say it, unless a trouble was said already that has not ended."""
        if not self._said:
            self._say(trouble)
        self._said = trouble

    def _wait(self, attempts: int) -> float:
        """Seconds, twice as many each time, and not the same for all."""
        return min(self._first * 2.0 ** min(attempts, 30), MOST) * random.uniform(0.5, 1.0)
