"""Scenes come back as they were kept, and a broken one changes nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from murai.control.player import SCENE_KEYS, Player
from murai.control.scenes import Scenes
from murai.errors import ControlError
from murai.kept import LARGEST

from .conftest import STYLES, Show


@given(strength=st.floats(0, 1), fade=st.floats(0, 10), weight=st.floats(0, 1e6), paused=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_a_scene_comes_back_as_it_was_kept(tmp_path, strength, fade, weight, paused):
    show = Show()
    player = Player(show, STYLES, scenes=Scenes(tmp_path / "scenes"))
    player.set_all({"strength": strength, "fade": fade, "paused": paused, "mix": {"wave": 1.5, "sea/moon": weight}})
    kept = show.controls
    player.keep("one")
    player.set_all({"strength": 1, "fade": 0, "paused": False, "mix": "stars"})
    player.recall("one")
    assert show.controls == kept


def test_a_scene_may_leave_controls_out_and_may_be_kept_again(show, player, scenes, tmp_path):
    player.keep("one")
    (tmp_path / "scenes" / "one.toml").write_text("version = 1\n[controls]\nstrength = 0.5\n")
    player.set("split", 0.25)
    player.recall("one")
    assert (show.controls.strength, show.controls.split) == (0.5, 0.25)
    player.keep("one")
    assert scenes.load("one")["split"] == 0.25
    assert scenes.names == ["one"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2\n[controls]\n", "of version 2"),
        ("[controls]\n", "of version None"),
        ("version = 1\n", r"no table \[controls\]"),
        ("version = 1\ncontrols = 3\n", r"no table \[controls\]"),
        ("version = ", "cannot be read"),
        ("version = 1\n[controls]\nstrength = 7\n", "between 0 and 1"),
        ("version = 1\n[controls]\nvolume = 7\n", "no control 'volume'"),
        ('version = 1\n[controls]\nmix = "sun"\n', "no style 'sun'"),
        ("#" * (LARGEST + 1), "too large"),
    ],
)
def test_a_scene_that_was_broken_by_hand_changes_nothing(show, player, tmp_path, text, words):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "bad.toml").write_text(text)
    before = show.controls
    with pytest.raises(ControlError, match=words):
        player.recall("bad")
    assert show.controls is before


@pytest.mark.parametrize("name", ["", "../one", "a/b", ".hidden", "a.b", "x" * 65, "ü"])
def test_no_name_leaves_the_folder(player, tmp_path, name):
    for act in (player.keep, player.recall):
        with pytest.raises(ControlError, match="no name for a scene"):
            act(name)
    assert not list(tmp_path.iterdir())


def test_a_missing_scene_and_a_folder_that_cannot_be(player, show, tmp_path):
    with pytest.raises(ControlError, match="there are: none yet"):
        player.recall("one")
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlError, match="cannot be kept"):
        Player(show, STYLES, scenes=Scenes(tmp_path / "file" / "scenes")).keep("one")
    with pytest.raises(ControlError, match="keeps no scenes"):
        Player(show, STYLES).recall("one")


def test_what_could_not_be_kept_later_is_refused_now_and_nothing_is_made(scenes, tmp_path):
    scenes.refuse("one")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ControlError, match="no name for a scene"):
        scenes.refuse("../one")
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlError, match="does not allow it"):
        Scenes(tmp_path / "file" / "scenes").refuse("one")


def test_keys_recall_the_first_nine(player):
    for number in range(10):
        player.set("strength", number / 10)
        player.keep(f"scene{number}")
    for number, key in enumerate(SCENE_KEYS):
        assert player.press(key)
        assert player.state["strength"] == number / 10
    assert not player.press("f10")
