"""The booth put together: a live show, a visit, what the visitor sees, and what becomes of the pictures."""

import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from murai.booth.desk import Desk, Take, named
from murai.booth.display import Display, Window
from murai.booth.frames import open_look
from murai.booth.gallery import PAGES, SLIDESHOW, Gallery
from murai.booth.host import Host, Sayings
from murai.booth.ledger import Ledger
from murai.booth.letters import missing, use
from murai.booth.pages import Pages
from murai.booth.phone import Phone, previews
from murai.booth.printing import Printer
from murai.booth.screen import Scene, Screen
from murai.booth.settings import Settings, knows_pin
from murai.booth.shots import Catcher, Shot
from murai.booth.statistics import statistics
from murai.booth.tries import Tries
from murai.booth.visit import SHOTS, Do, Moment, Offers, Times, Visit
from murai.booth.words import Words, load_words
from murai.control.access import Address
from murai.errors import BoothError, MuraiError, Say, silent
from murai.packs import StylePack
from murai.parts import Sink, Source, Stylizer
from murai.pipeline import Pipeline
from murai.publish import SERVICES, Outbox, Publisher, Service

FADE = 0.6
"""Seconds from one style to the next."""
TICK = 0.03
"""Seconds between two looks at what happened, where no window asks for them."""
LOOK_EVERY = 60.0
"""Seconds between two looks at the address that phones reach, while nobody is there."""
DIGITS_FOR = 10.0
"""Seconds after which a digit is forgotten that somebody pressed."""
STAYS = 5.0
"""Seconds that are left to a visitor when more are given for a picture that is not kept yet."""
AWAY_SECONDS = 5.0
"""Seconds for which the camera is lost before the host hears of it."""
LONGEST_WAIT = 30.0
"""Seconds that a host waits after many wrong PINs, whoever typed them."""
TIDY_EVERY, FOLLOW_EVERY = 300.0, 3.0
PATIENCE = 10.0
"""Seconds for the show to end."""
LETTERS = 12
"""At most so many are named that the typeface lacks."""
OUTBOX, LEDGER = "outbox.sqlite", "booth.sqlite"
KEYS = {
    "enter": "button",
    "left": "previous",
    "right": "next",
    "up": "kind-before",
    "down": "kind",
    "l": "language",
    "r": "retake",
    "y": "yes",
    "n": "no",
    "p": "print",
    "backspace": "cancel",
}
"""What keys do, beside the button of the settings. Digits and then enter are the host's PIN, which ends the booth."""


