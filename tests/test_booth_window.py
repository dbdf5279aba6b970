"""`murai booth` as a host has it: a window on a screen, and one button for everything."""

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import PIL.Image
import pytest

from murai.booth.gallery import PAGES, shown_in
from murai.booth.settings import Settings, hash_pin
from tests.sinks.test_window import Player, display

__all__ = ["display"]
MURAI = [sys.executable, "-c", "from murai.cli import main; main()", "booth"]
START = 60


@pytest.fixture
def home(tiny_pack: Path, tmp_path: Path) -> Path:
    """A folder with the tiny pack and the settings of a booth that is quick."""
    styles = tmp_path / "murai" / "styles"
    styles.mkdir(parents=True)
    (styles / "tiny").symlink_to(tiny_pack)
    settings = Settings.model_validate(
        {
            "event": "Party",
            "source": "pattern",
            "size": "640x360",
            "styles": ["tiny/invert", "tiny/warm"],
            "pin": hash_pin("1357"),
            "waiting": {"countdown": 1, "idle": 60},
            "publishing": {"moderation": False},
            "pages": {"host": "127.0.0.1", "port": 0, "address": "127.0.0.1"},
        }
    )
    settings.save(tmp_path / "murai" / "booth.toml")
    return tmp_path


def environment(home: Path, display: str = "") -> dict[str, str]:
    folders = {"XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    return {"DISPLAY": display, "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(home), **folders}


class Visitor(Player):
    """`murai booth`, and the hands and eyes in front of it."""

    def __init__(self, display: str, home: Path) -> None:
        self.environment, self.picture = environment(home, display), home / "screen.bmp"
        self.process = subprocess.Popen(MURAI, env=self.environment, stderr=subprocess.PIPE, text=True)
        self.said = ""
        self.address = self.hear_match(r"pages for phones at (http://[\d.]+:\d+)/")

    def hear_match(self, pattern: str) -> str:
        assert self.process.stderr
        while not (found := re.search(pattern, self.said)):
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        return found[1]


def bright(screen: np.ndarray) -> float:
    """How much of the screen is the yellow of the button that goes on."""
    return float((np.abs(screen - (255, 196, 87)).max(2) < 12).mean())


@pytest.fixture
def visitor(display: str, home: Path) -> Iterator[Visitor]:
    one = Visitor(display, home)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


def test_a_visit_with_one_button_from_idle_to_the_picture_on_a_phone(visitor: Visitor, home: Path) -> None:
    gallery = home / "murai" / "booth" / "gallery"
    end = time.monotonic() + START

    def until(true, act=lambda: None):
        while not (found := true()):
            assert time.monotonic() < end, f"never; look at {visitor.picture}"
            act()
            time.sleep(0.3)
        return found

    until(lambda: bright(visitor.look(visitor.picture)) > 0.005)
    visitor.press("q", "Escape")
    assert visitor.process.poll() is None, "only the host ends it"

    def hammer() -> None:
        """One button, pressed whenever it may count."""
        visitor.press("space")
        time.sleep(1.6)

    (picture,) = until(lambda: shown_in(gallery, PAGES, 9), hammer)
    with sqlite3.connect(f"file:{gallery / 'gallery.sqlite'}?mode=ro", uri=True) as rows:
        assert rows.execute("SELECT key, kind FROM pictures").fetchall() == [(picture.key, "single")]
    with PIL.Image.open(picture.image) as image:
        assert 640 <= image.width < 700, "as wide as what was asked for, and paper around it"
    page = httpx.get(f"{visitor.address}/p/{picture.key}")
    assert page.status_code == 200
    assert httpx.get(f"{visitor.address}/p/{picture.key}/picture.jpg").content == picture.image.read_bytes()
    visitor.press("1", "3", "5", "7", "Return")
    _, said = visitor.process.communicate(timeout=START)
    assert visitor.process.returncode == 0
    assert "visits 1, pictures 1, shared 1, prints 0." in said
    assert picture.key not in visitor.said + said
    told = subprocess.run([*MURAI, "--statistics"], env=environment(home), capture_output=True, text=True, timeout=60)
    assert "visits 1, pictures 1, shared 1, prints 0." in told.stdout


def test_a_finger_and_a_phone_play_the_same_visit(visitor: Visitor) -> None:
    end = time.monotonic() + START
    while bright(visitor.look(visitor.picture)) < 0.005:
        assert time.monotonic() < end
    window = visitor.xdotool("search", "--name", "murai").split()[0]
    idle = visitor.look(visitor.picture)
    visitor.xdotool("mousemove", "--window", window, "300", "300", "click", "1")
    while np.abs(visitor.look(visitor.picture)[:60, 200:600] - idle[:60, 200:600]).max() < 200:
        assert time.monotonic() < end, "the prompt of choosing"
    assert httpx.get(f"{visitor.address}/visit?t=guess").status_code == 403
    visitor.process.terminate()
    _, said = visitor.process.communicate(timeout=START)
    assert visitor.process.returncode == 130
    assert "visits 1, pictures 0" in said


def test_a_booth_without_a_window_ends_by_itself(home: Path) -> None:
    command = [*MURAI, "--headless", "--seconds", "1", "--folder", str(home / "else")]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=START)
    assert done.returncode == 0, done.stderr
    assert "visits 0" in done.stderr
    assert (home / "else" / "gallery").is_dir()


@pytest.mark.parametrize(("moderation", "pin"), [(True, ""), (True, "1357"), (False, "")])
def test_who_cannot_agree_to_pictures_is_told(home: Path, moderation: bool, pin: str) -> None:
    file = home / "murai" / "booth.toml"
    changes = {"pin": hash_pin(pin) if pin else "", "publishing": {"moderation": moderation}}
    Settings.model_validate(Settings.load(file).model_dump() | changes).save(file)
    command = [*MURAI, "--headless", "--seconds", "0.1"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=START, cwd=home)
    assert ("waits for a host, who has no PIN" in done.stderr) is (moderation and not pin)
    assert ("/host" in done.stderr) is bool(pin)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"styles": ["nobody"]}, "there is no style 'nobody'"),
        ({"publishing": {"services": ["myspace"]}}, "there is no service 'myspace'"),
        ({"languages": ["klingon"]}, "does not speak 'klingon'"),
        ({"source": "nowhere.mp4"}, "nowhere.mp4"),
    ],
)
def test_what_cannot_be_is_one_sentence(home: Path, change: dict, words: str) -> None:
    file = home / "murai" / "booth.toml"
    Settings.model_validate(Settings.load(file).model_dump() | change).save(file)
    done = subprocess.run(
        [*MURAI, "--headless"], env=environment(home), capture_output=True, text=True, timeout=START, cwd=home
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_asked_for_line_by_line(home: Path) -> None:
    file = home / "party.toml"
    done = subprocess.run(
        [*MURAI, "--setup", "--settings", str(file)],
        input="Garden party\n\nsingle\n320x180\npattern\n",
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=START,
    )
    assert done.returncode == 0, done.stderr
    assert Settings.load(file).event == "Garden party"
    assert Settings.load(file).kinds == ("single",)
    assert "it works: 320x180 at 30 pictures a second." in done.stderr
    assert f"start it: murai booth --settings {file}" in done.stderr.replace("\n", "")
