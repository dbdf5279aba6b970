"""Laying the picture on a wall with keys and the mouse."""

import numpy as np
import pytest

from murai.errors import ControlError
from murai.sinks.surface import STRAIGHT
from murai.stage.calibration import KEYS, Calibration, view
from murai.stage.projection import WHOLE, Projection

SIZE = (200, 100)


@pytest.fixture
def kept():
    return []


@pytest.fixture
def hand(kept):
    return Calibration(Projection(), SIZE, kept.append)


def drag(hand, start, end):
    hand.mouse("press", *start)
    hand.mouse("move", *end)
    hand.mouse("release", *end)


def test_a_corner_is_dragged(hand):
    drag(hand, (0.99, 0.01), (0.8, 0.2))
    assert hand.projection.corners == (WHOLE[0], (0.8, 0.2), *WHOLE[2:])
    hand.mouse("move", 0.5, 0.5)
    assert hand.points[1] == (0.8, 0.2), "it was let go"


def test_the_mouse_takes_nothing_where_no_point_is(hand):
    drag(hand, (0.5, 0.5), (0.6, 0.6))
    assert hand.projection == Projection()


def test_arrows_move_the_chosen_point_by_a_pixel(hand):
    for key in ("tab", "tab", "left", "up", "up"):
        assert hand.press(key)
    assert hand.points[2] == pytest.approx((1 - 1 / 200, 1 - 2 / 100))
    for _ in range(3):
        hand.press("tab")
    assert hand.chosen == 1


def test_a_corner_that_would_turn_it_inside_out_stays(hand):
    hand.mouse("press", 0, 0)
    with pytest.raises(ControlError, match="inside out"):
        hand.mouse("move", 0.9, 0.9)
    assert hand.projection == Projection()
    hand.mouse("move", 0.1, 0.1)
    assert hand.points[0] == (0.1, 0.1)


def test_a_mesh_point_goes_where_it_is_dragged_also_on_a_crooked_wall(hand):
    drag(hand, (0, 0), (0.1, 0.2))
    hand.press("m")
    assert len(hand.points) == 4 + 9
    middle = hand.points[4 + 4]
    drag(hand, middle, (0.6, 0.7))
    assert hand.points[4 + 4] == pytest.approx((0.6, 0.7))
    assert hand.points[4 + 3] != pytest.approx((0.6, 0.7))
    for points in (5, 7, 9, 0):
        hand.press("m")
        assert hand.projection.mesh == points
    assert hand.chosen < 4


def test_a_mask_is_clicked_and_erased(hand):
    hand.press("w")
    for place in ((0.2, 0.2), (0.4, 0.2), (0.3, 0.5)):
        hand.mouse("press", *place)
        hand.mouse("release", *place)
    hand.press("w")
    assert hand.projection.masks == (((0.2, 0.2), (0.4, 0.2), (0.3, 0.5)),)
    hand.press("w")
    hand.mouse("press", 0.1, 0.1)
    with pytest.raises(ControlError, match="three corners"):
        hand.press("w")
    hand.press("w")
    hand.press("w")
    assert len(hand.projection.masks) == 1
    hand.press("e")
    assert hand.projection.masks == ()


def test_light_stays_in_its_range_and_turning_comes_round(hand):
    for key in "=" * 30 + "]" * 60 + "." * 40 + "t" * 5 + "xl":
        assert hand.press(key)
    now = hand.projection
    assert (now.brightness, now.gamma, now.fade, now.turn, now.mirror, now.fill) == (2, 5, 0.5, 90, True, True)
    for key in "-" * 60 + "[" * 60 + "," * 40:
        hand.press(key)
    assert (hand.projection.brightness, hand.projection.gamma, hand.projection.fade) == (0, 0.2, 0)


def test_enter_keeps_and_backspace_begins_anew(hand, kept):
    hand.press("x")
    hand.press("enter")
    assert kept == [Projection(mirror=True)]
    hand.press("backspace")
    assert hand.projection == Projection()
    assert not hand.press("c")


def test_the_pictures_are_as_large_as_the_window(hand):
    card, overlay = hand.card, hand.overlay()
    assert card.shape == (100, 200, 3)
    assert overlay.shape == (100, 200, 4)
    assert tuple(overlay[0, 11]) != (0, 0, 0, 0), "the handle of a corner"
    assert len(np.unique(card.reshape(-1, 3), axis=0)) >= 4
    words = " ".join(KEYS)
    assert all(key in words for key in ("tab", "m", "t", "x", "l", "w", "e", "enter", "p"))


def test_a_straight_projection_is_drawn_without_a_warp():
    assert view(Projection()) == STRAIGHT
    assert view(Projection(fade=0.1)).warp is None
    assert view(Projection(corners=((0.1, 0), *WHOLE[1:]))).warp is not None


def test_it_fits_a_window_that_changes(hand):
    assert not hand.fit(SIZE)
    assert hand.fit((120, 80))
    assert hand.card.shape[:2] == hand.overlay().shape[:2] == (80, 120)


def test_a_window_without_a_size_is_waited_for(hand):
    assert not hand.fit((0, 0))
    assert hand.card.shape[:2] == SIZE[::-1]
