"""What was shared, on a screen: the order, what is drawn, and a real window of another process."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import font_roboto
import numpy as np
import PIL.Image
import pytest

from murai.booth.gallery import PAGES, SLIDESHOW, Gallery, Picture
from murai.booth.letters import use
from murai.booth.settings import Settings
from murai.booth.slideshow import WALL, Order, Slideshow
from murai.booth.words import load_words
from murai.cli import run
from murai.cli.booth import _slideshow
from murai.errors import Say, silent
from tests.booth.visits import booth

from .conftest import EVERYWHERE, painting

SIZE = (640, 360)
BASE = "http://192.168.1.20:8080"


def share(gallery: Gallery, number: int, size: tuple[int, int] = (320, 240)) -> Picture:
    picture = gallery.add(painting(number, size), style="wave", kind="single")
    gallery.consent(picture.key, EVERYWHERE)
    return picture


def numbers(order: Order, gallery: Gallery, count: int) -> list[int]:
    return [picture.number for _ in range(count) if (picture := order.next(gallery.shown(100)))]


def show(gallery: Gallery, base: str = "", language: str = "en") -> Slideshow:
    return Slideshow(gallery.folder, "Summer party", load_words(language), lambda: base, lambda style: "The Great Wave")


def test_they_go_round_from_the_newest_and_new_ones_come_at_once(gallery: Gallery) -> None:
    order = Order()
    assert numbers(order, gallery, 3) == []
    pictures = [share(gallery, number) for number in range(4)]
    assert numbers(order, gallery, 6) == [4, 3, 2, 1, 4, 3]
    share(gallery, 5)
    share(gallery, 6)
    assert numbers(order, gallery, 4) == [5, 6, 5, 4]
    gallery.delete(pictures[2].key)
    assert numbers(order, gallery, 4) == [2, 1, 6, 5]


def test_what_the_host_agrees_to_late_is_new(gallery: Gallery) -> None:
    late = gallery.add(painting(), style="wave", kind="single")
    gallery.consent(late.key, EVERYWHERE, approved=False)
    share(gallery, 1)
    share(gallery, 2)
    order = Order()
    assert numbers(order, gallery, 1) == [3]
    gallery.decide(late.key, True)
    assert numbers(order, gallery, 3) == [1, 3, 2]


@pytest.mark.parametrize("size", [(320, 240), (100, 400), (3000, 300)])
def test_a_slide_has_the_picture_and_a_code_of_its_page(gallery: Gallery, size: tuple[int, int]) -> None:
    picture = share(gallery, 3, size)
    slide = show(gallery, BASE).slide((1280, 720))
    assert (slide.shape, slide.dtype) == ((720, 1280, 3), np.uint8)
    assert cv2.QRCodeDetector().detectAndDecode(slide)[0] == f"{BASE}/g/{picture.number}"
    rows, columns = np.nonzero((slide[:580] != WALL).any(2))
    box = slide[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert box.shape[1] / box.shape[0] == pytest.approx(size[0] / size[1], rel=0.03)
    expected = np.asarray(PIL.Image.fromarray(painting(3, size)).resize(box.shape[1::-1]))
    assert np.abs(box.astype(int) - expected).mean() < 8
    assert len(np.unique(slide[600:, :500])) > 10  # the name of the event


def test_without_a_network_there_is_no_code(gallery: Gallery) -> None:
    share(gallery, 3)
    assert cv2.QRCodeDetector().detectAndDecode(show(gallery).slide((1280, 720)))[0] == ""


def test_a_card_invites_while_nothing_is_shared(gallery: Gallery) -> None:
    gallery.add(painting(), style="wave", kind="single")  # not shared
    card = show(gallery).slide(SIZE)
    assert (card[0, 0] == WALL).all()
    assert 0.01 < (card != WALL).any(2).mean() < 0.3
    assert not np.array_equal(card, show(gallery, language="fr").slide(SIZE))


def test_what_vanishes_meanwhile_is_stepped_over(gallery: Gallery) -> None:
    first, second = share(gallery, 1), share(gallery, 2)
    second.image.unlink()
    slides = show(gallery)
    one = slides.slide(SIZE)
    first.image.unlink()
    assert not np.array_equal(one, slides.slide(SIZE))  # the card


def test_a_tiny_window(gallery: Gallery) -> None:
    share(gallery, 1)
    for size in ((16, 16), (40, 16), (16, 300)):
        assert show(gallery, BASE).slide(size).shape[:2] == size[::-1]


def test_a_gallery_that_was_closed_is_still_shown(gallery: Gallery) -> None:
    share(gallery, 1)
    gallery.close()
    assert (show(gallery).slide(SIZE)[100, 320] != WALL).any()


def test_where_no_visitor_was_asked_about_a_slideshow_that_is_said_once(gallery: Gallery, said: list[str]) -> None:
    slides = Slideshow(gallery.folder, "Party", load_words("en"), say=said.append)
    private = gallery.add(painting(), style="wave", kind="single")
    slides.slide(SIZE)
    assert said == []
    gallery.consent(private.key, [PAGES], approved=False)
    slides.slide(SIZE)
    slides.slide(SIZE)
    (sentence,) = said
    assert "where on = true stands in the table [slideshow] of booth.toml" in sentence


def test_of_what_waits_for_the_host_nothing_is_said(gallery: Gallery, said: list[str]) -> None:
    slides = Slideshow(gallery.folder, "Party", load_words("en"), say=said.append)
    for places in ([PAGES], EVERYWHERE):
        held = gallery.add(painting(), style="wave", kind="single")
        gallery.consent(held.key, places, approved=False)
    slides.slide(SIZE)
    assert said == []


@pytest.mark.parametrize(
    ("slideshow", "asked"), [({}, False), ({"on": True}, True), ({"monitor": "2"}, True), ({"on": False}, False)]
)
def test_visitors_are_asked_about_a_slideshow_where_there_is_one(
    tmp_path: Path, tiny_pack: Path, slideshow: dict[str, Any], asked: bool
) -> None:
    with booth(tmp_path, tiny_pack, slideshow=slideshow) as one:
        assert (SLIDESHOW in one.places) is asked
        assert one.offers.asks is asked


def test_the_font_of_the_booth_is_that_of_its_slideshow(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arguments are those that it is started with."""
    started: list[list[str]] = []
    cards: list[np.ndarray] = []

    def start(arguments: list[str], say: Say) -> Any:
        started.append(arguments)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr("murai.booth.companion.Companion", start)
    monkeypatch.setattr("murai.sinks.window.WindowSink", lambda *_, **__: None)
    monkeypatch.setattr(Slideshow, "run", lambda self, *_: cards.append(self.slide(SIZE)))
    one: Any = SimpleNamespace(pages=None, say=silent)
    for font in (None, Path(font_roboto.RobotoMediumItalic)):
        settings = Settings.model_validate({"font": font, "slideshow": {"monitor": "2"}})
        with ExitStack() as stack:
            _slideshow(settings, gallery.folder.parent, one, stack)
        assert run(started[-1]) == 0
    use(None)
    assert started[-1][-2:] == ["--font", font_roboto.RobotoMediumItalic]
    assert not np.array_equal(*cards)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if not shutil.which("Xvfb"):
        pytest.skip("there is no virtual display here")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "640x360x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with open(reading) as told:
            yield f":{told.readline().strip()}"
        server.terminate()


