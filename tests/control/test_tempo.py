"""The beat, with a clock that is moved by hand."""

import threading

import pytest

from murai.control.tempo import Tempo
from tests.shows import Clock


@pytest.fixture
def clock():
    return Clock(100.0)


@pytest.fixture
def beats():
    return [4.0]


@pytest.fixture
def advanced():
    return []


@pytest.fixture
def tempo(clock, beats, advanced):
    one = Tempo(lambda: beats[0], lambda: advanced.append(clock.now), clock)
    one.close()  # its own thread would look at the clock too
    return one


def tap(tempo, clock, *gaps):
    tempo.tap()
    for gap in gaps:
        clock.now += gap
        tempo.tap()


def test_the_tempo_is_that_of_the_taps(tempo, clock):
    assert tempo.seconds is None
    tap(tempo, clock, 0.5, 0.52, 0.48, 0.5)
    assert tempo.seconds == pytest.approx(0.5)


def test_a_missed_tap_does_not_spoil_it_and_a_bounce_is_none(tempo, clock):
    tap(tempo, clock, 0.5, 0.5, 1.0, 0.5, 0.05, 0.45)
    assert tempo.seconds == pytest.approx(0.5)


def test_a_pause_begins_anew(tempo, clock):
    tap(tempo, clock, 0.5, 0.5)
    tap(tempo, clock, 5.0, 1.0)
    assert tempo.seconds == pytest.approx(1.0)


def test_every_so_many_beats_it_advances_in_time(tempo, clock, advanced):
    tap(tempo, clock, 0.5)
    start = clock.now
    while clock.now < start + 9:
        clock.now += 0.1
        tempo.turn()
    assert len(advanced) == 4
    assert [round(moment - start, 1) for moment in advanced] == pytest.approx([2, 4, 6, 8], abs=0.11)


def test_after_a_stall_it_advances_once_and_keeps_time(tempo, clock, advanced):
    tap(tempo, clock, 0.5)
    clock.now += 7.3
    assert tempo.turn() == pytest.approx(0.7)
    assert len(advanced) == 1


def test_without_beats_nothing_happens(tempo, clock, beats, advanced):
    beats[0] = 0
    tap(tempo, clock, 0.5)
    clock.now += 60
    assert tempo.turn() is None
    assert advanced == []


def test_its_thread_advances_by_itself():
    came = threading.Event()
    tempo = Tempo(lambda: 1, came.set)
    tempo.tap()
    threading.Event().wait(0.3)
    tempo.tap()
    assert came.wait(10)
    tempo.close()
