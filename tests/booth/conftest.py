"""A gallery with pictures, its pages on a server, and a browser to look at them."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import PIL.Image
import pytest

from murai.booth.gallery import PAGES, SLIDESHOW, Gallery
from murai.booth.hosting import Channel, Desk, Trouble
from murai.booth.pages import Pages
from murai.booth.visiting import Offer, Scene
from murai.booth.words import load_words
from murai.control.access import Address
from murai.errors import BoothError

PIN = "271828"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
EVERYWHERE = (PAGES, SLIDESHOW)
TITLES = {"sea/wave": "The Great Wave", "night/stars": "The Starry Night"}


def painting(number: int = 0, size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """Broad strokes of a colour that is different for every number: width x height as given."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    waves = np.sin(x * 9 / width + number) + np.cos(y * 7 / height - number * 2) + np.sin((x + y) * 12 / width)
    base = np.array([(number * 67) % 256, (number * 131 + 80) % 256, (number * 29 + 160) % 256])
    return np.clip(base + waves[..., None] * [40, 30, 50], 0, 255).astype(np.uint8)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def gallery(tmp_path: Path, said: list[str]) -> Iterator[Gallery]:
    gallery = Gallery(tmp_path / "gallery", said.append)
    yield gallery
    gallery.close()


class Visitor:
    """The visit as a phone sees it: it notes what was pressed."""

    token = "t-0000"

    def __init__(self, previews: dict[str, bytes]) -> None:
        self.pressed: list[tuple[str, str, int | None]] = []
        self.state, self.style, self.key = "choose", "night/stars", ""
        self.previews = previews

    def scene(self) -> Scene:
        styles = [
            Offer("style", TITLES[name], name, preview, chosen=name == self.style)
            for name, preview in self.previews.items()
        ]
        kinds = [Offer("kind", "One picture", "single", chosen=True), Offer("kind", "Moving", "boomerang")]
        offers = {
            "choose": [*styles, *kinds, Offer("button", "Take the picture"), Offer("cancel", "Stop")],
            "countdown": [Offer("cancel", "Stop")],
            "done": [Offer("print", "Print it"), Offer("cancel", "Finish")],
        }
        prompts = {"choose": "Choose a painting", "countdown": "Look at the camera", "done": "It is yours!"}
        return Scene(len(self.pressed), prompts[self.state], offers[self.state], self.key)

    def hear(self, event: str, value: str, serial: int) -> str:
        self.pressed.append((event, value, serial))
        if event == "style":
            self.style = value
        elif event == "button":
            self.state = "countdown"
        return ""


class Host:
    """The booth as its host sees it: it notes what was asked of it."""

    def __init__(self, gallery: Gallery) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.gallery = gallery
        self.channels: list[Channel] = []
        self.said: list[tuple[float, str]] = []
        self.figures = {"visits": 0, "pictures": 0}
        self.styles: dict[str, int] = {}
        self.kinds: dict[str, int] = {}
        self.printer, self.trouble = "", False

    def desk(self) -> Desk:
        return Desk(
            "choose", self.figures, self.styles, self.kinds, self.channels, self.printer, self.trouble, self.said
        )

    def approve(self, key: str) -> None:
        self.gallery.decide(key, True)

    def refuse(self, key: str) -> None:
        self.gallery.decide(key, False)

    def delete(self, key: str) -> None:
        self.gallery.delete(key)

    def retry(self, service: str) -> None:
        self.asked.append(("retry", service))

    def pause(self, service: str) -> None:
        if service == "x":
            raise BoothError("x cannot be paused now.")
        self.asked.append(("pause", service))

    def resume(self, service: str) -> None:
        self.asked.append(("resume", service))

    def settle(self, service: str, key: str, there: bool) -> None:
        self.asked.append(("settle", service, key, str(there)))


TROUBLE = Trouble("some key", "unsure", "Mastodon did not say whether it took the picture; look there.", unsure=True)


@pytest.fixture
def visitor() -> Visitor:
    previews = {name: io.BytesIO() for name in TITLES}
    for number, preview in enumerate(previews.values()):
        PIL.Image.fromarray(painting(number, (320, 240))).save(preview, "JPEG")
    return Visitor({name: preview.getvalue() for name, preview in previews.items()})


@pytest.fixture
def host(gallery: Gallery) -> Host:
    return Host(gallery)


@pytest.fixture
def serve(gallery: Gallery, visitor: Visitor, host: Host, said: list[str]) -> Iterator[Callable[..., Pages]]:
    """Opens pages with what is given in another way than usual."""
    opened: list[Pages] = []

    def serve(**changes: Any) -> Pages:
        usual = {
            "words": [load_words("en"), load_words("fr")],
            "event": "Summer party",
            "titles": TITLES,
            "days": 30.0,
            "visiting": visitor,
            "hosting": host,
            "knows_pin": lambda pin: pin == PIN,
            "say": said.append,
        }
        opened.append(Pages(gallery, Address("127.0.0.1", 0), **usual | changes))
        return opened[-1]

    yield serve
    for pages in opened:
        pages.close()


@pytest.fixture
def pages(serve: Callable[..., Pages]) -> Pages:
    return serve()


def asking(pages: Pages) -> httpx.Client:
    """Who asks these pages."""
    return httpx.Client(base_url=f"http://127.0.0.1:{pages.port}")


@pytest.fixture
def client(pages: Pages) -> Iterator[httpx.Client]:
    with asking(pages) as client:
        yield client


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser, the system's own."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Any, pages: Pages) -> Iterator[Callable[..., Any]]:
    """Opens a page of the booth as a phone or a computer does; a script that fails, fails the test."""
    contexts, errors = [], []

    def browse(path: str, size: dict[str, int] = PHONE, **options: Any) -> Any:
        context = chromium.new_context(
            viewport=size, base_url=f"http://127.0.0.1:{pages.port}", locale=options.pop("locale", "en-GB"), **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(path)
        return page

    yield browse
    for context in contexts:
        context.close()
    assert errors == []
