"""Setting a booth up: question after question, each answer tried at once."""

import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import PIL.Image
from pydantic import ValidationError
from rich.console import Console
from rich.prompt import Prompt

from murai.booth.frames import PAGES, open_look, page, write_page
from murai.booth.printing import Printer, printers
from murai.booth.settings import Pictures, Settings, hash_pin, reason
from murai.booth.shots import Shot, compose
from murai.booth.visit import KINDS
from murai.booth.words import bundled, load_words
from murai.errors import MuraiError, Say
from murai.frame import Image
from murai.parts import Source
from murai.pictures import save_picture
from murai.publish import SERVICES, open_service
from murai.publish.credentials import Keeper
from murai.sinks.whole import WholeFile

TRIES = 3
"""How often something is asked that does not work, before it stays as it was."""
SAMPLE = (1280, 720)
NONE = "none"


class Opened(Protocol):
    """A window that is only opened to see whether it can be."""

    def close(self) -> None:
        """Close it."""


@dataclass(frozen=True)
class Places:
    """How what is asked for is tried: each raises MuraiError where it does not work.

    `paint` gives a picture in a style, the usual one where it is empty, with the title and the artist of that.
    """

    source: Callable[[str, str], Source]
    window: Callable[[str | None], Opened]
    style: Callable[[str], object]
    paint: Callable[[str, Image], tuple[Image, str, str]]
    accounts: Keeper


