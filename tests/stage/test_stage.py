"""Keys and mouse of a performer, with a window that only remembers."""

from dataclasses import replace

import pytest

from murai.control.player import Player
from murai.controls import Controls
from murai.errors import ControlError
from murai.kept import Kept
from murai.stage.panel import LINE, MARGIN
from murai.stage.projection import Projection
from murai.stage.stage import Stage, load_projection

STYLES = ("sea/wave", "sea/moon", "sky/stars")


class Remembering:
    """A window nobody sees."""

    size_now = (640, 360)

    def __init__(self):
        self.view = self.card = self.overlay = None

    def look(self, view, card=None):
        self.view, self.card = view, card

    def lay_over(self, overlay):
        self.overlay = overlay


class Show:
    """Controls that change."""

    def __init__(self):
        self.controls = Controls({"sea/wave": 1.0})

    def update(self, **changes):
        self.controls = replace(self.controls, **changes)


@pytest.fixture
def window():
    return Remembering()


@pytest.fixture
def show():
    return Show()


@pytest.fixture
def said():
    return []


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "projections", "projection", "projection")


@pytest.fixture
def stage(window, show, said, kept):
    return Stage(window, Player(show, STYLES), lambda: ["30.0 in", "delay 9 ms"], kept, "wall", said.append)


def click(stage, x, line):
    """On a line of the help, below that of notes."""
    stage.mouse("press", x / 640, (MARGIN + (1 + line) * LINE + 5) / 360)
    stage.mouse("release", x / 640, (MARGIN + (1 + line) * LINE + 5) / 360)


def test_keys_of_controls_are_played(stage, show):
    stage.key("down")
    assert show.controls.strength == 0.9
    stage.key("2")
    assert dict(show.controls.mix) == {"sea/moon": 1.0}


def test_h_lists_everything_and_styles_are_clicked(stage, show, window):
    stage.key("h")
    assert window.overlay is not None
    click(stage, 50, 2)
    assert dict(show.controls.mix) == {"sky/stars": 1.0}
    click(stage, 50, 0)
    click(stage, MARGIN + 40, 3)  # the blend of wave with moon, at a quarter of the bar
    assert dict(show.controls.mix) == {"sea/wave": 0.75, "sea/moon": 0.25}
    click(stage, MARGIN + 80, 5)
    assert show.controls.strength == 0.5
    click(stage, MARGIN + 40, 6)
    assert show.controls.boldness == 0.25
    click(stage, MARGIN + 159, 7)
    assert show.controls.keep_colors
    click(stage, MARGIN + 200, 7)
    assert not show.controls.keep_colors, "its text is pressed too, and it turns"
    click(stage, MARGIN + 200, 4)
    assert dict(show.controls.mix) == {"sea/moon": 1.0}, "the next style"
    for _ in range(9):
        stage.key("h")
        if window.overlay is None:
            break
    assert window.overlay is None
    click(stage, 50, 2)
    assert "sky/stars" not in show.controls.mix


def test_a_slider_follows_the_mouse_until_it_is_let_go(stage, show):
    stage.key("h")
    y = (MARGIN + 6 * LINE + 5) / 360
    stage.mouse("press", (MARGIN + 80) / 640, y)
    stage.mouse("move", (MARGIN + 120) / 640, y)
    assert show.controls.strength == 0.75
    stage.mouse("release", (MARGIN + 120) / 640, y)
    stage.mouse("move", (MARGIN + 10) / 640, y)
    assert show.controls.strength == 0.75


