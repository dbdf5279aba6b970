"""The visit as a phone plays it."""

import io
from collections.abc import Mapping, Sequence
from typing import Protocol

import PIL.Image

from murai.booth.screen import listed
from murai.booth.visit import Moment, Offers, State
from murai.booth.visiting import Offer, Scene
from murai.booth.words import Words
from murai.packs import StylePack
from murai.previews import preview_rows

PREVIEW = 256
"""Pixels of a side."""
PROMPTS: Mapping[State, str] = {
    "idle": "welcome",
    "choose": "choose",
    "countdown": "ready",
    "taking": "smile",
    "review": "review",
    "consent": "consent",
    "done": "done",
}
"""What the booth says in each state."""
PRESSED: Mapping[State, Mapping[str, str]] = {
    "idle": {"button": "start"},
    "choose": {"button": "start", "cancel": "finish"},
    "review": {"button": "keep", "retake": "retake"},
    "consent": {"no": "no", "yes": "yes"},
    "done": {"print": "print", "cancel": "finish"},
}
"""What can be pressed in each state, and what it is called."""


class Played(Protocol):
    """What a phone plays: a `Booth`."""

    offers: Offers
    languages: Mapping[str, Words]
    titles: Mapping[str, str]
    previews: Mapping[str, bytes]
    places: Sequence[str]
    token: str

    @property
    def now(self) -> Moment:
        """The visit as it is."""

    @property
    def key(self) -> str:
        """Of the visitor's picture, once it is kept."""

    def hear_phone(self, event: str, value: str, serial: int) -> str:
        """Something was pressed. Returns the token of the visit that began by it, empty where none did."""


class Phone:
    """Shows and plays the visit of a `booth`. Any thread may ask."""

    def __init__(self, booth: Played) -> None:
        self._booth = booth

    @property
    def token(self) -> str:
        """Who knows it plays."""
        return self._booth.token

    def scene(self) -> Scene:
        """How it is now."""
        booth, moment = self._booth, self._booth.now
        words = booth.languages[moment.language]
        offers = [
            Offer(event, words(f"screen.{name}"))
            for event, name in PRESSED.get(moment.state, {}).items()
            if event != "print" or moment.printed < booth.offers.copies
        ]
        if moment.state == "choose":
            offers += self._choices(moment, words)
        key = booth.key if moment.state == "done" else ""
        return Scene(moment.serial, self._prompt(moment, words), offers, key, words.name)

    def hear(self, event: str, value: str, serial: int) -> str:
        """Something was pressed. Returns the token of the visit that began by it, empty where none did."""
        return self._booth.hear_phone(event, value, serial)

    def _prompt(self, moment: Moment, words: Words) -> str:
        prompt = words(f"screen.{'sorry' if moment.sorry else PROMPTS[moment.state]}")
        if moment.state != "consent":
            return prompt
        where = words("screen.where", places=listed(words, self._booth.places))
        return f"{prompt} {where} {words('screen.otherwise')}"

    def _choices(self, moment: Moment, words: Words) -> list[Offer]:
        """Styles, kinds and languages, where there are several."""
        offers, kinds = self._booth.offers, words.table("kinds")
        titles = {style: words.painting(title) for style, title in self._booth.titles.items()}
        languages = {name: each.language for name, each in self._booth.languages.items()}
        return [
            Offer(event, names[value], value, pictures.get(value, b""), chosen=value == getattr(moment, event))
            for event, values, names, pictures in (
                ("style", offers.styles, titles, self._booth.previews),
                ("kind", offers.kinds, kinds, {}),
                ("language", offers.languages, languages, {}),
            )
            if len(values) > 1
            for value in values
        ]


def previews(packs: Sequence[StylePack], styles: Sequence[str]) -> dict[str, bytes]:
    """What each of the `styles`, PACK/NAME, looks like, a JPEG; of those whose packs show it."""
    return {
        style: _jpeg(row.crop((0, 0, min(row.size), row.height)))
        for pack in packs
        for name, row in zip(pack.names, preview_rows(pack), strict=False)
        if (style := f"{pack.name}/{name}") in styles
    }


def _jpeg(picture: PIL.Image.Image) -> bytes:
    picture.thumbnail((PREVIEW, PREVIEW))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
