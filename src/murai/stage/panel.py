"""What is written over the picture: a panel of lines, some of which can be played with the mouse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

Overlay = NDArray[np.uint8]
"""H x W x 4, uint8, RGBA."""
LINE, MARGIN, BAR = 22, 10, 160
"""Pixels of a line, around the lines, and of a bar."""
BEHIND, TEXT, EMPTY, FULL = (0, 0, 0, 170), (255, 255, 255, 255), (90, 90, 90, 255), (240, 160, 40, 255)


@dataclass(frozen=True)
class Line:
    """A line of text, and to its left a bar where it has a `share` in 0..1.

    `play` is called with the share at which the mouse is on the bar, or with 1.0 where there is none.
    """

    text: str
    share: float | None = None
    play: Callable[[float], None] | None = None


class Panel:
    """`lines` below each other."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        self._font = ImageFont.load_default(LINE * 3 // 4)
        self._bars = any(line.share is not None for line in lines)

    def draw(self) -> Overlay:
        """The panel, as large as its lines need."""
        width = 2 * MARGIN + self._text_left() + max((self._length(line.text) for line in self._lines), default=0)
        picture = Pillow.new("RGBA", (width, 2 * MARGIN + LINE * len(self._lines)), BEHIND)
        draw = ImageDraw.Draw(picture)
        for number, line in enumerate(self._lines):
            top = MARGIN + number * LINE
            if line.share is not None:
                draw.rectangle((MARGIN, top + 5, MARGIN + BAR, top + LINE - 6), fill=EMPTY)
                draw.rectangle((MARGIN, top + 5, MARGIN + round(BAR * line.share), top + LINE - 6), fill=FULL)
            draw.text((MARGIN + self._text_left(), top + 2), line.text, TEXT, self._font)
        return np.asarray(picture)

    def press(self, x: float, y: float) -> bool:
        """The mouse is pressed at a pixel of the panel: whether there was something to play."""
        number = int((y - MARGIN) // LINE)
        if y < MARGIN or number >= len(self._lines) or (play := self._lines[number].play) is None:
            return False
        if self._lines[number].share is None:
            play(1.0)
            return True
        if not 0 <= x - MARGIN <= BAR:
            return False
        play((x - MARGIN) / BAR)
        return True

    def _text_left(self) -> int:
        return BAR + MARGIN if self._bars else 0

    def _length(self, text: str) -> int:
        return round(self._font.getlength(text))
