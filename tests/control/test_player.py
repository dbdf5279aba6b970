"""Whatever plays the show sets the same controls by the same names, or changes nothing and says why."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.control.player import Player
from murai.controls import ACTIONS, TABLE, Controls
from murai.errors import ControlError

from .conftest import STYLES, Show


def test_every_control_of_the_table_can_be_set_to_its_range_and_comes_back(show, player):
    for row in TABLE:
        for value in (row.low, row.high) if row.low is not None else (True, False):
            value = "sea/wave" if row.name == "mix" else value
            player.set(row.name, value)
            expected = {"sea/wave": 1.0} if row.name == "mix" else value
            assert player.state[row.name] == expected
    assert set(player.state) == {row.name for row in TABLE}


@pytest.mark.parametrize(
    ("value", "mix"),
    [
        ("sea/wave", {"sea/wave": 1}),
        ("wave", {"sea/wave": 1}),
        ("moon", {"night/moon": 1}),  # the pack that paints now, before others
        ("stars:0.6, moon:0.4", {"night/stars": 0.6, "night/moon": 0.4}),
        ("wave,moon", {"sea/wave": 1, "sea/moon": 1}),  # one pack has both
        ({"stars": 1, "night/moon": 3}, {"night/stars": 1, "night/moon": 3}),
    ],
)
def test_a_mix_as_a_user_may_write_it(player, value, mix):
    player.set("mix", value)
    assert player.state["mix"] == mix


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("volume", 1, "there is no control 'volume'"),
        ("strength", 1.5, "between 0 and 1"),
        ("strength", math.nan, "is a number"),
        ("strength", "loud", "is a number, not 'loud'"),
        ("strength", True, "is a number"),
        ("strength", None, "is a number"),
        ("boldness", -0.1, "boldness is between 0 and 1"),
        ("boldness", "very", "is a number, not 'very'"),
        ("fade", 11, "between 0 and 10"),
        ("paused", "yes", "true or false"),
        ("blackout", 2, "true or false"),
        ("mix", "sun", "no style 'sun'"),
        ("mix", {}, "NAME:W"),
        ("mix", 5, "NAME:W"),
        ("mix", "stars:-1", "0 or more"),
        ("mix", "stars:0", "above 0"),
        ("mix", "stars:1e308,moon:1e308", "up to"),
        ("mix", "stars,wave", "inside one pack"),
        ("mix", "stars:much", "is a number"),
    ],
)
def test_what_cannot_be_set_is_one_sentence_and_changes_nothing(show, player, name, value, words):
    before = show.controls
    with pytest.raises(ControlError, match=words) as caught:
        player.set_all({"split": 0.5, name: value})
    assert show.controls is before
    assert str(caught.value).endswith(".")


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from([row.name for row in TABLE]), value=json)
def test_any_garbage_is_refused_or_lies_in_the_range(name, value):
    show = Show()
    player = Player(show, STYLES)
    try:
        player.set(name, value)
    except ControlError:
        assert show.controls == Show().controls
    else:
        Controls(**player.state)  # in its range, or this raises


def test_every_key_of_the_table_does_something(show, player):
    for row in TABLE:
        for key in reversed(row.keys):
            before = show.controls
            assert player.press(key)
            assert show.controls != before or getattr(before, row.name) in (row.low, row.high)


def test_keys_walk_through_all_styles_and_back(player):
    seen = []
    for _ in STYLES:
        player.press("right")
        seen.append(next(iter(player.state["mix"])))
    assert seen == [*STYLES[1:], STYLES[0]]
    player.press("left")
    assert player.state["mix"] == {STYLES[-1]: 1.0}
    player.press("3")
    assert player.state["mix"] == {"sea/wave": 1.0}
    assert not player.press("9")
    assert not player.press("z")


@pytest.mark.parametrize(("name", "less", "more"), [("strength", "down", "up"), ("boldness", "y", "u")])
def test_keys_stop_at_the_ends_of_a_range(player, name, less, more):
    for _ in range(20):
        player.press(less)
    assert player.state[name] == 0
    player.press(more)
    assert player.state[name] == 0.1
    for _ in range(20):
        player.press(more)
    assert player.state[name] == 1


def test_help_names_every_key_and_actions_are_what_was_given(show):
    said, done = [], []
    player = Player(show, STYLES, {"snapshot": lambda: done.append("snapshot")}, say=said.append)
    player.press("h")
    for row in TABLE:
        assert any(all(key in line for key in row.keys) and row.help in line for line in said)
    assert any("keep this picture" in line for line in said)
    assert player.press("s")
    assert done == ["snapshot"]
    assert not player.press("r")
    with pytest.raises(ControlError, match="nothing to do that is called 'dance'"):
        player.do("dance")


def test_no_key_means_two_things_and_none_is_the_windows_own():
    keys = [key for row in TABLE for key in row.keys] + [action.key for action in ACTIONS]
    assert len(set(keys)) == len(keys)
    assert not {"q", "f", "escape"} & set(keys)
    assert not any(key.isdigit() for key in keys)
