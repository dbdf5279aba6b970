"""`murai live` as a user has it: a window on a screen, played by the keys, with two packs of their own."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from murai.sources.pattern import PatternSource
from murai.stylizers.compose import keep_colors, mix
from tests.packs_support import STYLES, make_pack, paint, vector
from tests.sinks.test_window import SCREEN, Player, display

__all__ = ["display"]
PICTURE = np.s_[0:450, 0:800]
"""Where the window shows the picture: it takes the width of the screen, and nothing moves it from its corner."""
START = 60  # seconds until the first picture on a machine that has much else to do


def looks() -> dict[str, np.ndarray]:
    """The mean colour of the pattern in each way it can be painted here."""
    plain = next(iter(PatternSource(320, 180, live=False))).image
    pictures = {name: paint(plain, vector(name)) for name in STYLES}
    pictures["faithful"], pictures["bold"] = (paint(plain, vector("night", boldness)) for boldness in (0.0, 1.0))
    pictures["half"] = mix(plain, pictures["night"], 0.5)
    pictures["kept"] = keep_colors(plain, pictures["night"])
    return {name: image.mean((0, 1)) for name, image in (pictures | {"plain": plain}).items()}


LOOKS = looks()


def look(screen: np.ndarray) -> str:
    """Which way of painting the screen shows: the one with the nearest mean colour."""
    mean = screen[PICTURE].mean((0, 1))
    return min(LOOKS, key=lambda name: float(np.abs(LOOKS[name] - mean).max()))


class Show(Player):
    """`murai live`, and the hands and eyes in front of it."""

    def __init__(self, display: str, data: Path, folder: Path) -> None:
        self.data = folder
        folders = {"XDG_DATA_HOME": str(data), "XDG_CONFIG_HOME": str(folder)}
        self.environment = {"DISPLAY": display, "PATH": "/usr/bin:/bin:/usr/local/bin", **folders}
        self.picture = folder / "screen.bmp"
        murai = [sys.executable, "-c", "from murai.cli import main; main()"]
        options = ["--source", "pattern", "--style", "tiny/invert", "--precision", "f32", "--size", "320x180"]
        self.process = subprocess.Popen(
            [*murai, "live", *options], env=self.environment, stderr=subprocess.PIPE, text=True
        )

    def screen(self) -> np.ndarray:
        return self.look(self.picture)

    def wait_for(self, seen: Callable[[np.ndarray], bool]) -> np.ndarray:
        return self.until_seen(self.picture, seen)

    def begin(self) -> "Show":
        end = time.monotonic() + START
        while look(self.screen()) != "invert":
            assert time.monotonic() < end, f"no painting, look at {self.picture}"
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
        return self

    def end(self) -> str:
        """What it said on standard error, once it ended by itself."""
        _, said = self.process.communicate(timeout=30)
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def packs(tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the packs dusk (warm, night) and tiny (invert, warm)."""
    data = tmp_path_factory.mktemp("data")
    styles = data / "murai" / "styles"
    styles.mkdir(parents=True)
    make_pack(styles / "dusk", "dusk", ("warm", "night"))
    (styles / "tiny").symlink_to(tiny_pack)
    return data


def test_q_ends_the_show_with_its_figures(display: str, packs: Path, tmp_path: Path) -> None:
    one = Show(display, packs, tmp_path)
    try:
        one.begin().press("q")
        said = one.end()
    finally:
        one.kill()
    assert one.process.returncode == 0
    figures = re.search(r"(\d+) painted.* ([\d.]+) fps in, ([\d.]+) out; delay (\d+) ms", said)
    assert figures, said
    assert all(float(figure) > 0 for figure in figures.groups())


