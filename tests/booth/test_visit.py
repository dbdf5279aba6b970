"""The visit: a table that is checked as a table, and a machine that is driven by anything in any order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.booth.visit import BROWSING, KINDS, SHOTS, STATES, TABLE, Offers, Visit
from tests.shows import Clock

STYLES = ("pack/night", "pack/wave", "pack/kiss")
OFFERS = Offers(STYLES, languages=("en", "fr"), copies=2)
TIMES = OFFERS.times
EVENTS = sorted({rule.event for rule in TABLE})


class Visitor:
    """Someone in front of a booth, with time on their hands."""

    def __init__(self, **changes):
        self.clock = Clock(1000.0)
        self.visit = Visit(replace(OFFERS, **changes), self.clock)
        self.done = []

    @property
    def now(self):
        return self.visit.now

    def wait(self, seconds):
        """Let time pass in steps, as a booth does that looks at the clock."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + 0.1)
            self.done += self.visit.tick()
        return self.now.state

    def press(self, event, value="", *, calm=2.0, serial=None):
        self.wait(calm)
        self.done += self.visit.hear(event, value, serial)
        return self.now.state

    def camera(self, event="taken"):
        self.done += self.visit.hear(event)
        return self.now.state

    def to(self, state):
        """Go on to `state`, by the button where it is pressed."""
        while self.now.state != state:
            if self.now.state == "countdown":
                self.wait(TIMES.countdown)
            elif self.now.state == "taking":
                self.camera()
            else:
                self.press("button")
        return self


def test_every_state_has_its_time_and_leads_home():
    for state in STATES:
        timed = [rule for rule in TABLE if (rule.state, rule.event) == (state, "time")]
        assert len(timed) == 1
        assert getattr(TIMES, state) > 0
        seen = {state}
        while (state := next(r.to for r in TABLE if (r.state, r.event) == (state, "time"))) not in seen:
            seen.add(state)
            if state in ("idle", None):
                break
        assert seen & {"idle", "choose", "done"}


def test_no_rule_hides_behind_another():
    for number, rule in enumerate(TABLE):
        before = [r for r in TABLE[:number] if (r.state, r.event) == (rule.state, rule.event)]
        assert all(r.when and r.when != rule.when for r in before), rule


def test_every_state_is_reached_and_left():
    assert {rule.to for rule in TABLE if rule.to} == set(STATES)
    assert {rule.state for rule in TABLE if rule.to} == set(STATES)


def test_pictures_leave_by_a_yes_and_nothing_else():
    sharing = [rule for rule in TABLE if "share" in rule.does]
    assert {(rule.state, rule.event) for rule in sharing} == {("consent", "yes"), ("consent", "button")}


def test_one_button_is_enough_for_a_whole_visit():
    visitor = Visitor()
    assert visitor.press("button") == "choose"
    assert visitor.press("button") == "countdown"
    assert visitor.wait(TIMES.countdown) == "taking"
    assert visitor.camera() == "review"
    assert visitor.press("button") == "consent"
    assert visitor.press("button") == "done"
    assert visitor.now.shared
    assert visitor.press("button") == "done"
    assert visitor.press("button") == "done"
    assert visitor.now.printed == 2
    assert visitor.press("button") == "idle"
    assert visitor.done == ["begin", "take", "keep", "share", "print", "print", "end"]


def test_consent_that_is_not_given_is_none():
    for refuse in (lambda v: v.wait(TIMES.consent), lambda v: v.press("no"), lambda v: v.press("cancel")):
        visitor = Visitor().to("consent")
        assert refuse(visitor) == "done"
        assert not visitor.now.shared
        assert "share" not in visitor.done


def test_a_yes_that_comes_too_late_is_none():
    visitor = Visitor().to("consent")
    visitor.clock.now += TIMES.consent + 0.01  # nobody looked at the clock meanwhile
    assert visitor.visit.hear("yes") == ()
    assert visitor.now.state == "done"
    assert not visitor.now.shared


def test_where_nothing_leaves_nothing_is_asked():
    visitor = Visitor(asks=False).to("review")
    assert visitor.press("button") == "done"
    assert not visitor.now.shared


def test_whoever_hammers_on_the_button_agrees_to_nothing():
    visitor = Visitor().to("consent")
    for _ in range(50):
        visitor.press("button", calm=0.2)
    assert visitor.now.state == "consent"
    assert visitor.press("button", calm=TIMES.reading) == "done"


def test_a_key_that_bounces_or_is_held_counts_once():
    visitor = Visitor()
    for _ in range(30):
        visitor.press("button", calm=0.03)
    assert visitor.now.state == "choose"


def test_two_people_who_press_at_once_press_once():
    visitor = Visitor().to("review")
    serial = visitor.now.serial
    visitor.wait(2)
    visitor.visit.hear("retake", serial=serial)
    visitor.visit.hear("button", serial=serial)
    assert visitor.now.state == "countdown"


def test_an_event_for_the_state_before_does_nothing():
    visitor = Visitor().to("review")
    old = visitor.now.serial
    visitor.press("button")
    assert visitor.press("yes", serial=old) == "consent"
    assert visitor.press("yes", serial=visitor.now.serial) == "done"


def test_a_strip_is_four_pictures_with_short_countdowns_between():
    visitor = Visitor().to("choose")
    visitor.press("kind", "strip")
    visitor.press("button")
    visitor.wait(TIMES.countdown)
    for number in range(1, 4):
        assert visitor.camera() == "countdown"
        assert visitor.now.taken == number
        assert visitor.visit.left == pytest.approx(TIMES.between)
        assert visitor.wait(TIMES.between) == "taking"
    assert visitor.camera() == "review"
    assert visitor.done.count("take") == 4