class Setup:
    """Asks a host, on a terminal or line by line from standard input, for the settings of a booth.

    Every question has a default, which is what `settings` say; an answer that is empty takes it.
    """

    def __init__(self, settings: Settings, places: Places, say: Say, console: Console | None = None) -> None:
        self._settings, self._places, self._say = settings, places, say
        self._console = console or Console(stderr=True, highlight=False)
        self._frame: Image | None = None
        self._folder = Path()
        self._test_page = False

    def run(self, file: Path) -> Settings:
        """Ask for everything, and write it to `file`, whole; where the host stops before the end nothing is written.

        Names of files begin where `file` lies, as they do when it is read.
        """
        self._folder = file.absolute().parent
        for ask in (
            self._event,
            self._camera,
            self._screen,
            self._styles,
            self._pictures,
            self._sharing,
            self._printing,
            self._pin,
        ):
            self._console.print()
            ask()
        self._settings.save(file)
        self._say(f"wrote {file}.")
        try:
            self._sample(file)
        except (MuraiError, OSError) as error:
            self._say(f"no picture can be shown yet: {error}")
        return self._settings

    # The questions

    def _event(self) -> None:
        self._ask("What is the event called, on every picture?", "event")
        known = f"languages, the first for new visitors; there are {', '.join(bundled())}"
        self._ask(f"Which {known}?", "languages", lambda: [load_words(name) for name in self._found.languages])
        self._ask(f"Which kinds of pictures? There are {', '.join(KINDS)}.", "kinds")

    def _camera(self) -> None:
        self._ask("Which size is a camera asked for, WIDTHxHEIGHT in pixels?", "size")
        self._ask("Which camera? camera, camera:DEVICE, clip, a URL or a file.", "source", self._try_camera)

    def _try_camera(self) -> None:
        with closing(self._places.source(self._settings.source, self._settings.size)) as source:
            frame = next(iter(source), None)
        if frame is None:
            raise MuraiError(f"{self._settings.source} gives no picture; name another one.")
        if isinstance(frame.image, np.ndarray):
            self._frame = frame.image.copy()
        self._say(f"it works: {frame.width}x{frame.height} at {float(source.info.rate):g} pictures a second.")

    def _screen(self) -> None:
        question = f"Which monitor? Its number, a part of its name, or {NONE} for the first."
        self._ask(question, "screen.monitor", lambda: self._places.window(self._settings.screen.monitor).close())
        self._ask("Does it fill the whole screen?", "screen.fullscreen")
        self._ask("Which key does the button of the booth send?", "button")

    def _styles(self) -> None:
        question = f"Which styles? Names as murai styles list has them, or {NONE} for all."
        self._ask(question, "styles", lambda: [self._places.style(name) for name in self._settings.styles])

    def _pictures(self) -> None:
        def try_frame() -> None:
            open_look("", Pictures(frame=self._found.pictures.frame))

        def try_logo() -> None:
            open_look("", Pictures(logo=self._found.pictures.logo))

        self._ask(f"A frame, a PNG with transparent parts, or {NONE}?", "pictures.frame", try_frame)
        self._ask(f"A logo, or {NONE}?", "pictures.logo", try_logo)
        self._ask("The caption? {style}, {artist} and {event} are filled in.", "pictures.caption")

    def _sharing(self) -> None:
        known = f"there are {', '.join(SERVICES)}, or {NONE}"
        self._ask(f"Where are pictures published that visitors share? {known}.", "publishing.services", self._accounts)
        self._ask("Does the host agree to each picture before it is published?", "publishing.moderation")
        self._ask(
            f"The monitor of a slideshow of what was shared, or {NONE}?", "slideshow.monitor", self._try_slideshow
        )
        self._ask("Pages for phones, so that visitors take their pictures home?", "pages.on")

    def _try_slideshow(self) -> None:
        if monitor := self._settings.slideshow.monitor:
            self._places.window(monitor).close()

    def _accounts(self) -> None:
        for name in self._settings.publishing.services:
            service = open_service(name, self._places.accounts)
            try:
                self._say(f"{name}: logged in as {service.account()}.")
            except MuraiError as error:  # it can be mended later, and nothing is lost until then
                self._say(f"{name}: {error}")

    def _printing(self) -> None:
        try:
            known = ", ".join(printers()) or "none that the system knows"
        except MuraiError as error:
            known = str(error)
        self._ask(f"Which printer, or {NONE}? There is: {known}", "printing.printer", self._try_printer)
        if self._settings.printing.printer:
            self._ask(f"Which page does it print on? There are {', '.join(PAGES)}.", "printing.page")
            self._ask("How many copies may one visitor have?", "printing.copies")
            self._test_page = self._agreed("Print a test page, once all is asked?")

    def _try_printer(self) -> None:
        if name := self._settings.printing.printer:
            state = Printer(name).state()
            self._say(f"{name}: {state.words}.")

    def _pin(self) -> None:
        """A PIN is asked for without being shown, and the one that is there stays where nothing is said."""
        kept = "as it is" if self._settings.pin else "no host page"
        for _ in range(TRIES):
            pin = self._answer(f"A PIN for the host, 4 to 12 digits; nothing for {kept}", "", hidden=True)
            if not pin:
                return
            try:
                self._change("pin", hash_pin(pin))
                return
            except MuraiError as error:
                self._say(str(error))

    # How they are asked

    def _ask(self, question: str, name: str, try_it: Callable[[], object] = lambda: None) -> None:
        """Ask for the setting TABLE.NAME until it works, but not for ever: it stays as it was then."""
        before = self._settings
        for left in reversed(range(TRIES)):
            try:
                self._change(name, self._given(question, self._value(name)))
                try_it()
                return
            except MuraiError as error:
                self._settings = before
                self._say(f"{error}" if left else f"{error} It stays as it was; see to it later.")

    def _given(self, question: str, now: Any) -> Any:
        """The answer, as what it is now."""
        if isinstance(now, bool):
            return self._yes(question, now)
        words = NONE if now in (None, "", ()) else ", ".join(map(str, now)) if isinstance(now, tuple) else str(now)
        text = self._answer(question, words)
        if isinstance(now, tuple):
            return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != NONE)
        if text == NONE:
            return None if now is None or isinstance(now, Path) else ""
        return text

    def _answer(self, question: str, default: str, *, hidden: bool = False) -> str:
        stream = None if sys.stdin.isatty() else sys.stdin
        with suppress(EOFError):
            text = Prompt.ask(
                question,
                console=self._console,
                default=default,
                show_default=bool(default),
                password=hidden and stream is None,
                stream=stream,
            )
            return text.strip() or default  # rich takes an empty line of a file for an answer
        return default

    def _yes(self, question: str, now: bool) -> bool:
        text = self._answer(f"{question} y or n", "y" if now else "n").lower()
        if text not in ("y", "yes", "n", "no"):
            raise MuraiError(f"'{text}' is neither y nor n.")
        return text.startswith("y")

    def _agreed(self, question: str) -> bool:
        """A yes to something that is no setting; nothing is a no."""
        for _ in range(TRIES):
            try:
                return self._yes(question, False)
            except MuraiError as error:
                self._say(str(error))
        return False

    @property
    def _found(self) -> Settings:
        """The settings with names of files that begin where the settings will lie."""
        return self._settings.beside(self._folder)

    def _value(self, name: str) -> Any:
        value: Any = self._settings
        for part in name.split("."):
            value = getattr(value, part)
        return value

    def _change(self, name: str, value: Any) -> None:
        """Set TABLE.NAME. Raises MuraiError for what it cannot be; it stays as it was then."""
        table, _, field = name.rpartition(".")
        values = self._settings.model_dump()
        (values[table] if table else values)[field] = value
        try:
            self._settings = Settings.model_validate(values)
        except ValidationError as error:
            raise MuraiError(f"{reason(error)}.") from None

    def _sample(self, file: Path) -> None:
        """A picture of what visitors take home, to look at."""
        image = np.full((SAMPLE[1], SAMPLE[0], 3), 128, np.uint8) if self._frame is None else self._frame
        look = open_look(self._settings.event, self._found.pictures)
        painted, title, artist = self._painted(image)
        caption = look.text(load_words(self._found.languages[0]).painting(title), artist)
        kept = compose("single", [Shot(painted, image)], look, caption)
        sample = WholeFile(file.with_name(f"{file.stem}-sample.jpg"), overwrite=True)
        save_picture(PIL.Image.fromarray(kept.image), sample.temporary, quality=92)
        sample.commit()
        self._say(f"a picture will look like {sample.path}.")
        if self._test_page:
            self._print(kept.image)

    def _painted(self, image: Image) -> tuple[Image, str, str]:
        """`image` in the first of the styles, with its title and artist; as it is where that does not work."""
        style = next(iter(self._settings.styles), "")
        try:
            return self._places.paint(style, image)
        except MuraiError as error:
            self._say(f"the picture is not painted: {error}")
            return image, style.rpartition("/")[2].replace("_", " "), ""

    def _print(self, image: Image) -> None:
        """A test page."""
        printing = self._settings.printing
        try:
            printer = Printer(printing.printer)
            with TemporaryDirectory(prefix="murai-") as folder:
                sheet = Path(folder) / "page.jpg"
                write_page(page(image, printing.page), sheet)
                printer.print(sheet, printing.page)
            self._say(f"a test page was sent to {printer.name}: {printer.settled().words}.")
        except (MuraiError, OSError) as error:
            self._say(f"no test page came: {error}")
