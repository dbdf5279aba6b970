"""Letters: the one typeface of the booth, with the accents of most European languages."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import font_roboto
from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

Weight = Literal["regular", "medium", "bold"]
FILES = {"regular": font_roboto.Roboto, "medium": font_roboto.RobotoMedium, "bold": font_roboto.RobotoBold}
SMALLEST = 8
"""Pixels, below which nobody reads."""


@lru_cache(maxsize=256)
def letters(size: float, weight: Weight = "regular") -> FreeTypeFont:
    """The typeface at `size` pixels."""
    return ImageFont.truetype(FILES[weight], max(SMALLEST, round(size)))


def fitting(text: str, width: float, size: float, weight: Weight = "regular") -> FreeTypeFont:
    """The typeface at `size`, or smaller where `text` would be wider than `width` pixels."""
    wanted = letters(size, weight)
    length = wanted.getlength(text)
    return wanted if length <= width else letters(size * width / length, weight)


def shortened(text: str, font: FreeTypeFont, width: float) -> str:
    """`text`, or as much of it as `width` pixels hold, with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrapped(text: str, font: FreeTypeFont, width: float) -> list[str]:
    """`text` in lines of at most `width` pixels, broken between words; a longer word has a line of its own.

    Where a space does not break, neither does the line.
    """
    lines: list[str] = []
    for word in re.findall(r"[^ \t\n]+", text):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def balanced(text: str, font: FreeTypeFont, width: float) -> list[str]:
    """As `wrapped`, in lines that are about equally long, so that no single word is left for the last."""
    lines = wrapped(text, font, width)
    for tenths in range(9, 4, -1):
        narrower = wrapped(text, font, width * tenths / 10)
        if len(narrower) > len(lines) or widest(narrower, font) > width:
            break
        lines = narrower
    return lines


def widest(lines: Sequence[str], font: FreeTypeFont) -> float:
    """Pixels of the longest line."""
    return max((font.getlength(line) for line in lines), default=0.0)