def grabbed(display: str, until: Callable[[np.ndarray], bool]) -> np.ndarray:
    """The screen, as soon as it looks as it should."""
    from PIL import ImageGrab

    end = time.monotonic() + 30
    while True:
        screen = np.asarray(ImageGrab.grab(xdisplay=display).convert("RGB"))
        if until(screen):
            return screen
        assert time.monotonic() < end, "the screen never looked like that"
        time.sleep(0.05)


def test_a_second_process_shows_new_pictures_and_ends_when_told(gallery: Gallery, display: str) -> None:
    def shared() -> Callable[[np.ndarray], bool]:
        middle = (slice(20, 280), slice(150, 490))
        expected = show(gallery).slide(SIZE)[middle].astype(int)
        return lambda screen: bool(np.abs(screen[middle] - expected).mean() < 3)

    def is_card(screen: np.ndarray) -> bool:
        return bool((screen[5, 5] == WALL).all() and (screen != WALL).any(2).mean() > 0.01)

    command = [sys.executable, "-m", "murai", "slideshow", str(gallery.folder), "--event", "Party", "--seconds", "0.3"]
    command += ["--port", "8080", "--address", "192.168.1.20"]
    environment = {**os.environ, "DISPLAY": display}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            grabbed(display, is_card)
            first = share(gallery, 1)
            grabbed(display, shared())
            gallery.delete(first.key)
            grabbed(display, is_card)
            second = share(gallery, 2)
            screen = grabbed(display, shared())
            large = cv2.resize(screen, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
            assert cv2.QRCodeDetector().detectAndDecode(large)[0] == f"http://192.168.1.20:8080/g/{second.number}"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert re.fullmatch(r"showing what was shared in .*\nended\.\n", process.stderr.read())
    assert [picture.number for picture in gallery.shown(5)] == [second.number]


def test_it_ends_with_the_program_that_started_it(gallery: Gallery, display: str, tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-m', 'murai', 'slideshow', *sys.argv[1:]]).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", starter, str(gallery.folder), "--attached"]
    environment = {**os.environ, "DISPLAY": display}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        grabbed(display, lambda screen: bool((screen[5, 5] == WALL).all()))
        process.kill()
    end = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.05)
