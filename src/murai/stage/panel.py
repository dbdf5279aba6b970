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

    `play` is called with 1.0 when the mouse presses the line; where the bar `slides`, with the share at which the mouse
    is on it, for as long as it is held.
    """

    text: str
    share: float | None = None
    play: Callable[[float], None] | None = None
    slides: bool = False


class Panel:
    """`lines` below each other, in as many columns as it takes to be no higher than `height` pixels.

    What would be wider than `width` stands on further pages, of which there are `pages`; this one is `page`, from 0,
    or the last. Above each page there is room for a title where it is `titled`.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        height: int = 1 << 16,
        width: int = 1 << 16,
        *,
        page: int = 0,
        titled: bool = False,
    ) -> None:
        self._font = ImageFont.load_default(LINE * 3 // 4)
        self._top = MARGIN + LINE if titled else MARGIN
        rows = max(1, (height - self._top - MARGIN) // LINE)
        columns = [tuple(lines[start : start + rows]) for start in range(0, len(lines), rows)]
        pages: list[list[tuple[int, tuple[Line, ...]]]] = []
        """Columns, each with where it begins."""
        ends: list[int] = []
        for column in columns:
            wide = 2 * MARGIN + _text_left(column) + max(self._length(line.text) for line in column)
            if not pages or ends[-1] + wide > width:
                pages.append([])
                ends.append(0)
            pages[-1].append((ends[-1], column))
            ends[-1] += wide
        self.pages = len(pages)
        self.page = min(page, self.pages - 1)
        self._columns, self._width = (pages[self.page], ends[self.page]) if pages else ([], 2 * MARGIN)

    def draw(self, title: str = "") -> Overlay:
        """The panel, as large as its lines and its title need."""
        rows = max((len(column) for _, column in self._columns), default=0)
        width = max(self._width, 2 * MARGIN + self._length(title))
        picture = Pillow.new("RGBA", (width, self._top + LINE * rows + MARGIN), BEHIND)
        ImageDraw.Draw(picture).text((MARGIN, MARGIN + 2), title, TEXT, self._font)
        for left, column in self._columns:
            self._draw_column(ImageDraw.Draw(picture), left + MARGIN, column)
        return np.asarray(picture)

    def _draw_column(self, draw: ImageDraw.ImageDraw, left: int, column: tuple[Line, ...]) -> None:
        for number, line in enumerate(column):
            top = self._top + number * LINE
            if line.share is not None:
                draw.rectangle((left, top + 5, left + BAR, top + LINE - 6), fill=EMPTY)
                draw.rectangle((left, top + 5, left + round(BAR * line.share), top + LINE - 6), fill=FULL)
            draw.text((left + _text_left(column), top + 2), line.text, TEXT, self._font)

    def press(self, x: float, y: float, *, moved: bool = False) -> Line | None:
        """The mouse is pressed at a pixel of the panel: what is played by that.

        Where it `moved` there since it was pressed, only what slides is played.
        """
        number = int((y - self._top) // LINE)
        left, column = next((place for place in reversed(self._columns) if x >= place[0]), (0, ()))
        if x > self._width or y < self._top or number >= len(column) or (play := column[number].play) is None:
            return None
        line, along = column[number], (x - left - MARGIN) / BAR
        if moved > line.slides or (line.slides and not 0 <= along <= 1):
            return None
        play(along if line.slides else 1.0)
        return line

    def _length(self, text: str) -> int:
        return round(self._font.getlength(text))


def _text_left(column: tuple[Line, ...]) -> int:
    """How far the text stands from the margin: behind the bars, where there are some."""
    return BAR + MARGIN if any(line.share is not None for line in column) else 0
