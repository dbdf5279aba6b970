"""What was shared, on a screen for all: one picture after the other in a window of its own, in a process of its own."""

import threading
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import PIL.Image
from PIL import ImageDraw

from murai.booth.gallery import SLIDESHOW, Picture, shared_in, shown_in
from murai.booth.letters import fitting, letters, wrapped
from murai.booth.qr import qr_picture
from murai.booth.words import Words
from murai.errors import Say, silent
from murai.frame import Frame, Image
from murai.pictures import UNREADABLE, read_rgb
from murai.sinks.encode import fit

SECONDS, FADE = 6.0, 1.0
"""For how long a picture is seen, and how long it takes to come."""
RATE = 20
"""Pictures a second while one fades into the next."""
NEWEST = 100
"""So many go round."""
LARGEST = 1920
"""Pixels of the longest side of what is drawn: a larger window shows it larger."""
USUAL_SIZE = (1280, 720)
WALL, LIGHT, SOFT = (20, 17, 15), (244, 238, 230), (168, 157, 147)
EDGE, BAND = 0.03, 0.17
"""Around all, and the band below the picture, as shares of the height."""


class Window(Protocol):
    """A window, such as a `WindowSink`."""

    size_now: tuple[int, int]

    def write(self, frame: Frame) -> None:
        """Show a frame."""

    def show(self, on_key: None = None, until: Callable[[], bool] | None = None) -> None:
        """Be there until its user, `until` or `close` ends it."""

    def close(self) -> None:
        """End it."""