@pytest.mark.parametrize("state", ["countdown", "taking", "consent", "done"])
def test_a_lost_camera_or_a_full_disk_leads_back_with_an_apology(state):
    visitor = Visitor().to(state)
    assert visitor.camera("lost") == "choose"
    assert visitor.now.sorry
    assert not visitor.now.shared
    assert visitor.done[-1] == "drop"
    visitor.press("button")
    assert not visitor.now.sorry


def test_who_gets_the_picture_late_has_all_the_time_to_take_it_home():
    visitor = Visitor().to("done")
    visitor.wait(TIMES.done - 1)
    assert visitor.camera("kept") == "done"
    assert visitor.visit.left == pytest.approx(TIMES.done)
    assert visitor.wait(TIMES.done) == "idle"


def test_a_picture_that_never_comes_leads_back_with_an_apology():
    visitor = Visitor().to("taking")
    assert visitor.wait(TIMES.taking) == "choose"
    assert visitor.now.sorry


def test_a_retake_forgets_the_pictures():
    visitor = Visitor().to("review")
    assert visitor.press("retake") == "countdown"
    assert visitor.now.taken == 0
    assert visitor.done[-1] == "drop"


def test_a_visitor_who_goes_away_leaves_no_picture():
    visitor = Visitor().to("review")
    assert visitor.wait(TIMES.review) == "idle"
    assert visitor.done[-2:] == ["drop", "end"]


def test_styles_pass_while_nobody_is_there_and_stand_still_for_a_visitor():
    visitor = Visitor()
    seen = [visitor.now.style]
    for _ in STYLES:
        visitor.wait(TIMES.idle)
        seen.append(visitor.now.style)
    assert seen == [*STYLES, STYLES[0]]
    visitor.press("button")
    chosen = visitor.now.style
    visitor.wait(TIMES.choose / 2)
    assert visitor.now.style == chosen


def test_styles_kinds_and_languages_are_chosen_by_name_and_by_turns():
    visitor = Visitor().to("choose")
    visitor.press("style", "pack/kiss")
    assert visitor.now.style == "pack/kiss"
    visitor.press("style", "pack/nobody")
    visitor.press("next")
    assert visitor.now.style == "pack/night"
    visitor.press("previous")
    assert visitor.now.style == "pack/kiss"
    visitor.press("kind")
    assert visitor.now.kind == KINDS[1]
    visitor.press("kind-before")
    visitor.press("kind-before")
    assert visitor.now.kind == KINDS[-1]
    visitor.press("kind", "boomerang")
    visitor.press("kind", "painting")
    assert visitor.now.kind == "boomerang"
    visitor.press("language")
    assert visitor.now.language == "fr"
    visitor.press("language", "en")
    assert visitor.now.language == "en"


def test_the_next_visitor_finds_the_language_and_kind_of_the_house():
    visitor = Visitor().to("choose")
    visitor.press("language", "fr")
    visitor.press("kind")
    visitor.press("cancel")
    assert (visitor.now.language, visitor.now.kind) == ("en", "single")
    visitor.press("language", "fr")  # by who passes by
    visitor.wait(TIMES.idle)
    assert visitor.now.language == "en"


steps = st.one_of(
    st.tuples(st.sampled_from([*EVENTS, "nonsense"]), st.sampled_from(["", *STYLES, *KINDS, "fr", "?"])),
    st.floats(0, 60),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(steps, max_size=60), st.booleans(), st.integers(0, 2))
def test_whatever_happens_it_is_a_visit(script, asks, copies):
    visitor = Visitor(asks=asks, copies=copies)
    agreed = serial = 0
    for step in script:
        state, before = visitor.now.state, len(visitor.done)
        if isinstance(step, float):
            visitor.wait(step)
        else:
            visitor.done += visitor.visit.hear(*step)
            said_yes = state == "consent" and step[0] in ("yes", "button")
            agreed += said_yes and "share" in visitor.done[before:]
        now = visitor.now
        assert now.state in STATES
        assert now.serial >= serial
        serial = now.serial
        assert (now.style, now.kind, now.language) in {(s, k, x) for s in STYLES for k in KINDS for x in ("en", "fr")}
        assert now.printed <= copies
        assert now.taken <= SHOTS[now.kind]
    assert visitor.done.count("share") == agreed
    assert asks or not agreed
    kept = False
    for do in visitor.done:  # nothing is shared or printed before it is kept, and one visitor's are not the next one's
        assert do not in ("share", "print") or kept
        kept = {"keep": True, "end": False, "drop": False}.get(do, kept)
    longest = sum(getattr(TIMES, state) for state in STATES)
    visitor.wait(longest)
    assert visitor.now.state == "idle"
    assert visitor.done.count("begin") == visitor.done.count("end")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 3)), max_size=40))
def test_events_from_afar_for_another_state_change_nothing(script):
    visitor = Visitor()
    for event, late in script:
        visitor.wait(2)
        before = visitor.now
        visitor.done += visitor.visit.hear(event, serial=before.serial - late)
        assert not late or visitor.now == before


def test_browsing_is_never_too_fast():
    visitor = Visitor().to("choose")
    for _ in range(4):
        visitor.visit.hear("next")
    assert visitor.now.style == STYLES[1]
    assert "button" not in BROWSING
