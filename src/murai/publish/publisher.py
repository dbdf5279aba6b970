"""Sends what is due, one thread for each service, for as long as it takes."""

import random
import threading
import time
from collections.abc import Sequence

from murai.errors import DeliveryError, MuraiError, Say, silent
from murai.publish.fitting import prepare
from murai.publish.outbox import Outbox, Row
from murai.publish.post import LoggedOut, Notes, NotReady, Refused, Service, TryLater, Unsure

LOOK_EVERY = 1.0
"""Seconds between two looks at what other processes did to the outbox."""
FIRST, MOST = 2.0, 300.0
"""Seconds of the first wait after a failure, and of the longest; each is twice the one before."""
LONGEST_ASKED = 3600.0
"""Seconds after which a service is asked again, however long it wanted to be left alone."""
REFUSALS = 3
"""Times that a service refuses a post before it is given up."""
REFUSED = 5
"""Failures that a refusal counts for: minutes pass until the last time, in which what was wrong may be mended."""


class Publisher:
    """Sends the rows of `outbox` that are due to `services`, from construction to `close`. Any thread may add rows.

    What cannot be sent now waits for a while, longer each time; where that is so of several pictures, one after the
    other, the service is left alone, or as long as it asks. That goes on for days, by a clock that nobody sets. One
    that wants a login is paused. `say` hears of each trouble once, and of its end. `first`: seconds of the first wait.

    Raises DeliveryError where another Publisher sends from the same outbox, or a service is there twice.
    """

    def __init__(self, outbox: Outbox, services: Sequence[Service], say: Say = silent, *, first: float = FIRST) -> None:
        names = [service.name for service in services]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DeliveryError(f"pictures would go twice to {', '.join(twice)}; name each service once.")
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
            except Exception as error:  # the disk, not the service; or a fault, whose text may hold anything
                line.stumble(str(error) if isinstance(error, MuraiError) else f"a fault, {type(error).__name__}.")
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
        self._failed = set[str]()
        """Keys of what failed since something was sent."""
        self._said = self._stumbled = ""

    def step(self) -> float | None:
        """Send the row that is due; returns for how many seconds the service is left alone, None where none is due."""
        row = self._outbox.take(self._service.name, self._wait)
        if row is None:
            return None
        wait = self._attempt(row)
        self._stumbled = ""
        return wait

    def _attempt(self, row: Row) -> float:
        name, notes = self._service.name, self._outbox.notes(row)
        try:
            post = prepare(row.post, self._service.limits, still=bool(notes["still"]))
            url = self._service.send(post, notes)
        except NotReady as error:
            self._outbox.unsent(row, str(error), wait=max(error.after or 0.0, self._wait(row.attempts)))
        except TryLater as error:
            return self._later(row, str(error), error.after)
        except LoggedOut as error:
            self._outbox.unsent(row, str(error))
            if self._outbox.pause(name, str(error)):
                self._say(f"{name} is paused: {error}")
        except Refused as error:
            return self._refused(row, notes, str(error))
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
        again = row.attempts > 0 or bool(self._failed)  # one failure is nothing yet
        self._failed.add(row.key)
        if again and not self._said:
            self._said = reason
            self._say(f"{self._service.name}: {reason} It is tried again until it works.")
        # One picture that always fails does not hold the others.
        own = self._wait(len(self._failed) - 1) if len(self._failed) > 1 else 0.0
        return max(own, min(max(0.0, asked or 0.0), LONGEST_ASKED))

    def _refused(self, row: Row, notes: Notes, reason: str) -> float:
        if row.post.clip is not None and not notes["still"]:
            notes.keep(still="yes")  # its picture may be wanted
            self._outbox.unsent(row, reason, wait=self._wait(row.attempts))
        elif row.refusals + 1 < REFUSALS:
            self._outbox.unsent(row, reason, wait=self._wait(row.refusals + REFUSED), refused=True)
        else:
            self._outbox.unsent(row, reason, state="failed", refused=True)
            self._say(f"{self._service.name}: picture {row.key} is not published: {reason}")
        return 0.0

    def _recovered(self) -> None:
        if self._said:
            self._say(f"{self._service.name}: works again.")
        self._failed.clear()
        self._said = ""

    def stumble(self, trouble: str) -> None:
        """Say it, unless it was said since a step went well."""
        if self._stumbled != trouble:
            self._stumbled = trouble
            self._say(f"{self._service.name}: {trouble}")

    def _wait(self, attempts: int) -> float:
        """Seconds, twice as many each time, and not the same for all."""
        return min(self._first * 2.0 ** min(attempts, 30), MOST) * random.uniform(0.5, 1.0)