class Order:
    """Which picture comes next: a new one as soon as there is one, the oldest of several first; else round they go,
    from the newest to the oldest."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._last = 0

    def next(self, pictures: Sequence[Picture]) -> Picture | None:
        """One of `pictures`, which are sorted from new to old; None where there are none."""
        if not pictures:
            return None
        if not self._seen:  # begins with the newest
            self._seen = {picture.number for picture in pictures[1:]}
        fresh = [picture for picture in pictures if picture.number not in self._seen]
        older = [picture for picture in pictures if picture.number < self._last]
        picture = fresh[-1] if fresh else (older or pictures)[0]
        self._seen = {each.number for each in pictures} - {each.number for each in fresh[:-1]}
        self._last = picture.number
        return picture


class Slideshow:
    """Shows the gallery in `folder`, which another process fills, with the name of the `event`.

    `base` gives what links begin with for phones, empty where none would reach the booth: then there are no codes.
    `titles` tells what a style is called. `say` hears, once, where pictures were shared for other places only.
    """

    def __init__(
        self,
        folder: Path,
        event: str,
        words: Words,
        base: Callable[[], str] = str,
        titles: Callable[[str], str] = str,
        *,
        seconds: float = SECONDS,
        say: Say = silent,
    ) -> None:
        self._folder, self._event, self._words, self._base, self._titles = folder, event, words, base, titles
        self._seconds, self._say = seconds, say
        self._order = Order()
        self._over = threading.Event()
        self._numbers = count()

    def run(self, window: Window, until: Callable[[], bool] | None = None) -> None:
        """Show it in `window` until its user or `until` ends it. To be called by the main thread."""
        thread = threading.Thread(target=self._play, args=(window,), name="murai slideshow", daemon=True)
        thread.start()
        try:
            window.show(until=until)
        finally:
            self._over.set()
            thread.join()

    def slide(self, size: tuple[int, int]) -> Image:
        """The next picture as it is shown in `size`, width and height; a card that invites where there is none."""
        pictures = shown_in(self._folder, SLIDESHOW, NEWEST)
        for _ in pictures:
            picture = self._order.next(pictures)
            if picture is None:
                break
            try:
                return self._drawn(picture, size)
            except UNREADABLE:  # it was deleted just now
                continue
        self._explain()
        return self._card(size)

    def _explain(self) -> None:
        """Say why nothing is shown, where visitors were not asked about a slideshow."""
        shared = shared_in(self._folder)
        if shared and not any(SLIDESHOW in picture.places for picture in shared):
            self._say(
                "of what was shared so far no visitor was asked whether it may be seen here: they are asked where "
                "on = true stands in the table [slideshow] of booth.toml."
            )
            self._say = silent

    def _play(self, window: Window) -> None:
        try:
            self._go_round(window)
        finally:  # a fault ends it all, so that who started it can begin anew
            window.close()

    def _go_round(self, window: Window) -> None:
        shown: Image | None = None
        while not self._over.is_set():
            width, height = window.size_now if min(window.size_now) > 0 else USUAL_SIZE
            scale = min(1.0, LARGEST / max(width, height))
            slide = self.slide((max(16, round(width * scale)), max(16, round(height * scale))))
            if shown is None or not np.array_equal(shown, slide):
                self._fade(window, shown, slide)
            shown = slide
            self._over.wait(self._seconds)

    def _fade(self, window: Window, old: Image | None, new: Image) -> None:
        if old is not None and old.shape == new.shape:
            before, after = PIL.Image.fromarray(old), PIL.Image.fromarray(new)
            steps = round(FADE * RATE)
            for step in range(1, steps):
                share = step / steps
                mixed = PIL.Image.blend(before, after, share * share * (3 - 2 * share))
                self._write(window, np.asarray(mixed))
                if self._over.wait(1 / RATE):
                    return
        self._write(window, new)

    def _write(self, window: Window, image: Image) -> None:
        number = next(self._numbers)
        window.write(Frame(image, number, Fraction(1, RATE), number))

    def _drawn(self, picture: Picture, size: tuple[int, int]) -> Image:
        """A picture over its band, with the code at the right of that."""
        width, height = size
        edge, band = round(EDGE * height), round(BAND * height)
        room = (max(1, width - 2 * edge), height - band - 2 * edge)
        sheet = PIL.Image.new("RGB", size, WALL)
        left, top, *inner = fit(*(painted := read_rgb(picture.image)).size, room)
        sheet.paste(painted.resize((inner[0], inner[1]), PIL.Image.Resampling.LANCZOS), (edge + left, edge + top))
        top, right = height - band - edge // 2, width - edge
        if base := self._base():
            code = PIL.Image.fromarray(qr_picture(f"{base}/g/{picture.number}", band))
            right -= code.width
            sheet.paste(code, (right, top + (band - code.height) // 2))
        self._label(ImageDraw.Draw(sheet), picture, (edge, top, right - edge, top + band), scan=bool(base))
        return np.asarray(sheet)

    def _label(self, draw: ImageDraw.ImageDraw, picture: Picture, box: tuple[int, int, int, int], scan: bool) -> None:
        """The name of the event and the style at the left of `box`, at its right what the code is for."""
        left, top, right, bottom = box
        band, middle = bottom - top, (top + bottom) / 2
        if scan:
            text = self._words("slideshow.scan")
            font = fitting(text, (right - left) * 0.4, band * 0.17)
            draw.text((right, middle), text, SOFT, font, "rm")
            right -= round(font.getlength(text) + 0.2 * band)
        event = fitting(self._event, right - left, band * 0.3, "bold")
        draw.text((left, middle - 0.17 * band), self._event, LIGHT, event, "lm")
        style = self._words.painting(self._titles(picture.style))
        draw.text((left, middle + 0.17 * band), style, SOFT, fitting(style, right - left, band * 0.19), "lm")

    def _card(self, size: tuple[int, int]) -> Image:
        """Nothing is there to be shown yet."""
        width, height = size
        sheet = PIL.Image.new("RGB", size, WALL)
        draw = ImageDraw.Draw(sheet)
        unit = min(width, height)
        draw.text((width / 2, height * 0.2), self._event, SOFT, fitting(self._event, 0.9 * width, 0.05 * unit), "mm")
        title = self._words("slideshow.title")
        draw.text((width / 2, height * 0.45), title, LIGHT, fitting(title, 0.9 * width, 0.13 * unit, "bold"), "mm")
        font = letters(0.055 * unit)
        for number, line in enumerate(wrapped(self._words("slideshow.invitation"), font, 0.8 * width)):
            draw.text((width / 2, height * 0.62 + number * 0.08 * unit), line, SOFT, font, "mm")
        return np.asarray(sheet)
