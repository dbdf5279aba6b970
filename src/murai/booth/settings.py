"""Everything a host decides about the booth, in one TOML file."""

import hashlib
import hmac
import re
import secrets
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from murai.booth.visit import KINDS, Kind
from murai.booth.words import PLACE
from murai.errors import BoothError
from murai.sinks.whole import WholeFile

LARGEST = 65_536
"""Bytes of a file, above which it is none of these."""
CAPTION_PLACES = ("style", "artist", "event")
SIZE = re.compile(r"[1-9]\d{1,3}x[1-9]\d{1,3}")
PIN = re.compile(r"\d{4,12}")
HASHED = re.compile(r"scrypt:[0-9a-f]{32}:[0-9a-f]{64}")
"""How a PIN is kept: salt and hash."""
KEY = re.compile(r"space|enter|tab|f[1-9]|f1[0-2]|[!-@[-~]")
"""How a window names the keys that a button may send."""
TAKEN_KEYS = (*"qflrynp", *"0123456789")
"""Keys that mean something else to the booth or to its window."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

T = TypeVar("T")


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("it is one line of text")
    return text


def _once(values: tuple[T, ...]) -> tuple[T, ...]:
    if twice := [value for number, value in enumerate(values) if value in values[:number]]:
        raise ValueError(f"'{twice[0]}' is there twice")
    return values


Line = Annotated[str, AfterValidator(_one_line)]
Once = AfterValidator(_once)
PageSize = Literal["4x6", "5x7", "6x8", "a5", "a4", "letter"]
"""Of what is printed, in inches where it has no name."""
Seconds = Annotated[float, Field(ge=1, le=600)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Screen(_Table):
    """The window: on which monitor, by number or a part of its name, and whether it fills it."""

    monitor: str | None = None
    fullscreen: bool = True


class Pictures(_Table):
    """What is on every picture, and how it is painted.

    frame     a PNG with transparent parts that is laid over each picture, stretched to it
    logo      a picture, in the corner of the caption
    caption   the line below; {style}, {artist} and {event} are filled in
    strip     how the four pictures of a strip lie
    quality   the kept picture is painted again in the background by the heaviest network of the style up to this tier;
              "mirror" keeps what was seen
    """

    frame: Path | None = None
    logo: Path | None = None
    caption: Line = "{style}, {artist}"
    strip: Literal["square", "vertical"] = "square"
    quality: Literal["mirror", "light", "fast", "fine", "johnson"] = "fine"

    @field_validator("caption")
    @classmethod
    def _known_places(cls, caption: str) -> str:
        if unknown := [place for place in PLACE.findall(caption) if place not in CAPTION_PLACES]:
            raise ValueError(f"{{{unknown[0]}}} is not filled in; {{style}}, {{artist}} and {{event}} are")
        return caption


class Publishing(_Table):
    """Where pictures go that their visitors share; with `moderation` only after the host agreed to each."""

    services: Annotated[tuple[str, ...], AfterValidator(lambda names: tuple(dict.fromkeys(names)))] = ()
    moderation: bool = True


class Printing(_Table):
    """The printer as CUPS calls it, none where it is empty; the page, and how many copies one visitor may have."""

    printer: str = ""
    page: PageSize = "4x6"
    copies: Annotated[int, Field(ge=1, le=20)] = 1


class Slideshow(_Table):
    """A second window with what was shared.

    on        visitors are asked whether their pictures may be seen in it: for one that `murai slideshow` opens, or that
              another machine has
    monitor   where the booth opens it by itself, which is `on` too; nowhere where it is empty
    """

    on: bool = False
    monitor: str = ""


class Pages(_Table):
    """The pages for phones: where they are served, and the address that phones reach where it is another one."""

    on: bool = True
    host: str = "0.0.0.0"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    address: str = ""


class Keeping(_Table):
    """How long pictures stay, and how much they may take; the oldest go first. 0 is no limit."""

    days: Annotated[float, Field(ge=0)] = 30
    gigabytes: Annotated[float, Field(ge=0)] = 20


class Waiting(_Table):
    """Seconds until the booth goes on by itself."""

    idle: Seconds = 8
    choose: Seconds = 45
    countdown: Seconds = 3
    between: Seconds = 2
    review: Seconds = 30
    consent: Seconds = 30
    done: Seconds = 30


class Settings(_Table):
    """A booth.

    event      its name, on every picture
    font       a TrueType or OpenType file, whose letters are drawn in place of Roboto's
    languages  names of those that ship, or files; the first is that of a new visitor
    source     as `murai live` takes it
    size       WxH that the camera is asked for; one that has not got it gives what it has
    styles     as `murai live` takes them; empty: all of the usual pack
    kinds      of pictures, the first is that of a new visitor
    button     the key that the one button of the booth sends
    pin        of the host, as `hash_pin` made it; never the PIN itself. Empty: no host page, and only Ctrl-C ends it
    """

    event: Annotated[Line, Field(max_length=80)] = "murai"
    font: Path | None = None
    languages: Annotated[tuple[str, ...], Field(min_length=1), Once] = ("en", "fr")
    source: str = "auto"
    size: str = "1920x1080"
    styles: tuple[str, ...] = ()
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1), Once] = KINDS
    button: str = "space"
    pin: str = ""
    screen: Screen = Screen()
    pictures: Pictures = Pictures()
    publishing: Publishing = Publishing()
    printing: Printing = Printing()
    slideshow: Slideshow = Slideshow()
    pages: Pages = Pages()
    keeping: Keeping = Keeping()
    waiting: Waiting = Waiting()

    @field_validator("size")
    @classmethod
    def _pixels(cls, size: str) -> str:
        if not SIZE.fullmatch(size):
            raise ValueError(f"'{size}' is no size; write WIDTHxHEIGHT in pixels, up to 9999, such as 1920x1080")
        return size

    @field_validator("pin")
    @classmethod
    def _hashed(cls, pin: str) -> str:
        if pin and not HASHED.fullmatch(pin):
            raise ValueError("a PIN is never kept as it is; let murai booth --setup write it")
        return pin

    @field_validator("button")
    @classmethod
    def _free(cls, key: str) -> str:
        if not KEY.fullmatch(key.lower()):
            raise ValueError(f"'{key}' is no key of a button; take space, enter, tab, f1 to f12, or a letter")
        if key.lower() in TAKEN_KEYS:
            raise ValueError(f"'{key}' means something else; take another key, such as space, enter or f5")
        return key.lower()

    @classmethod
    def load(cls, file: Path) -> Self:
        """What `file` says; names of files in it begin where it lies. Raises BoothError."""
        try:
            if file.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            return cls.model_validate(table).beside(file.absolute().parent)
        except ValidationError as error:
            raise BoothError(f"{file}: {reason(error)}.") from None  # the error shows values, of which one is a PIN
        except (OSError, ValueError) as error:
            raise BoothError(f"{file} cannot be read as settings ({error}); murai booth --setup makes some.") from error

    def save(self, file: Path) -> None:
        """Write all of it to `file`, whole, in place of what is there; its folder is made. Raises BoothError."""
        text = tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            whole = WholeFile(file, overwrite=True)
            whole.temporary.write_text(text, encoding="utf-8")
            whole.temporary.chmod(0o600)  # four digits are guessed from what is kept of them
        except OSError as error:
            raise BoothError(f"{file} cannot be written ({error.strerror}); give another --settings.") from error
        whole.commit()

    def beside(self, folder: Path) -> Self:
        """The same, with names of files that begin in `folder`."""
        pictures = self.pictures
        files = {name: folder / path for name in ("frame", "logo") if (path := getattr(pictures, name)) is not None}
        font = None if self.font is None else folder / self.font
        languages = tuple(str(folder / each) if each.endswith(".toml") else each for each in self.languages)
        changed = {"font": font, "pictures": pictures.model_copy(update=files), "languages": languages}
        return self.model_copy(update=changed)


def hash_pin(pin: str) -> str:
    """What is kept of a PIN. Raises BoothError where it is none."""
    if not PIN.fullmatch(pin):
        raise BoothError("a PIN is 4 to 12 digits.")
    salt = secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_scrypt(pin, salt).hex()}"


def knows_pin(pin: str, kept: str) -> bool:
    """Whether `pin` is the one of which `kept` was made; nobody knows one that is empty."""
    if not HASHED.fullmatch(kept):
        return False
    _, salt, key = kept.split(":")
    return hmac.compare_digest(_scrypt(pin, bytes.fromhex(salt)), bytes.fromhex(key))


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


def reason(error: ValidationError) -> str:
    """The first thing that is wrong, in words."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
    if first["type"] == "extra_forbidden":
        return f"there is no setting '{place}'; there are {', '.join(_names(first['loc'][:-1]))}"
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"'{place}' cannot be like that: {message[0].lower()}{message[1:]}"


def _names(place: tuple[Any, ...]) -> list[str]:
    """What can be set there."""
    table: type[BaseModel] = Settings
    for part in place:
        inner = table.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        table = inner
    return list(table.model_fields)
