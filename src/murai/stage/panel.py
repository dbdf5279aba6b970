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
    """`lines` below each other, in as many columns as it takes to be no higher than `height` pixels."""

    def __init__(self, lines: Sequence[Line], height: int = 1 << 16) -> None:
        self._font = ImageFont.load_default(LINE * 3 // 4)
        rows = max(1, (height - 2 * MARGIN) // LINE)
        columns = [tuple(lines[start : start + rows]) for start in range(0, len(lines), rows)]
        self._columns: list[tuple[int, tuple[Line, ...]]] = []
        """Each with where it begins."""
        self._width = 0
        for column in columns:
            self._columns.append((self._width, column))
            longest = max(self._length(line.text) for line in column)
            self._width += 2 * MARGIN + _text_left(column) + longest

    def draw(self) -> Overlay:
        """The panel, as large as its lines need."""
        rows = max((len(column) for _, column in self._columns), default=0)
        picture = Pillow.new("RGBA", (max(1, self._width), 2 * MARGIN + LINE * rows), BEHIND)
        for left, column in self._columns:
            self._draw_column(ImageDraw.Draw(picture), left + MARGIN, column)
        return np.asarray(picture)

    def _draw_column(self, draw: ImageDraw.ImageDraw, left: int, column: tuple[Line, ...]) -> None:
        for number, line in enumerate(column):
            top = MARGIN + number * LINE
            if line.share is not None:
                draw.rectangle((left, top + 5, left + BAR, top + LINE - 6), fill=EMPTY)
                draw.rectangle((left, top + 5, left + round(BAR * line.share), top + LINE - 6), fill=FULL)
            draw.text((left + _text_left(column), top + 2), line.text, TEXT, self._font)

    def press(self, x: float, y: float, *, moved: bool = False) -> bool:
        """The mouse is pressed at a pixel of the panel: whether there was something to play.

        Where it `moved` there since it was pressed, bars alone are played: what is done once is done by a press.
        """
        number = int((y - MARGIN) // LINE)
        left, column = next((place for place in reversed(self._columns) if x >= place[0]), (0, ()))
        if x > self._width or y < MARGIN or number >= len(column) or (play := column[number].play) is None:
            return False
        if column[number].share is None:
            if not moved:
                play(1.0)
            return not moved
        along = (x - left - MARGIN) / BAR
        if not 0 <= along <= 1:
            return False
        play(along)
        return True

    def _length(self, text: str) -> int:
        return round(self._font.getlength(text))


def _text_left(column: tuple[Line, ...]) -> int:
    """How far the text stands from the margin: behind the bars, where there are some."""
    return BAR + MARGIN if any(line.share is not None for line in column) else 0
