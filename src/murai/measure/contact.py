"""The contact sheet of paintings: a column for each network and style, labelled, a row for each photograph."""

from collections.abc import Sequence

import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from murai.frame import Image

CELL, LINE = 256, 22
"""Pixels a painting, and a line of its label."""


def contact_sheet(labels: Sequence[tuple[str, str]], columns: Sequence[Sequence[Image]]) -> Image:
    """Square pictures, uint8 [S, S, 3], a column under each label of two lines."""
    height = 2 * LINE + CELL * max(map(len, columns))
    sheet = PIL.Image.new("RGB", (CELL * len(columns), height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LINE * 3 // 4)
    for number, (lines, pictures) in enumerate(zip(labels, columns, strict=True)):
        for row, text in enumerate(lines):
            draw.text((CELL * number + 6, LINE * row + 2), _fitting(text, font), "black", font)
        for row, picture in enumerate(pictures):
            cell = PIL.Image.fromarray(picture).resize((CELL, CELL), PIL.Image.Resampling.LANCZOS)
            sheet.paste(cell, (CELL * number, 2 * LINE + CELL * row))
    return np.array(sheet)


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(text) > CELL - 12:
        text = text[:-1]
    return text
