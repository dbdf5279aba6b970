"""Letters: the one typeface of the booth, which is Roboto or the host's.

Roboto has the letters of most European languages, Greek and Cyrillic among them.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import font_roboto
from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

from murai.errors import BoothError

Weight = Literal["regular", "medium", "bold"]
ROBOTO: dict[Weight, str] = {
    "regular": font_roboto.Roboto,
    "medium": font_roboto.RobotoMedium,
    "bold": font_roboto.RobotoBold,
}
SMALLEST = 8
"""Pixels, below which nobody reads."""
NOBODYS = "\U0010ffff"
"""A code point that is no letter: a font draws it as those that it lacks."""
UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}
"""Categories of what nobody sees: spaces, and what tells how letters are joined."""
SELECTORS = re.compile("[\ufe00-\ufe0f]")
"""They choose between two forms of a letter."""
WIDE = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Letters of Chinese and Japanese, which have no spaces: a line is broken between any two of them."""
OPENING, CLOSING = "「『（【〈《〔", "」』）】〉》〕、。，．！？：；…・ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
"""But no line ends with the first, or begins with the second."""
WORD = re.compile(rf"([ \t\n]*)([{OPENING}]*[{WIDE}][{CLOSING}]*|(?:(?![{OPENING}]+[{WIDE}])[^ \t\n{WIDE}])+)")

_files = dict(ROBOTO)


def use(font: Path | None) -> None:
    """Draw everything from now on in the typeface of this file, whatever the weight; None is Roboto.

    Raises BoothError where it is none.
    """
    if font is not None:
        try:
            if not font.is_file():
                raise OSError("there is no such file")
            _opened(str(font), SMALLEST)
        except OSError as error:
            raise BoothError(f"{font} is no font to draw with ({error}); name a .ttf, .otf or .ttc file.") from error
    _files.update(ROBOTO if font is None else dict.fromkeys(ROBOTO, str(font)))


def missing(text: str) -> str:
    """The letters of `text` that the typeface lacks, each once, in the order of `text`."""
    font = letters(20)

    def drawn(letter: str) -> tuple[tuple[int, int], bytes]:
        mask = font.getmask(letter)
        return mask.size, bytes(mask)

    box = drawn(NOBODYS)
    seen = (each for each in dict.fromkeys(text) if unicodedata.category(each) not in UNSEEN)
    return "".join(each for each in seen if not SELECTORS.match(each) and drawn(each) == box)


def letters(size: float, weight: Weight = "regular") -> FreeTypeFont:
    """The typeface at `size` pixels."""
    return _opened(_files[weight], max(SMALLEST, round(size)))


@lru_cache(maxsize=256)
def _opened(file: str, size: int) -> FreeTypeFont:
    return ImageFont.truetype(file, size)


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
    for space, word in WORD.findall(text):
        longer = f"{lines[-1]}{space and ' '}{word}" if lines else ""
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
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
