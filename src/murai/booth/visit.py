"""A visit to the booth: all states, and every way from one to another, in one table.

    idle -> choose -> countdown -> taking -> review -> consent -> done -> idle

The machine is pure: what happens goes in, what is to be done comes out, and time is what the clock says.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, get_args

T = TypeVar("T")
State = Literal["idle", "choose", "countdown", "taking", "review", "consent", "done"]
STATES: tuple[State, ...] = get_args(State)
Kind = Literal["single", "strip", "boomerang", "before-after"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHOTS: Mapping[Kind, int] = {"single": 1, "strip": 4, "boomerang": 1, "before-after": 1}
"""How many times the camera is asked for each kind."""
Do = Literal["begin", "take", "drop", "keep", "share", "print", "end"]
"""What the booth has to do: a visitor came, take a picture, forget the pictures, keep them, let them leave the machine,
print them, the visitor is gone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """In `state`, `event` leads `to` another one, or stays, and makes the booth do what it `does`.

    when   only "asked" where the visitor is asked for consent, where "more" pictures are to be taken, or where some
           "copies" are left to be printed; the first rule that holds counts
    """

    state: State
    event: str
    to: State | None = None
    does: tuple[Do, ...] = ()
    when: Literal["", "asked", "more", "copies"] = ""


PASSING = Rule("idle", "time")
"""While nobody is there, style follows style."""
TABLE = (
    PASSING,
    Rule("idle", "next"),
    Rule("idle", "previous"),
    Rule("idle", "style"),
    Rule("idle", "language"),
    Rule("idle", "button", "choose", ("begin",)),
    Rule("choose", "next"),
    Rule("choose", "previous"),
    Rule("choose", "style"),
    Rule("choose", "kind"),
    Rule("choose", "kind-before"),
    Rule("choose", "language"),
    Rule("choose", "button", "countdown"),
    Rule("choose", "cancel", "idle", ("end",)),
    Rule("choose", "time", "idle", ("end",)),
    Rule("countdown", "time", "taking", ("take",)),
    Rule("countdown", "cancel", "choose", ("drop",)),
    Rule("countdown", "lost", "choose", ("drop",)),
    Rule("taking", "taken", "countdown", when="more"),
    Rule("taking", "taken", "review"),
    Rule("taking", "lost", "choose", ("drop",)),
    Rule("taking", "time", "choose", ("drop",)),
    Rule("review", "language"),
    Rule("review", "button", "consent", ("keep",), when="asked"),
    Rule("review", "button", "done", ("keep",)),
    Rule("review", "retake", "countdown", ("drop",)),
    Rule("review", "cancel", "idle", ("drop", "end")),
    Rule("review", "time", "idle", ("drop", "end")),
    Rule("consent", "language"),
    Rule("consent", "lost", "choose", ("drop",)),
    Rule("consent", "button", "done", ("share",)),
    Rule("consent", "yes", "done", ("share",)),
    Rule("consent", "no", "done"),
    Rule("consent", "cancel", "done"),
    Rule("consent", "time", "done"),
    Rule("done", "language"),
    Rule("done", "kept"),
    Rule("done", "lost", "choose", ("drop",)),
    Rule("done", "print", None, ("print",), when="copies"),
    Rule("done", "button", None, ("print",), when="copies"),
    Rule("done", "button", "idle", ("end",)),
    Rule("done", "cancel", "idle", ("end",)),
    Rule("done", "time", "idle", ("end",)),
)

BROWSING = ("next", "previous", "style", "kind", "kind-before", "language", "time")
"""What may follow at once; anything else may be a second press of what led here, see `Times.calm`."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds.

    idle      from one style to the next while nobody is there
    between   the countdown between the pictures of a strip
    calm      in which nothing is pressed before a press counts: a key that bounces or is held, two people at once
    reading   the same where consent is asked: whoever hammers on the button has not read the question
    """

    idle: float = 8.0
    choose: float = 45.0
    countdown: float = 3.0
    between: float = 2.0
    taking: float = 8.0
    review: float = 30.0
    consent: float = 30.0
    done: float = 30.0
    calm: float = 0.4
    reading: float = 1.5


@dataclass(frozen=True, slots=True)
class Offers:
    """What a visitor can choose from; the first kind and language are those of a new visitor.

    asks     whether consent is asked: nothing would leave the machine otherwise
    copies   how often one visitor may print, 0 where there is no printer
    """

    styles: Sequence[str]
    kinds: Sequence[Kind] = KINDS
    languages: Sequence[str] = ("en",)
    asks: bool = True
    copies: int = 0
    times: Times = field(default_factory=Times)


