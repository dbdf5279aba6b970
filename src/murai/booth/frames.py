"""What surrounds a picture: paper, the host's frame, the name of the event, a caption, a logo; and printed pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from PIL import ImageDraw

from murai.booth.letters import Weight, fitting, letters, shortened
from murai.booth.settings import PageSize, Pictures
from murai.booth.words import PLACE
from murai.errors import BoothError
from murai.frame import Image
from murai.pictures import UNREADABLE, save_picture
from murai.sinks.encode import fit

Colour = tuple[int, int, int]
PAPER, INK, PENCIL = (250, 247, 242), (38, 34, 32), (122, 113, 106)
MARGIN, GAP, BAND = 3.5, 2.0, 13.0
"""Around all pictures, between them and below them, in hundredths of the shorter side of what they cover."""
SMALLEST_SHARE = 0.16
"""Of the height of the band, the smallest letters: what is longer then is shortened."""
DPI = 300
PAGES: Mapping[PageSize, tuple[int, int]] = {
    "4x6": (1200, 1800),
    "5x7": (1500, 2100),
    "6x8": (1800, 2400),
    "a5": (1748, 2480),
    "a4": (2480, 3508),
    "letter": (2550, 3300),
}
"""Width and height of upright pages, in dots."""
STRIP = 2.2
"""So many times as high as wide, two strips go on a page."""
LARGEST_SIDE = 4096
"""Of a frame or logo, in pixels."""


@dataclass(frozen=True)
class Look:
    """How the pictures of an event look: its name, the template of the caption, the host's frame and logo, as RGBA."""

    event: str = ""
    caption: str = ""
    frame: PIL.Image.Image | None = None
    logo: PIL.Image.Image | None = None

    def text(self, style: str, artist: str) -> str:
        """The caption of a picture in `style` by `artist`, who may be unknown."""
        values = {"style": style, "artist": artist, "event": self.event}
        return PLACE.sub(lambda place: values[place[1]], self.caption).strip(" ,·-–—")


def open_look(event: str, pictures: Pictures) -> Look:
    """The look that the settings ask for. Raises BoothError for a frame or logo that cannot be read."""
    return Look(event, pictures.caption, *(_layer(file) for file in (pictures.frame, pictures.logo)))


class Sheet:
    """Paper with room for `columns` x `rows` pictures of one `size`, and `caption` below. Call it with the pictures."""

    def __init__(self, look: Look, size: tuple[int, int], caption: str, *, columns: int = 1, rows: int = 1) -> None:
        width, height = size
        unit = min(columns * width, rows * height) / 100
        margin, gap = round(MARGIN * unit), round(GAP * unit)
        self._places = [
            (margin + column * (width + gap), margin + row * (height + gap))
            for row in range(rows)
            for column in range(columns)
        ]
        inside = (columns * (width + gap) - gap, rows * (height + gap) - gap)
        band = round(BAND * unit) if look.event or caption or look.logo else margin
        self._paper = PIL.Image.new("RGB", (inside[0] + 2 * margin, margin + inside[1] + band), PAPER)
        self._frame = look.frame.resize(size, PIL.Image.Resampling.LANCZOS) if look.frame else None
        _write(self._paper, (margin, margin + inside[1], margin + inside[0], margin + inside[1] + band), look, caption)

    def __call__(self, pictures: Sequence[Image]) -> Image:
        """The sheet with `pictures` in reading order, each under the frame."""
        sheet = self._paper.copy()
        for place, image in zip(self._places, pictures, strict=True):
            sheet.paste(PIL.Image.fromarray(image), place)
            if self._frame is not None:
                sheet.paste(self._frame, place, self._frame)
        return np.asarray(sheet)


def page(image: Image, size: PageSize = "4x6") -> Image:
    """`image` on a page of that size, upright or lying; a strip twice, side by side, to be cut apart."""
    height, width = image.shape[:2]
    picture, upright = PIL.Image.fromarray(image), PAGES[size]
    if height > STRIP * width:
        sheet = PIL.Image.new("RGB", upright, PAPER)
        for left in (0, upright[0] // 2):
            _lay(sheet, picture, (left, 0, upright[0] // 2, upright[1]))
        return np.asarray(sheet)
    sheet = PIL.Image.new("RGB", upright if height > width else upright[::-1], PAPER)
    _lay(sheet, picture, (0, 0, *sheet.size))
    return np.asarray(sheet)


def write_page(sheet: Image, file: Path) -> None:
    """Write what `page` made as a JPEG to be printed."""
    save_picture(PIL.Image.fromarray(sheet), file, quality=95, subsampling=0, dpi=(DPI, DPI))


def _lay(sheet: PIL.Image.Image, picture: PIL.Image.Image, place: tuple[int, int, int, int]) -> None:
    """`picture` as large as it fits into `place` (left, top, width, height)."""
    left, top, width, height = fit(*picture.size, place[2:])
    small = picture.resize((width, height), PIL.Image.Resampling.LANCZOS)
    sheet.paste(small, (place[0] + left, place[1] + top))


def _write(paper: PIL.Image.Image, box: tuple[int, int, int, int], look: Look, caption: str) -> None:
    """The name of the event and the caption below it, at the left of `box`; the logo at its right."""
    left, top, right, bottom = box
    height = bottom - top
    if look.logo is not None:
        size = fit(*look.logo.size, (round(0.3 * (right - left)), round(0.64 * height)))[2:]
        logo = look.logo.resize(size, PIL.Image.Resampling.LANCZOS)
        right -= size[0]
        paper.paste(logo, (right, top + (height - size[1]) // 2), logo)
        right -= height // 3
    lines: list[tuple[str, float, Weight, Colour]] = [
        (look.event, 0.36, "bold", INK),
        (caption, 0.26, "regular", PENCIL),
    ]
    lines = [line for line in lines if line[0]]
    middles = (0.34, 0.70) if len(lines) == 2 else (0.5,)
    for (text, share, weight, colour), middle in zip(lines, middles, strict=False):
        font = fitting(text, right - left, share * height, weight)
        if font.size < SMALLEST_SHARE * height:
            font = letters(SMALLEST_SHARE * height, weight)
        text = shortened(text, font, right - left)
        ImageDraw.Draw(paper).text((left, top + middle * height), text, colour, font, anchor="lm")


def _layer(file: Path | None) -> PIL.Image.Image | None:
    """A picture with its transparency. Raises BoothError."""
    if file is None:
        return None
    try:
        with PIL.Image.open(file, formats=("PNG", "WEBP", "JPEG")) as picture:
            if max(picture.size) > LARGEST_SIDE:
                raise ValueError(f"it has more than {LARGEST_SIDE} pixels a side")
            return picture.convert("RGBA")
    except UNREADABLE as error:
        unknown = isinstance(error, PIL.UnidentifiedImageError)
        reason = "no PNG, WebP or JPEG" if unknown else getattr(error, "strerror", None) or error
        raise BoothError(f"{file} cannot be laid over pictures ({reason}); name another file.") from error