def test_what_is_done_once_is_done_by_a_press_alone(window, show, said, kept):
    done = []
    player = Player(show, STYLES, {"snapshot": lambda: done.append("snapshot")})
    stage = Stage(window, player, list, kept, "wall", said.append)
    window.size_now = (640, 2000)  # all in one column
    stage.key("h")
    for step in range(2000 // LINE):
        stage.mouse("press" if step == 0 else "move", 200 / 640, (MARGIN + step * LINE + 5) / 2000)
    assert not done
    stage.mouse("release", 0.5, 0.5)
    for step in range(2000 // LINE):
        stage.mouse("press", 200 / 640, (MARGIN + step * LINE + 5) / 2000)
        stage.mouse("move", 201 / 640, (MARGIN + step * LINE + 6) / 2000)
        stage.mouse("release", 201 / 640, (MARGIN + step * LINE + 6) / 2000)
    assert done == ["snapshot"]


def test_laying_it_on_a_wall_follows_a_window_that_changes(stage, window):
    stage.key("p")
    window.size_now = (320, 200)
    stage.tick()
    assert window.overlay.shape[:2] == window.card.shape[:2] == (200, 320)


def test_the_read_out_is_renewed(stage, window, monkeypatch):
    stage.key("o")
    first = window.overlay
    assert first.shape[0] == 2 * MARGIN + 3 * LINE
    stage.tick()
    assert window.overlay is first, "not yet"
    monkeypatch.setattr("murai.stage.stage.time.monotonic", lambda: 1e9)
    stage.tick()
    assert window.overlay is not first


def test_what_was_said_last_stands_in_the_read_out_for_a_while(stage, window, monkeypatch):
    stage.key("o")
    quiet = window.overlay.shape
    stage.note("recording to a.mp4, in a folder with a rather long name, such as there are")
    stage.key("c")
    assert window.overlay.shape[1] > quiet[1]
    assert window.overlay.shape[0] == quiet[0], "nothing moves under the mouse"
    monkeypatch.setattr("murai.stage.stage.time.monotonic", lambda: 1e9)
    stage.tick()
    assert window.overlay.shape == quiet


def test_many_styles_are_cut_short_and_that_is_said(window, show, kept):
    styles = tuple(f"sea/{number}" for number in range(30))
    show.controls = replace(show.controls, mix={"sea/0": 1.0})
    stage = Stage(window, Player(show, styles), list, kept, "wall")
    assert [line.text for line in stage._controls()][10] == "and 20 more"


def test_no_name_leaves_the_folder_of_projections(window, show, kept):
    with pytest.raises(ControlError, match="no name for a projection"):
        Stage(window, Player(show, STYLES), list, kept, "../x")


def test_in_a_low_window_h_turns_pages_on_which_every_key_is_found(window, show, kept):
    window.size_now = (640, 300)
    stage = Stage(window, Player(show, STYLES), list, kept, "wall")
    pages = 0
    while stage.key("h") or window.overlay is not None:
        assert window.overlay.shape[1] <= 640
        pages += 1
    assert pages > 1


def test_a_locked_stage_offers_no_way_out(window, show, kept):
    for locked in (False, True):
        texts = [line.text for line in Stage(window, Player(show, STYLES), list, kept, "w", locked=locked)._controls()]
        assert ("q   end" in texts) != locked


def test_a_projection_that_is_not_kept_is_said_and_not_lost(stage, kept, said, window):
    stage.key("p")
    stage.key("x")
    stage.key("p")
    assert said == ["the projection wall is not kept: p and enter keep it."]
    stage.close()
    assert "--projection wall_unkept" in said[-1]
    assert load_projection(kept, "wall_unkept").mirror
    stage.key("p")
    stage.key("enter")
    said.clear()
    stage.key("p")
    stage.close()
    assert not said


def test_what_was_said_stands_on_the_wall_while_it_is_laid_there(stage, window):
    stage.key("p")
    stage.key("h")
    bare = window.overlay.copy()
    stage.note("kept the projection wall")
    stage.key("tab")
    assert window.overlay[: 2 * MARGIN + LINE, 250:390].any()
    assert not bare[: 2 * MARGIN + LINE, 250:390].any()


def test_a_projection_is_kept_and_found_again(stage, window, kept, show, said):
    stage.key("p")
    assert window.card.shape == (360, 640, 3)
    stage.key("x")
    stage.key("enter")
    assert said == ["kept the projection wall"]
    stage.key("p")
    assert window.card is None
    assert window.view.mirror
    assert window.overlay is None
    other = Remembering()
    Stage(other, Player(show, STYLES), list, kept, "wall")
    assert other.view.mirror
    stage.key("x")
    assert window.view.mirror, "x is no key of the show"


def test_while_calibrating_arrows_move_points_and_styles_stay(stage, show, window):
    stage.key("p")
    stage.key("right")
    assert dict(show.controls.mix) == {"sea/wave": 1.0}
    assert window.view.warp is not None


def test_what_cannot_be_done_is_said_and_the_show_goes_on(stage, window, said):
    stage.key("f1")
    stage.key("p")
    stage.mouse("press", 0, 0)
    stage.mouse("move", 0.9, 0.9)
    assert said == ["the corners are turned inside out; keep each on its own side of the others."]
    assert window.view.warp is None


def test_a_projection_broken_by_hand_is_refused_at_once(window, show, kept):
    kept.save("wall", {**Projection().to_table(), "gamma": 99.0})
    with pytest.raises(ControlError, match="gamma is between"):
        Stage(window, Player(show, STYLES), list, kept, "wall")


def test_the_line_that_opens_the_wall_holds_no_bar_afterwards(stage, show, window):
    window.size_now = (640, 2000)
    stage.key("h")
    row = next(n for n, line in enumerate(stage._controls()) if line.text.startswith("p   "))
    at = 200 / 640, (MARGIN + (1 + row) * LINE + 5) / 2000
    stage.mouse("press", *at)
    assert window.card is not None
    stage.mouse("release", *at)
    stage.key("p")
    before = show.controls
    for row in range(2000 // LINE):
        stage.mouse("move", (MARGIN + 80) / 640, (MARGIN + row * LINE + 5) / 2000)
    assert show.controls == before
    for row in range(2000 // LINE):
        stage.mouse("press", 600 / 640, 0.99)  # where nothing is
        stage.mouse("move", (MARGIN + 80) / 640, (MARGIN + row * LINE + 5) / 2000)
    assert show.controls == before
