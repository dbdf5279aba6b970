"""Where pictures go once they are taken: composed, kept, painted again, published, printed, removed.

Everything is done one after the other by one thread, so that the mirror never waits and nothing overtakes anything:

    compose -> keep -> share                    painted again, whenever that is done

but for the printer, which may make its own thread wait.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

from murai.booth.frames import Look, page, write_page
from murai.booth.gallery import HELD, PRIVATE, SHOWN, Gallery, Picture, alias
from murai.booth.ledger import Ledger
from murai.booth.printing import PrinterState
from murai.booth.repaint import Job, Repainter, heaviest
from murai.booth.settings import PageSize, Settings
from murai.booth.shots import Kept, Shot, compose
from murai.booth.visit import Kind
from murai.booth.words import Words
from murai.database import InUse
from murai.errors import DeliveryError, MuraiError, Say
from murai.frame import Image
from murai.packs import Style, StylePack
from murai.publish import Outbox, Post
from murai.publish.outbox import State

T = TypeVar("T")
KEEP_TRYING, BETWEEN = 120.0, 1.0
"""Seconds in which a picture is not given up while another program has the gallery, and from one try to the next."""


class Printing(Protocol):
    """A printer."""

    name: str

    def print(self, file: Path, page: PageSize) -> object:
        """Queue a picture for a page of that size."""

    def settled(self) -> PrinterState:
        """How it is once what was queued is printed or stuck."""


@dataclass
class Take:
    """What one visitor took. Written by the threads of the desk alone; anyone may look.

    style    PACK/NAME
    kept     what it looks like, once composed; another one once it is painted again
    key      in the gallery, once kept; `link` is where its visitor gets it, empty without a network
    shared   the visitor agreed
    print    "" nothing was printed, "coming", "waiting" for a host who sees to the printer, or "failed"
    """

    number: int
    kind: Kind
    style: str
    shots: Sequence[Shot] = field(repr=False)
    kept: Kept | None = field(default=None, repr=False)
    key: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    shared: bool = False
    print: str = ""


class Desk:
    """Sees to the pictures of a booth with these `settings`.

    packs      know what styles are called, and how to paint again
    services   names of those that shared pictures go to
    showing    other places that they appear in, see `Picture.places`
    house      the language of captions, and of what is said of a picture to who does not see it
    say        hears of what failed; no key is ever in it

    `link` gives the address of a key for phones; it may take a while.
    """

    def __init__(
        self,
        settings: Settings,
        look: Look,
        packs: Sequence[StylePack],
        gallery: Gallery,
        outbox: Outbox,
        ledger: Ledger,
        *,
        services: Sequence[str] = (),
        showing: Sequence[str] = (),
        printer: Printing | None = None,
        house: Words,
        say: Say,
    ) -> None:
        self._settings, self._look, self._packs = settings, look, packs
        self._gallery, self._outbox, self._ledger = gallery, outbox, ledger
        self._services, self._showing = tuple(services), tuple(showing)
        self._printer, self._house, self._say = printer, house, say
        self._wanted = ""
        """What the printer wants, as it was said."""
        self.link: Callable[[str], str] = lambda key: ""
        self._numbers = count(1)
        self._waiting: dict[int, Take] = {}
        """What is being painted again, by number."""
        self._behind = False
        """Whether something was decided that was not followed yet."""
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(1, "murai desk")
        self._printing = ThreadPoolExecutor(1, "murai print")
        quality = settings.pictures.quality
        self._repainter = None if quality == "mirror" else Repainter(self._repainted, say)
        self.tidy()

    # What the booth asks for

    def compose(self, kind: Kind, style: str, shots: Sequence[Shot], done: Callable[[Take | None], None]) -> None:
        """Make of `shots` what is kept, and paint it again in the background; `done` hears of it, or None."""
        take = Take(next(self._numbers), kind, style, shots)
        self.later(lambda: self._compose(take), lambda worked: done(take if worked else None))

    def drop(self, take: Take) -> None:
        """Nobody wants it."""
        self.later(lambda: self._forget(take))

    def keep(self, take: Take, done: Callable[[bool], None]) -> None:
        """Put it into the gallery, for its visitor alone; `done` hears whether that worked, which may take up to
        KEEP_TRYING."""
        self.later(lambda: self._keep(take), done)

    def share(self, take: Take) -> None:
        """Its visitor agreed."""
        self.later(lambda: self._share(take))

    def print(self, take: Take) -> None:
        """Print it once."""
        self.later(lambda: self._print(take))

    # What others ask for; they wait for it

    def delete(self, key: str) -> None:
        """Remove a picture, here and from what is still to be published. Raises MuraiError."""
        self._thread.submit(self._delete, key).result()

    def approve(self, key: str) -> None:
        """The host agrees to a picture. Raises MuraiError."""
        self._thread.submit(self._decide, key, True).result()

    def refuse(self, key: str) -> None:
        """The host does not. Raises MuraiError."""
        self._thread.submit(self._decide, key, False).result()

    def tidy(self) -> None:
        """Catch up on what a power cut, a full disk or the command line came between; remove what is too old or too
        much."""
        self.later(self._catch_up)
        self.later(self._tidy)

    def follow(self) -> None:
        """Catch up where the command line decided something; `tidy` says what fails of it."""
        self.later(self._follow_others)

    def later(self, act: Callable[[], None], done: Callable[[bool], None] = lambda worked: None) -> None:
        """Do `act` after everything that was asked for before; `done` hears whether it worked."""

        with suppress(RuntimeError):  # the booth closes
            self._thread.submit(lambda: done(self._tried(act)))

    def _tried(self, act: Callable[[], object]) -> bool:
        """Do `act`, and say what went wrong; whether it worked."""
        try:
            act()
        except MuraiError as error:
            self._say(str(error))
        except Exception as error:  # a fault must not end the evening; its text may hold a key
            self._say(f"a fault at the desk, {type(error).__name__}.")
        else:
            return True
        return False

    @property
    def repainting(self) -> bool:
        """Whether a picture is being painted again."""
        return bool(self._waiting)

    def wait(self) -> None:
        """Until everything that was asked for is done."""
        reached = threading.Event()
        self.later(reached.set)
        reached.wait()
        self._printing.submit(lambda: None).result()

    def close(self) -> None:
        """Finish what was asked for; what is still to be painted again is published as it is."""
        self._closing.set()
        if self._repainter is not None:
            self._repainter.close()
        for number in list(self._waiting):
            self._repainted(number, None)
        self._thread.shutdown()
        self._printing.shutdown()

    # The thread of the desk

    def _compose(self, take: Take) -> None:
        take.kept = self._composed(take)
        pack = heaviest(self._packs, take.style, self._settings.pictures.quality) if self._repainter else None
        if self._repainter is not None and pack is not None:
            self._waiting[take.number] = take
            name = take.style.rpartition("/")[2]
            self._repainter.add(Job(take.number, pack.path, name, [shot.original for shot in take.shots]))

    def _composed(self, take: Take) -> Kept:
        square = self._settings.pictures.strip == "square"
        return compose(take.kind, take.shots, self._look, self._caption(take.style), square=square)

    def _repainted(self, number: int, images: list[Image] | None) -> None:
        self.later(lambda: self._improve(number, images))

    def _improve(self, number: int, images: list[Image] | None) -> None:
        """The full-quality paintings are there, or never will be."""
        take = self._waiting.pop(number, None)
        if take is None:
            return
        try:
            if images is not None:
                take.shots = [Shot(image, shot.original) for image, shot in zip(images, take.shots, strict=True)]
                take.kept = self._composed(take)
                if take.key:
                    self._gallery.replace(take.key, take.kept.image, take.kept.clip)
        finally:
            if take.shared:
                self._send(take)

    def _keep(self, take: Take) -> None:
        kept, style = take.kept, take.style.rpartition("/")[2]
        assert kept is not None
        picture = self._insist(lambda: self._gallery.add(kept.image, style=style, kind=take.kind, clip=kept.clip))
        take.key = picture.key
        self._tried(lambda: self._find_link(take))
        for what in ("pictures", f"style:{self._names(take.style)[0]}", f"kind:{take.kind}"):
            self._count(what)

    def _insist(self, act: Callable[[], T]) -> T:
        """Do `act`, again where another program has the gallery meanwhile; the host hears of that once."""
        end, told = time.monotonic() + KEEP_TRYING, False
        while True:
            try:
                return act()
            except InUse as error:
                if self._closing.is_set() or time.monotonic() > end:
                    raise
                if not told:
                    self._say(str(error))
                told = True
            self._closing.wait(BETWEEN)

    def _find_link(self, take: Take) -> None:
        take.link = self.link(take.key)

    def _share(self, take: Take) -> None:
        if not take.key:
            return
        places = (*self._services, *self._showing)
        approved = not self._settings.publishing.moderation
        self._insist(lambda: self._gallery.consent(take.key, places, approved=approved))
        take.shared = True
        self._count("shared")
        if take.number not in self._waiting:  # else once it is as good as it gets
            self._send(take)

    def _count(self, what: str) -> None:
        """One more; a disk that refuses to count refuses nothing else."""
        self._tried(lambda: self._ledger.count(what))

    def _send(self, take: Take) -> None:
        picture = self._gallery.find(take.key)
        if picture is not None and picture.consent:
            self._publish(picture, take.style)

    def _publish(self, picture: Picture, style: str, *, perhaps_sent: bool = False) -> None:
        """Put it into the outbox for the services that its visitor agreed to."""
        title = self._house.painting(self._names(style)[0])
        caption, alt = self._caption(style), self._house("screen.alt", event=self._look.event, style=title)
        post = Post(picture.alias, picture.image, caption, alt, picture.made, picture.clip)
        if services := [name for name in self._services if name in picture.places]:
            self._outbox.add(post, services, approved=picture.standing == SHOWN, perhaps_sent=perhaps_sent)

    def _print(self, take: Take) -> None:
        if self._printer is None or not take.key or take.kept is None:
            return
        take.print = "coming"
        sheet = page(take.kept.image, self._settings.printing.page)
        self._printing.submit(self._tried, lambda: self._print_out(take, sheet))

    def _print_out(self, take: Take, sheet: Image) -> None:
        """Hand it to the printer, in the thread that may wait for that."""
        assert self._printer is not None
        file = self._gallery.folder / f".print-{secrets.token_hex(4)}.part.jpg"
        try:
            write_page(sheet, file)
            self._printer.print(file, self._settings.printing.page)
        except (MuraiError, OSError) as error:
            take.print = "failed"
            self._say(f"a picture was not printed: {error}")
        else:
            self._count("prints")
            self._look_at_printer(take)
        finally:
            file.unlink(missing_ok=True)

    def _look_at_printer(self, take: Take) -> None:
        """Tell the visitor where the print has to wait, and the host once why."""
        assert self._printer is not None
        with suppress(MuraiError):  # it is queued all the same
            state = self._printer.settled()
            wanted = "" if state.ready else state.words
            if wanted:
                take.print = "waiting"
            if wanted and wanted != self._wanted:
                self._say(f"the printer {self._printer.name} waits: {wanted}; see to it and what is queued is printed.")
            self._wanted = wanted

    def _forget(self, take: Take) -> None:
        self._waiting.pop(take.number, None)
        if self._repainter is not None:
            self._repainter.drop(take.number)

    def _delete(self, key: str) -> None:
        if there := self._outbox.withdraw(alias(key)):
            self._say(f"a picture was deleted that is, or may be, at {', '.join(there)}: remove it there too.")
        self._gallery.delete(key)

    def _decide(self, key: str, yes: bool) -> None:
        """The outbox hears of it first: what it says counts, see `_follow`."""
        with suppress(DeliveryError):  # it goes to no service, or is not in the outbox yet
            (self._outbox.approve if yes else self._outbox.refuse)(alias(key))
        self._gallery.decide(key, yes)
        there = [row.service for row in self._outbox.rows("sent") if row.key == alias(key)]
        if there and not yes:
            self._say(f"a picture was refused that is at {', '.join(there)} already: remove it there too.")

    def _catch_up(self) -> None:
        """Publish what its visitor agreed to and did not get into the outbox; follow what the host decided there."""
        states: dict[str, dict[str, State]] = {}
        for row in self._outbox.rows():
            states.setdefault(row.key, {})[row.service] = row.state
        coming = {take.key for take in self._waiting.values()}
        for picture in self._gallery.all():
            known = states.get(picture.alias, {})
            if picture.standing == PRIVATE:
                self._restore(picture, known)
            self._follow(picture, set(known.values()))
            missing = set(self._services) & set(picture.places) - known.keys()
            followed = self._gallery.find(picture.key) if missing and picture.key not in coming else None
            if followed is not None and followed.consent:
                self._publish(followed, followed.style, perhaps_sent=self._outbox.fresh)
        self._outbox.caught_up()

    def _restore(self, picture: Picture, known: Mapping[str, State]) -> None:
        """Let a picture stand again as it did before the gallery's database was lost: what is in the outbox was agreed
        to, for those services. One that was refused or taken back stays its visitor's alone."""
        states = set(known.values())
        if states and not states & {"refused", "withdrawn"}:
            self._gallery.consent(picture.key, known, approved="held" not in states)

    def _follow_others(self) -> None:
        with suppress(MuraiError):
            self._behind = self._outbox.changed() or self._behind
            if self._behind:
                self._catch_up()
            self._behind = False

    def _follow(self, picture: Picture, states: set[State]) -> None:
        """Let a picture stand as the host decided on the command line, or just before the power was cut."""
        if "refused" in states and picture.standing in (HELD, SHOWN):
            self._gallery.decide(picture.key, False)
        elif states - {"held", "withdrawn", "refused"} and picture.standing == HELD:
            self._gallery.decide(picture.key, True)

    def _tidy(self) -> None:
        keeping = self._settings.keeping
        busy = self._outbox.busy(self._services)
        for picture in self._gallery.retain(keeping.days or None, keeping.gigabytes or None, busy):
            self._outbox.give_up(picture.alias)

    def _caption(self, style: str) -> str:
        title, artist = self._names(style)
        return self._look.text(self._house.painting(title), artist)

    def _names(self, style: str) -> tuple[str, str]:
        """Title and artist of PACK/NAME, or of a bare NAME."""
        return called(self._packs, style)


def called(packs: Sequence[StylePack], style: str) -> tuple[str, str]:
    """Title and artist of the style PACK/NAME, or of a bare NAME; the artist may be unknown."""
    found = named(packs, style)
    name = style.rpartition("/")[2].replace("_", " ")
    return (found.title or name, found.artist or "") if found else (name, "")


def named(packs: Sequence[StylePack], style: str) -> Style | None:
    """What a pack says of the style PACK/NAME, or of a bare NAME."""
    place, _, name = style.rpartition("/")
    found = (each for pack in packs if place in ("", pack.name) for each in pack.manifest.styles if each.name == name)
    return next(found, None)