class Booth:
    """A booth from construction to `close`. `run` plays it; or call `tick` again and again, and `hear` for what is
    pressed.

    source, stylizer   the mirror; the stylizer paints PACK/NAME of `packs`
    styles             PACK/NAME of those that are offered
    folder             where pictures and all else that is kept is; made where it is missing
    sinks              that are given every painted frame too
    window             in which it is seen; None for nobody
    services           that shared pictures go to
    say                hears of troubles, in sentences without a key or a PIN

    `hear` may be called from any thread, all else belongs to one. Raises MuraiError for settings that cannot be.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source,
        stylizer: Stylizer,
        packs: Sequence[StylePack],
        styles: Sequence[str],
        folder: Path,
        *,
        sinks: Sequence[Sink] = (),
        window: Window | None = None,
        services: Sequence[Service] = (),
        say: Say = silent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._packs, self._window, self._clock = settings, packs, window, clock
        self._tell, self._sayings = say, Sayings()
        use(settings.font)
        self.languages: Mapping[str, Words] = {words.name: words for words in map(load_words, settings.languages)}
        self.titles: Mapping[str, str] = {style: _title(packs, style) for style in styles}
        self.previews: Mapping[str, bytes] = previews(packs, styles) if settings.pages.on else {}
        self._services = [service.name for service in services]
        self._showing = self._own_places()
        self.places: Sequence[str] = [*(SERVICES.get(name, name) for name in self._services), *self._showing]
        self.token = secrets.token_urlsafe(9)
        self.left = False
        """Whether the host ended it."""
        self.away = False
        """Whether the camera is lost, as the host heard."""
        self._lost_at = math.inf
        self._invitation = ""
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._take: Take | None = None
        self._shots: list[Shot] = []
        self._catching = False
        self._painted = self._digits = ""
        self._typed = -math.inf, 0  # when the last digit was, and in which state of the visit
        self._tries = Tries(5, LONGEST_WAIT, LONGEST_WAIT)
        self._next_tidy, self._next_look = clock() + TIDY_EVERY, clock() + LOOK_EVERY
        self._next_follow = clock() + FOLLOW_EVERY
        with ExitStack() as stack:
            self._open_files(folder, stack)
            self.printer = self._open_printer()
            self.offers = self._offered(styles)
            self.visit = Visit(self.offers, clock)
            self._open_desk(stack)
            if services:
                stack.callback(Publisher(self.outbox, services, self.say).close)
            self.pages = self._open_pages(stack) if settings.pages.on else None
            self._catcher = Catcher()
            seen = [self._catcher, *sinks, *([] if window is None else [window])]
            self.pipeline = Pipeline(source, stylizer, seen, say=self.say)
            self._tell_of_letters()
            self._opened = stack.pop_all()
        self._opened.callback(self.pipeline.stop)
        screen = Screen(self.languages, self.offers)
        self._display = None if window is None else Display(window, screen, clock)

    def say(self, text: str) -> None:
        """Tell who started it, and the host on the page."""
        self._sayings(text)
        self._tell(text)

    def start(self) -> None:
        """Let the mirror run."""
        self._follow_style()
        self._invite()
        self.pipeline.start()
        self._opened.callback(self.pipeline.wait, PATIENCE)
        self._opened.callback(self.pipeline.stop)

    def close(self) -> None:
        """End the show, and finish what was asked for. Raises the first error of the show."""
        self._opened.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether the host ended it, or the source did."""
        return self.left or self.pipeline.ended

    @property
    def now(self) -> Moment:
        """The visit as it is."""
        return self.visit.now

    @property
    def key(self) -> str:
        """Of the visitor's picture, once it is kept; empty until then."""
        return "" if self._take is None else self._take.key

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Play until the end, or until `until`."""

        def over() -> bool:
            self.tick()
            return self.ended or until()

        if self._window is not None:
            return self._window.show(self.press, over, self.mouse)
        while not over():
            time.sleep(TICK)

    def statistics(self) -> list[str]:
        """What today was like."""
        return statistics(self.ledger, self.outbox)

    def hear(self, event: str, value: str = "", serial: int | None = None) -> None:
        """Something was pressed, see `Visit.hear`; done at the next `tick`."""
        self._calls.put(lambda: self._do(self.visit.hear(event, value, serial)))

    def hear_phone(self, event: str, value: str, serial: int) -> str:
        """A phone pressed something: done at the next `tick`, which this waits for. Returns the token of the visit that
        began by it, empty where none did."""
        began = Future[str]()

        def heard() -> None:
            done = self.visit.hear(event, value, serial)
            self._do(done)
            began.set_result(self.token if "begin" in done else "")

        self._calls.put(heard)
        with suppress(TimeoutError):
            return began.result(PATIENCE)
        return ""

    def press(self, key: str) -> None:
        """A key was pressed in the window."""
        now, serial = self._clock(), self.now.serial
        if now - self._typed[0] > DIGITS_FOR or serial != self._typed[1]:
            self._digits = ""
        if key.isdigit():
            self._digits, self._typed = (self._digits + key)[-12:], (now, serial)
        elif key == "enter" and self._digits:
            self._leave()
        elif event := "button" if key == self._settings.button else KEYS.get(key, ""):
            self.hear(event)

    def mouse(self, kind: str, x: float, y: float) -> None:
        """The left button, or a finger, is at (x, y), in shares of the window."""
        if kind == "press" and self._display is not None and (touched := self._display.touched(x, y)):
            self.hear(*touched)

    def tick(self) -> None:
        """Do what is to be done now; to be called again and again."""
        while True:
            try:
                call = self._calls.get_nowait()
            except Empty:
                break
            call()
        self._watch_camera()
        self._tell_of_camera()
        self._wait_for_gallery()
        self._do(self.visit.tick())
        self._follow_style()
        if self._display is not None:
            self._display.show(self.now, self._scene(), self._code(), self._take.kept if self._take else None)
        if self._clock() > self._next_tidy:
            self._next_tidy = self._clock() + TIDY_EVERY
            self.desk.tidy()
        if self._clock() > self._next_follow:
            self._next_follow = self._clock() + FOLLOW_EVERY
            self.desk.follow()
        if self._clock() > self._next_look:
            self._next_look = self._clock() + LOOK_EVERY
            if self.now.state == "idle":
                self._invite()

    # What the visit asks for

    def _do(self, what: Sequence[Do]) -> None:
        acts: Mapping[Do, Callable[[], None]] = {
            "begin": self._begin,
            "take": self._begin_to_take,
            "drop": self._drop,
            "keep": self._keep,
            "share": lambda: self._with_take(self.desk.share),
            "print": lambda: self._with_take(self.desk.print),
            "end": self._end,
        }
        for each in what:
            acts[each]()

    def _begin(self) -> None:
        """Whoever else read the code while nobody was there does not play this visit."""
        self.token = secrets.token_urlsafe(9)
        self.desk.later(lambda: self.ledger.count("visits"))

    def _with_take(self, act: Callable[[Take], None]) -> None:
        if self._take is not None:
            act(self._take)

    def _begin_to_take(self) -> None:
        self._catching = True
        self._catcher.begin(self.now.kind)

    def _watch_camera(self) -> None:
        """Tell the visit of a picture that was caught, and of a camera that is lost while it is needed."""
        now = self.now
        if now.state == "taking" and self._catching and (shots := self._catcher.caught()):
            self._catching = False
            self._shots = [*self._shots, *shots]
            if now.taken + 1 < SHOTS[now.kind]:
                self._do(self.visit.hear("taken"))
            else:
                self._compose(now)
        elif self._catcher.lost and (now.state == "countdown" or self._catching):
            self._do(self.visit.hear("lost"))

    def _wait_for_gallery(self) -> None:
        """Let the visitor stay while another program has the gallery; the desk gives up after a while."""
        if self.now.state == "done" and self._take is not None and not self._take.key and self.visit.left < STAYS:
            self._do(self.visit.hear("kept"))

    def _tell_of_camera(self) -> None:
        """Tell the host once that the camera is lost, and once that it is back; before its first picture it is not."""
        now, lost = time.monotonic(), self._catcher.lost and self.pipeline.last is not None
        self._lost_at = min(self._lost_at, now) if lost else math.inf
        if self.away != (away := now - self._lost_at > AWAY_SECONDS):
            self.away = away
            self.say("the camera gives no picture: see to its plug and its cable." if away else "the camera is back.")

    def _compose(self, now: Moment) -> None:
        def composed(take: Take | None) -> None:
            if self.now.serial != now.serial:  # it took too long, and the visitor was told
                if take is not None:
                    self.desk.drop(take)
                return
            self._take = take
            self._do(self.visit.hear("lost" if take is None else "taken"))

        self.desk.compose(now.kind, now.style, self._shots, lambda take: self._calls.put(lambda: composed(take)))

    def _keep(self) -> None:
        take = self._take
        assert take is not None

        def heard(worked: bool) -> None:
            if self._take is take:
                self._do(self.visit.hear("kept" if worked else "lost"))

        self.desk.keep(take, lambda worked: self._calls.put(lambda: heard(worked)))

    def _drop(self) -> None:
        self._with_take(self.desk.drop)
        self._take, self._shots, self._catching = None, [], False

    def _end(self) -> None:
        self._take, self._shots, self._catching = None, [], False
        self.token = secrets.token_urlsafe(9)
        self._invitation = ""  # the code of the last visit is nobody's
        self._invite()

    def _invite(self) -> None:
        """Find the address at which a phone plays the next visit."""

        def invite() -> None:
            self._invitation = "" if self.pages is None else self.pages.visit_link(self.token)

        self.desk.later(invite)

    def _follow_style(self) -> None:
        if (style := self.now.style) != self._painted:
            self.pipeline.update(mix={style: 1.0}, fade=FADE if self._painted else 0.0)
            self._painted = style

    # What is seen

    def _goes_on(self) -> str:
        """What goes on, as the host's page calls it."""
        return "away" if self.away else self.now.state

    def _scene(self) -> Scene:
        now, take = self.now, self._take
        style = named(self._packs, now.style)
        return Scene(
            self.languages[now.language].painting(self.titles[now.style]),
            (style.artist if style else None) or "",
            count=math.ceil(self.visit.left) if now.state == "countdown" else 0,
            lost=self._catcher.lost,
            busy=now.state == "done" and not self.key,
            places=tuple(self.places),
            held=self._settings.publishing.moderation,
            address="" if take is None else take.link.partition("://")[2],
            print="" if take is None else take.print,
        )

    def _code(self) -> str:
        """What the QR on the screen says: where a phone plays, then where the picture is."""
        if self.now.state == "idle":
            return self._invitation
        return self._take.link if self.now.state == "done" and self._take is not None else ""

    def _leave(self) -> None:
        """The host typed a PIN."""
        given, self._digits = self._digits, ""
        if not self._tries.wait("host"):
            self.left = knows_pin(given, self._settings.pin)
            (self._tries.right if self.left else self._tries.wrong)("host")

    # What it is made of

    def _tell_of_letters(self) -> None:
        """Say which letters it will not draw."""
        settings = self._settings
        texts = [settings.event, settings.pictures.caption, *(words.drawn for words in self.languages.values())]
        artists = [style.artist or "" for name in self.titles if (style := named(self._packs, name))]
        if lacking := missing("".join([*texts, *self.titles.values(), *artists])):
            more = f" and {len(lacking) - LETTERS} more" if len(lacking) > LETTERS else ""
            self.say(
                f"the typeface has no {', '.join(lacking[:LETTERS])}{more}: name a font that has them in booth.toml."
            )

    def _own_places(self) -> list[str]:
        """Where a shared picture appears beside the services."""
        slideshow = self._settings.slideshow
        return [PAGES] * self._settings.pages.on + [SLIDESHOW] * (slideshow.on or bool(slideshow.monitor))

    def _offered(self, styles: Sequence[str]) -> Offers:
        settings = self._settings
        copies = settings.printing.copies if self.printer is not None else 0
        times = Times(**{name: float(value) for name, value in settings.waiting.model_dump().items()})
        return Offers(tuple(styles), settings.kinds, tuple(self.languages), bool(self.places), copies, times)

    def _open_files(self, folder: Path, stack: ExitStack) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BoothError(f"{folder} cannot be made ({error.strerror}); name another --folder.") from error
        self.gallery = Gallery(folder / "gallery", self.say)
        stack.callback(self.gallery.close)
        self.outbox = Outbox(folder / OUTBOX, self.say, mend=True)
        stack.callback(self.outbox.close)
        self.ledger = Ledger(folder / LEDGER, self.say, mend=True)
        stack.callback(self.ledger.close)

    def _open_printer(self) -> Printer | None:
        name = self._settings.printing.printer
        try:
            return Printer(name) if name else None
        except MuraiError as error:  # it may come later, and a booth that does not print is better than none
            self.say(f"nothing is printed yet: {error}")
            return Printer(name, later=True)

    def _open_desk(self, stack: ExitStack) -> None:
        settings = self._settings
        self.desk = Desk(
            settings,
            open_look(settings.event, settings.pictures),
            self._packs,
            self.gallery,
            self.outbox,
            self.ledger,
            services=self._services,
            showing=self._showing,
            printer=self.printer,
            house=next(iter(self.languages.values())),
            say=self.say,
        )
        stack.callback(self.desk.close)

    def _open_pages(self, stack: ExitStack) -> Pages:
        settings = self._settings
        host = Host(self.desk, self.outbox, self.ledger, self._services, self.printer, self._goes_on, self._sayings)
        pages = Pages(
            self.gallery,
            Address(settings.pages.host, settings.pages.port),
            words=list(self.languages.values()),
            event=settings.event,
            titles={style.rpartition("/")[2]: title for style, title in self.titles.items()},
            wanted=settings.pages.address,
            days=settings.keeping.days or None,
            delete=self.desk.delete,
            visiting=Phone(self),
            hosting=host,
            knows_pin=(lambda given: knows_pin(given, settings.pin)) if settings.pin else None,
            say=self.say,
        )
        stack.callback(pages.close)
        self.desk.link = pages.picture_link
        return pages


def _title(packs: Sequence[StylePack], style: str) -> str:
    found = named(packs, style)
    return (found.title if found else None) or style.rpartition("/")[2].replace("_", " ")