@pytest.fixture(scope="module")
def show(display: str, packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """A show that the tests of this file share; each leaves it as it found it, in tiny/invert."""
    one = Show(display, packs, tmp_path_factory.mktemp("screens"))
    try:
        yield one.begin()
    finally:
        one.kill()


def test_left_and_right_walk_through_the_styles_of_all_packs(show: Show) -> None:
    for key, style in (("Right", "warm"), ("Left", "invert"), ("Left", "night"), ("Left", "warm")):
        show.press(key)
        show.wait_for(lambda screen, style=style: look(screen) == style)
    show.press("Right", "Right")
    show.wait_for(lambda screen: look(screen) == "invert")


def test_up_and_down_play_the_strength_and_c_keeps_the_colours(show: Show) -> None:
    show.press("Left")
    show.wait_for(lambda screen: look(screen) == "night")
    show.press(*["Down"] * 5)
    show.wait_for(lambda screen: look(screen) == "half")
    show.press(*["Down"] * 7)
    show.wait_for(lambda screen: look(screen) == "plain")
    show.press(*["Up"] * 12)
    show.wait_for(lambda screen: look(screen) == "night")
    show.press("c")
    show.wait_for(lambda screen: look(screen) == "kept")
    show.press("c", "Right")
    show.wait_for(lambda screen: look(screen) == "invert")


def test_y_and_u_play_the_boldness(show: Show) -> None:
    show.press("Left")
    for keys, style in ((["u"] * 5, "bold"), (["y"] * 12, "faithful"), (["u"] * 5, "night")):
        show.press(*keys)
        show.wait_for(lambda screen, style=style: look(screen) == style)
    show.press("Right")
    show.wait_for(lambda screen: look(screen) == "invert")


def test_space_holds_the_picture_and_lets_it_go(show: Show) -> None:
    def moves() -> bool:
        before = show.screen()
        time.sleep(0.5)
        return not np.array_equal(before, show.screen())

    assert moves()
    show.press("space")
    held = [show.screen()]
    while len(held) < 2 or not np.array_equal(held[-1], held[-2]):
        assert len(held) < 50, "it is not held"
        held.append(show.screen())
    assert not moves()
    assert look(held[-1]) == "invert"
    show.press("space")
    show.wait_for(lambda screen: not np.array_equal(screen, held[-1]))
    assert moves()


def dark(screen: np.ndarray, place: tuple[slice, slice], before: np.ndarray) -> bool:
    """Whether a panel lies there: much darker than before."""
    return float(screen[place].mean()) < 0.6 * float(before[place].mean())


PANEL = np.s_[2:8, 2:200]
"""The margin of a panel, in which nothing is written."""


def test_h_shows_every_control_and_the_mouse_plays_them(show: Show) -> None:
    window = show.xdotool("search", "--name", "murai").split()[0]
    for line, style in ((1, "night"), (3, "warm"), (2, "invert")):  # dusk/warm and dusk/night, then tiny's
        before = show.screen()
        show.press("h")
        show.wait_for(lambda screen, before=before: dark(screen, PANEL, before))
        show.xdotool("mousemove", "--window", window, "100", str(10 + 22 * (1 + line) + 11), "click", "1")
        show.press("h", "h")  # past its second page
        show.wait_for(lambda screen, style=style: look(screen) == style)


def test_o_shows_the_read_out(show: Show) -> None:
    before = show.screen()
    show.press("o")
    show.wait_for(lambda screen: dark(screen, PANEL, before))
    show.press("o")
    show.wait_for(lambda screen: not dark(screen, PANEL, before))


def test_p_lays_the_picture_on_a_wall_and_enter_keeps_it(show: Show) -> None:
    show.press("p")
    show.wait_for(lambda screen: bool(screen[225, 20:100].min() > 200))  # the line across
    window = show.xdotool("search", "--name", "murai").split()[0]
    show.xdotool("mousemove", "--window", window, "1", "1", "mousedown", "1")
    show.xdotool("mousemove", "--window", window, "200", "100", "mouseup", "1")
    show.press("Return")
    show.press("p")
    screen = show.wait_for(lambda screen: look(screen) != "plain" and bool(screen[20:40, 20:40].max() < 10))
    assert screen[120:140, 220:240].max() > 10, "the picture begins where its corner was dragged to"
    assert "corners" in (show.data / "murai" / "projections" / "screen.toml").read_text()
    show.press("p", "BackSpace", "Return", "p")
    show.wait_for(lambda screen: bool(screen[20:40, 20:40].max() > 10))


def test_f_fills_the_screen_and_gives_it_back(show: Show) -> None:
    def rows(screen: np.ndarray) -> tuple[int, int]:
        """The first and the last row with a picture."""
        there = np.flatnonzero(screen.max((1, 2)) > 8)
        return int(there[0]), int(there[-1])

    assert rows(show.screen()) == (0, 449)
    show.press("f")
    show.wait_for(lambda screen: rows(screen) == (75, 524))
    show.press("f")
    show.wait_for(lambda screen: rows(screen) == (0, 449))
    assert SCREEN == (800, 600)