@dataclass(frozen=True, slots=True)
class Moment:
    """A visit at one instant. Frozen, so that any thread may look at it.

    serial   grows with every change of state: an event from afar names the one it was meant for
    taken    how many pictures of this kind are there
    printed  how many copies
    shared   whether the visitor agreed that the picture leaves the machine
    sorry    whether the last pictures could not be taken
    until    by the clock, when the time of this state is over
    """

    state: State
    serial: int
    style: str
    kind: Kind
    language: str
    taken: int = 0
    printed: int = 0
    shared: bool = False
    sorry: bool = False
    until: float = 0.0


class Visit:
    """Visit after visit, from idle to idle. Belongs to one thread, but for `now`."""

    def __init__(self, offers: Offers, clock: Callable[[], float] = time.monotonic) -> None:
        self.offers, self._clock = offers, clock
        self._pressed = -math.inf  # when something was pressed last, or the state began
        self.now = self._fresh(offers.styles[0], 0)

    @property
    def left(self) -> float:
        """Seconds until the time of this state is over."""
        return max(0.0, self.now.until - self._clock())

    def tick(self) -> tuple[Do, ...]:
        """Let time pass: what is to be done. To be called again and again."""
        return self._happen("time", "") if self._clock() >= self.now.until else ()

    def hear(self, event: str, value: str = "", serial: int | None = None) -> tuple[Do, ...]:
        """What is to be done when `event` happens.

        It is left alone where nothing follows from it, where it was meant for the state with another `serial`, and
        where it comes too soon after a press. `value` is the name of a style, kind or language; for the last two the
        next where it is empty. "taken", "kept" and "lost" come from camera and disk: the pictures are there, or gone.
        """
        done = self.tick()
        if event == "time" or (serial is not None and serial != self.now.serial):
            return done
        if event not in (*BROWSING, "taken", "kept", "lost") and self._too_soon():
            return done
        return done + self._happen(event, value)

    def _too_soon(self) -> bool:
        """Whether a press may be none; every one begins the time of calm anew."""
        times, before, self._pressed = self.offers.times, self._pressed, self._clock()
        return self._pressed - before < (times.reading if self.now.state == "consent" else times.calm)

    def _happen(self, event: str, value: str) -> tuple[Do, ...]:
        rule = next((r for r in TABLE if (r.state, r.event) == (self.now.state, event) and self._holds(r)), None)
        if rule is None:
            return ()
        self._change(rule, value)
        return rule.does

    def _holds(self, rule: Rule) -> bool:
        now, offers = self.now, self.offers
        return {
            "": True,
            "asked": offers.asks,
            "more": now.taken + 1 < SHOTS[now.kind],
            "copies": now.printed < offers.copies,
        }[rule.when]

    def _change(self, rule: Rule, value: str) -> None:
        now = self._browsed(self.now, rule, value)
        if rule.to is None:
            now = replace(now, printed=now.printed + ("print" in rule.does))
        elif rule.to == "idle":
            now = self._fresh(now.style, now.serial + 1)
        else:
            now = replace(now, state=rule.to, serial=now.serial + 1, **self._counted(rule))
            self._pressed = self._clock()
        self.now = replace(now, until=self._clock() + self._seconds(now))

    def _counted(self, rule: Rule) -> dict[str, Any]:
        """What a change of state says of the pictures."""
        if rule.event == "taken":
            return {"taken": self.now.taken + 1}
        if "drop" in rule.does:
            return {"taken": 0, "shared": False, "sorry": rule.event in ("lost", "time")}
        return {"shared": True} if "share" in rule.does else {"sorry": False}

    def _browsed(self, now: Moment, rule: Rule, value: str) -> Moment:
        """`now` with another style, kind or language, where the event says so."""
        offers, event = self.offers, rule.event
        if rule is PASSING:
            return replace(now, style=_step(offers.styles, now.style, 1), language=offers.languages[0])
        if event in ("next", "previous"):
            return replace(now, style=_step(offers.styles, now.style, 1 if event == "next" else -1))
        if event == "style" and value in offers.styles:
            return replace(now, style=value)
        if event == "kind-before":
            return replace(now, kind=_step(offers.kinds, now.kind, -1))
        if event == "kind":
            return replace(now, kind=_chosen(offers.kinds, now.kind, value))
        if event == "language":
            return replace(now, language=_chosen(offers.languages, now.language, value))
        return now

    def _fresh(self, style: str, serial: int) -> Moment:
        """Nobody is there."""
        offers = self.offers
        until = self._clock() + offers.times.idle
        return Moment("idle", serial, style, offers.kinds[0], offers.languages[0], until=until)

    def _seconds(self, now: Moment) -> float:
        """How long the state lasts by itself."""
        if now.state == "countdown" and now.taken:
            return self.offers.times.between
        return float(getattr(self.offers.times, now.state))


def _step(choices: Sequence[T], now: T, by: int) -> T:
    return choices[(choices.index(now) + by) % len(choices)]


def _chosen(choices: Sequence[T], now: T, value: str) -> T:
    """The choice called `value`, the next where it is empty, the same where there is none."""
    if not value:
        return _step(choices, now, 1)
    return next((choice for choice in choices if choice == value), now)
