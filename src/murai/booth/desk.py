"""Where pictures go once they are taken: composed, kept, painted again, published, printed, removed.

Everything is done one after the other by one thread, so that the mirror never waits and nothing overtakes anything:

    compose -> keep -> share -> print           painted again, whenever that is done
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

import PIL.Image

from murai.booth.frames import DPI, Look, page
from murai.booth.gallery import SHOWN, Gallery, Picture
from murai.booth.ledger import Ledger
from murai.booth.repaint import Job, Repainter, heaviest
from murai.booth.settings import Settings
from murai.booth.shots import Kept, Shot, compose
from murai.booth.visit import Kind
from murai.errors import DeliveryError, MuraiError, Say
from murai.frame import Image
from murai.packs import Style, StylePack
from murai.publish import Outbox, Post


class Printing(Protocol):
    """A printer."""

    def print(self, file: Path) -> object:
        """Queue a picture."""


@dataclass
class Take:
    """What one visitor took. Written by the thread of the desk alone; anyone may look.

    style    PACK/NAME
    kept     what it looks like, once composed; another one once it is painted again
    key      in the gallery, once kept; `link` is where its visitor gets it, empty without a network
    shared   the visitor agreed
    print    "" nothing was printed, "coming" or "failed"
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
    alt        what is said of a picture, by the title of its style, to who does not see it
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
        printer: Printing | None = None,
        alt: Callable[[str], str] = str,
        say: Say,
    ) -> None:
        self._settings, self._look, self._packs = settings, look, packs
        self._gallery, self._outbox, self._ledger = gallery, outbox, ledger
        self._services, self._printer, self._alt, self._say = tuple(services), printer, alt, say
        self.link: Callable[[str], str] = lambda key: ""
        self._numbers = count(1)
        self._waiting: dict[int, Take] = {}
        """What is being painted again, by number."""
        self._thread = ThreadPoolExecutor(1, "murai desk")
        quality = settings.pictures.quality
        self._repainter = None if quality == "mirror" else Repainter(self._repainted, say)
        self.later(self._take_up)

    # What the booth asks for

    def compose(self, kind: Kind, style: str, shots: Sequence[Shot], done: Callable[[Take | None], None]) -> None:
        """Make of `shots` what is kept, and paint it again in the background; `done` hears of it, or None."""
        take = Take(next(self._numbers), kind, style, shots)
        self.later(lambda: self._compose(take), lambda worked: done(take if worked else None))

    def drop(self, take: Take) -> None:
        """Nobody wants it."""
        self.later(lambda: self._forget(take))

    def keep(self, take: Take, done: Callable[[bool], None]) -> None:
        """Put it into the gallery, for its visitor alone; `done` hears whether that worked."""
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
        """Remove what is too old or too much."""
        self.later(self._tidy)

    def later(self, act: Callable[[], None], done: Callable[[bool], None] = lambda worked: None) -> None:
        """Do `act` after everything that was asked for before; `done` hears whether it worked."""

        def doing() -> None:
            try:
                act()
            except MuraiError as error:
                self._say(str(error))
                return done(False)
            except Exception as error:  # a fault must not end the evening; its text may hold a key
                self._say(f"a fault at the desk, {type(error).__name__}.")
                return done(False)
            done(True)

        with suppress(RuntimeError):  # the booth closes
            self._thread.submit(doing)

    @property
    def repainting(self) -> bool:
        """Whether a picture is being painted again."""
        return bool(self._waiting)

    def wait(self) -> None:
        """Until everything that was asked for is done."""
        reached = threading.Event()
        self.later(reached.set)
        reached.wait()

    def close(self) -> None:
        """Finish what was asked for; what is still to be painted again is published as it is."""
        if self._repainter is not None:
            self._repainter.close()
        for number in list(self._waiting):
            self._repainted(number, None)
        self._thread.shutdown()

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
        if images is not None:
            take.shots = [Shot(image, shot.original) for image, shot in zip(images, take.shots, strict=True)]
            take.kept = self._composed(take)
            if take.key:
                self._gallery.replace(take.key, take.kept.image, take.kept.clip)
        if take.shared:
            self._send(take.key, take.style)

    def _keep(self, take: Take) -> None:
        assert take.kept is not None
        picture = self._gallery.add(
            take.kept.image, style=take.style.rpartition("/")[2], kind=take.kind, clip=take.kept.clip
        )
        take.key, take.link = picture.key, self.link(picture.key)
        for what in ("pictures", f"style:{self._names(take.style)[0]}", f"kind:{take.kind}"):
            self._ledger.count(what)

    def _share(self, take: Take) -> None:
        if not take.key:
            return
        self._ledger.agree(take.key, self._services)
        self._gallery.consent(take.key, approved=not self._settings.publishing.moderation)
        self._ledger.count("shared")
        take.shared = True
        if take.number not in self._waiting:  # else once it is as good as it gets
            self._send(take.key, take.style)

    def _send(self, key: str, style: str) -> None:
        picture = self._gallery.find(key)
        if picture is not None and picture.consent:
            self._publish(picture, style, self._services)

    def _publish(self, picture: Picture, style: str, services: Sequence[str]) -> None:
        title, _ = self._names(style)
        post = Post(picture.key, picture.image, self._caption(style), self._alt(title), picture.made)
        if services:
            self._outbox.add(post, services, approved=picture.standing == SHOWN)

    def _print(self, take: Take) -> None:
        if self._printer is None or not take.key or take.kept is None:
            return
        file = self._gallery.folder / f".print-{secrets.token_hex(4)}.part.jpg"
        take.print = "coming"
        try:
            PIL.Image.fromarray(page(take.kept.image)).save(file, quality=95, subsampling=0, dpi=(DPI, DPI))
            self._printer.print(file)
            self._ledger.count("prints")
        except (MuraiError, OSError) as error:
            take.print = "failed"
            self._say(f"a picture was not printed: {error}")
        finally:
            file.unlink(missing_ok=True)

    def _forget(self, take: Take) -> None:
        self._waiting.pop(take.number, None)
        if self._repainter is not None:
            self._repainter.drop(take.number)

    def _delete(self, key: str) -> None:
        self._outbox.withdraw(key)
        self._gallery.delete(key)
        self._ledger.forget(key)

    def _decide(self, key: str, yes: bool) -> None:
        (self._gallery.approve if yes else self._gallery.refuse)(key)
        with suppress(DeliveryError):  # it goes to no service, or is not in the outbox yet
            (self._outbox.approve if yes else self._outbox.refuse)(key)

    def _take_up(self) -> None:
        """Publish what its visitor agreed to before the last booth ended, where it did not get into the outbox."""
        for key, services in self._ledger.agreed().items():
            picture = self._gallery.find(key)
            if picture is not None and picture.consent:
                self._publish(picture, picture.style, services)
        self._tidy()

    def _tidy(self) -> None:
        keeping = self._settings.keeping
        for key in self._gallery.retain(keeping.days, keeping.gigabytes, self._outbox.busy):
            self._ledger.forget(key)

    def _caption(self, style: str) -> str:
        return self._look.text(*self._names(style))

    def _names(self, style: str) -> tuple[str, str]:
        """Title and artist of PACK/NAME, or of a bare NAME."""
        found = named(self._packs, style)
        name = style.rpartition("/")[2].replace("_", " ")
        return (found.title or name, found.artist or "") if found else (name, "")


def named(packs: Sequence[StylePack], style: str) -> Style | None:
    """What a pack says of the style PACK/NAME, or of a bare NAME."""
    place, _, name = style.rpartition("/")
    found = (each for pack in packs if place in ("", pack.name) for each in pack.manifest.styles if each.name == name)
    return next(found, None)
