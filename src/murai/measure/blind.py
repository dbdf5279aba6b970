"""A sheet for blind judging: who looks at it cannot tell whose row is whose, a key in a file of its own can.

On top the style picture, below it the photographs, then a row for each network, lettered in an order drawn by a seed.
"""

import json
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont, ImageOps

from murai.errors import MuraiError, SinkError, SourceError
from murai.frame import Image
from murai.measure.networks import Taught
from murai.sinks.picture import refuse_picture, write_picture
from murai.sinks.whole import WholeFile
from murai.sources.picture import read_picture

CELL, GAP, MARGIN = 320, 8, 48
"""Pixels: the height of every picture, the space between two, and that for the letters."""
LETTERS = string.ascii_uppercase
STRAY = 0.03
"""Share by which the proportions of a painting may differ from its photograph's: some networks cut a few pixels off."""


@dataclass(frozen=True)
class Row:
    """Whose paintings a row shows, and how it comes by the painting, uint8 [H, W, 3], of the photograph in a file."""

    label: str
    paint: Callable[[Path], Image]


def pack_row(taught: Taught) -> Row:
    """What a style of a pack paints of whole photographs. Raises PackError, RuntimeUnsupported."""
    stylizer = taught.stylizer()
    return Row(taught.pack.name, lambda photograph: stylizer(read_picture(photograph)))


def folder_row(label: str, folder: Path) -> Row:
    """Paintings that are there already: pictures in `folder`, each called as its photograph, whatever the ending is.

    Raises SourceError where there is no folder.
    """
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}; give the folder of the paintings of {label}.")
    files = {file.stem: file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")}

    def find(photograph: Path) -> Image:
        if photograph.stem not in files:
            raise SourceError(f"{folder} has no painting of {photograph.name}; put one of that name there.")
        return read_picture(files[photograph.stem])

    return Row(label, find)


def painted_in(folders: Sequence[Path], photographs: Sequence[Path]) -> list[Path]:
    """Those of `photographs` of which every folder has a painting. Raises SourceError if that is none."""
    stems = [{file.stem for file in folder.iterdir()} for folder in folders]
    both = [path for path in photographs if all(path.stem in names for names in stems)]
    if not both:
        raise SourceError("there is no photograph of which every row has a painting; call paintings as photographs.")
    return both


def blind_sheet(
    style: tuple[str, Path], photographs: Sequence[Path], rows: Sequence[Row], out: Path, *, seed: int, overwrite: bool
) -> dict[str, Any]:
    """Write the sheet of `rows` to `out` and its key to `key_file(out)`; gives the key.

    `style` is a name and its picture. The order is a function of the seed, the name and the labels. Both files appear
    whole or not at all. Raises MuraiError for fewer than two rows, more than there are letters, and two of one label;
    SourceError for pictures that cannot be read or are of another shape than their photograph; SinkError, OutputExists.
    """
    labels = [row.label for row in rows]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise MuraiError(f"two rows are called '{twice[0]}'; give each a label of its own.")
    if not 2 <= len(rows) <= len(LETTERS):
        raise MuraiError(f"there are {len(rows)} rows to judge; give 2 to {len(LETTERS)}, packs or ready paintings.")
    refuse_picture(out, overwrite=overwrite)
    whole = WholeFile(key_file(out), overwrite=overwrite)
    name, picture = style
    lettered = shuffle(rows, seed, name)
    key = {
        "style": name,
        "seed": seed,
        "photographs": [path.name for path in photographs],
        "rows": {letter: row.label for letter, row in lettered.items()},
    }
    sheet = arrange(
        read_picture(picture),
        [read_picture(path) for path in photographs],
        {letter: [_like(row, path) for path in photographs] for letter, row in lettered.items()},
    )
    try:
        whole.temporary.write_text(json.dumps(key, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        whole.discard()
        raise SinkError(f"{whole.path} cannot be written: {error.strerror}.") from error
    try:
        write_picture(out, sheet, overwrite=overwrite)
    except MuraiError:
        whole.discard()
        raise
    whole.commit()
    return key


def key_file(out: Path) -> Path:
    """sheet.key.json for sheet.jpg."""
    return out.with_name(f"{out.stem}.key.json")


def shuffle(rows: Sequence[Row], seed: int, style: str) -> dict[str, Row]:
    """The rows by letter. How they are given does not matter; another style has another order by the same seed."""
    order = sorted(rows, key=lambda row: row.label)
    random.Random(f"{seed} {style}").shuffle(order)
    return dict(zip(LETTERS, order, strict=False))


def arrange(style: Image, photographs: Sequence[Image], paintings: Mapping[str, Sequence[Image]]) -> Image:
    """The sheet [H, W, 3]: every painting is as large as its photograph is there, CELL pixels high."""
    widths = [max(1, round(CELL * picture.shape[1] / picture.shape[0])) for picture in photographs]
    across = sum(widths) + GAP * len(widths)
    sheet = PIL.Image.new("RGB", (MARGIN + across, (CELL + GAP) * (2 + len(paintings))), "white")
    sheet.paste(ImageOps.contain(PIL.Image.fromarray(style), (across - GAP, CELL)), (MARGIN, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(MARGIN * 2 // 3)
    for number, (letter, pictures) in enumerate({"": photographs, **paintings}.items(), 1):
        left, top = MARGIN, number * (CELL + GAP)
        draw.text((MARGIN / 2, top + CELL / 2), letter, "black", font, anchor="mm")
        for picture, width in zip(pictures, widths, strict=True):
            sheet.paste(PIL.Image.fromarray(picture).resize((width, CELL), PIL.Image.Resampling.LANCZOS), (left, top))
            left += width + GAP
    return np.array(sheet)


def _like(row: Row, path: Path) -> Image:
    """The painting of a photograph. Raises SourceError where it is of another shape."""
    painted, photograph = row.paint(path), read_picture(path)
    ratio = painted.shape[1] * photograph.shape[0] / (painted.shape[0] * photograph.shape[1])
    if not 1 - STRAY <= ratio <= 1 + STRAY:
        (h, w), (height, width) = painted.shape[:2], photograph.shape[:2]
        raise SourceError(
            f"the painting of {path.name} by {row.label} is {w}x{h}, the photograph {width}x{height}; "
            "give paintings of whole photographs."
        )
    return painted
