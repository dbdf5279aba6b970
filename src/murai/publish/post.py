"""What is published, where to, and how a delivery may end."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from murai.errors import DeliveryError

KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")


class TryLater(DeliveryError):
    """The service cannot take it now. `after`: seconds it asks to wait, None where it does not say."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class NotReady(TryLater):
    """The service has the picture and is still looking at it, as it does; nothing is wrong."""

    def __init__(self, name: str, after: float) -> None:
        super().__init__(f"{name} is still looking at the picture.", after)


class NotReached(TryLater):
    """The service cannot take it now, and surely has not taken it."""


class Refused(DeliveryError):
    """The service does not want this post."""


class LoggedOut(DeliveryError):
    """The service wants nothing of this account until somebody logs in, or mends the account."""


class Denied(LoggedOut):
    """The account is known, and may not do this."""


class Unsure(DeliveryError):
    """The post may be there or not, and the service has no way to tell: a person has to look."""


@dataclass(frozen=True)
class Post:
    """A picture to publish.

    `key`: letters, digits, - and _; what the picture is known by, here and at the services. `picture`: a file that
    stays until it was sent. `alt`: what is seen, for those who do not see it. `made`: when, in seconds since 1970.
    `clip`: an MP4 that stays as long; it is sent instead where it can be.
    """

    key: str
    picture: Path
    caption: str
    alt: str
    made: float
    clip: Path | None = None

    def __post_init__(self) -> None:
        if not KEY.fullmatch(self.key):
            raise DeliveryError(f"{self.key!r} is no key of a picture; use letters, digits, - and _.")


@dataclass(frozen=True)
class Limits:
    """What a service takes: bytes of a picture, pixels of its longer side, characters; None is without a limit.

    `count` says how long the service holds a text to be. Alternative texts have `alt` characters. `clip`: bytes of a
    clip, 0 where none is taken.
    """

    bytes: int | None = None
    side: int | None = None
    characters: int | None = None
    alt: int | None = None
    count: Callable[[str], int] = len
    clip: int | None = 0


CLIP = "video/mp4"
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", CLIP: "mp4"}


@dataclass(frozen=True)
class Prepared:
    """A post as a service takes it; `data` is of a `type` of ENDINGS, and holds nothing but pixels, width x height."""

    key: str
    data: bytes
    type: str
    width: int
    height: int
    caption: str
    alt: str
    made: float

    @property
    def name(self) -> str:
        """A name for the picture as a file, which no other picture has."""
        return f"{self.key}.{ENDINGS[self.type]}"


def clean(text: str) -> str:
    """`text` as any service takes it: no half characters, no control characters but the ends of lines."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    lines = whole.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(letter for letter in lines if letter == "\n" or unicodedata.category(letter) != "Cc").strip()


class Notes(Protocol):
    """What a service remembers of one post between attempts. Holds no secret."""

    def __getitem__(self, name: str) -> str:
        """What was kept as `name`, empty where nothing was."""

    def keep(self, **notes: str) -> None:
        """Remember, on the disk when this returns; an empty text forgets."""


POSTING = "posting"
"""The note that a post may have been made. The outbox itself keeps it where it lost its memory."""


class Service(Protocol):
    """Where pictures are published. Every call raises DeliveryError where it fails, of the kinds above."""

    @property
    def name(self) -> str:
        """One word, as on the command line."""

    @property
    def limits(self) -> Limits:
        """What it takes; the service may have to be asked."""

    def account(self) -> str:
        """Who is logged in, as the service says now."""

    def send(self, post: Prepared, notes: Notes) -> str:
        """Publish and return the address of the post, empty where there is none.

        Called again after any failure, a power cut too: whatever `notes` say was begun is then found or finished, not
        made twice.
        """
