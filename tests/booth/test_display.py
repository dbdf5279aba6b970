"""The window of the booth draws what changed and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from murai.booth.display import Display
from murai.booth.screen import Scene, Screen
from murai.booth.shots import Kept
from murai.booth.visit import Moment, Offers
from murai.booth.words import load_words

IDLE = Moment("idle", 4, "a/b", "single", "en", until=1.0)
PICTURE = Kept(np.zeros((36, 64, 3), np.uint8))


class Window:
    def __init__(self):
        self.size_now = (0, 0)
        self.looked, self.laid = [], []

    def look(self, view, card=None):
        self.looked.append((view, card))

    def lay_over(self, overlay):
        self.laid.append(overlay)


@pytest.fixture
def window():
    return Window()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def display(window, clock):
    screen = Screen({"en": load_words("en")}, Offers(("a/b",)))
    return Display(window, screen, lambda: clock[0])


def test_nothing_is_drawn_before_there_is_a_window(display, window):
    display.show(IDLE, Scene(), "", None)
    assert window.laid == []
    assert display.touched(0.5, 0.5) is None


def test_it_draws_what_changed(display, window):
    window.size_now = (640, 360)
    for moment in (IDLE, replace(IDLE, until=2.0), IDLE):
        display.show(moment, Scene("The Kiss"), "", None)
    assert len(window.laid) == 1
    display.show(IDLE, Scene("The Wave"), "", None)
    display.show(IDLE, Scene("The Wave"), "http://here/", None)
    window.size_now = (1280, 720)
    display.show(IDLE, Scene("The Wave"), "http://here/", None)
    assert len(window.laid) == 4
    assert len(window.looked) == 2


def test_a_touch_is_meant_for_what_was_drawn(display, window):
    window.size_now = (640, 360)
    display.show(IDLE, Scene(), "", None)
    assert display.touched(0.5, 0.5) == ("button", "", 4)
    display.show(replace(IDLE, state="taking", serial=5), Scene(), "", None)
    assert display.touched(0.5, 0.5) is None


def test_the_picture_is_shown_where_there_is_room_for_it_and_not_over_the_mirror(display, window):
    window.size_now = (640, 360)
    display.show(IDLE, Scene(), "", PICTURE)
    assert window.looked[-1][1] is None
    display.show(replace(IDLE, state="review"), Scene(), "", PICTURE)
    view, card = window.looked[-1]
    assert card is PICTURE.image
    assert view.warp is not None
    better = Kept(PICTURE.image + 1)
    display.show(replace(IDLE, state="review"), Scene(), "", better)
    assert window.looked[-1][1] is better.image


def test_a_boomerang_moves(display, window, clock):
    window.size_now = (640, 360)
    clip = tuple(np.full((36, 64, 3), number, np.uint8) for number in range(4))
    for tenths in range(10):
        clock[0] = tenths / 10
        display.show(replace(IDLE, state="review"), Scene(), "", Kept(clip[0], clip))
    assert {int(card[0, 0, 0]) for _, card in window.looked} == {0, 1, 2, 3}
    assert len(window.laid) == 1
