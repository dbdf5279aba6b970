"""The preview of a pack: small in the terminal, two pixels a character, or large in the desktop's viewer."""

import tempfile
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import PIL.Image

from murai import packfiles
from murai.errors import MuraiError
from murai.packs import StylePack
from murai.previews import PREVIEW, has_preview, preview_rows

COLUMNS, LINES = 24, 6
"""Characters of a thumbnail: as many pixels across, and twice as many down."""


def shows_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal that says it has 24-bit colours, may use them, and has the half block."""
    colours = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") and not environment.get("NO_COLOR")
    return stream.isatty() and colours and "utf" in stream.encoding.lower()


def thumbnails(pack: StylePack) -> list[list[str]]:
    """For each style of `pack` the lines of its thumbnail; no lines where there is no preview that can be read."""
    rows = preview_rows(pack)
    return [half_blocks(_small(row)) for row in rows] or [[] for _ in pack.names]


def _small(row: PIL.Image.Image) -> PIL.Image.Image:
    """The left end of a row of a preview, in as many pixels as a thumbnail has."""
    width = min(row.width, row.height * COLUMNS / (2 * LINES))
    return row.resize((COLUMNS, 2 * LINES), PIL.Image.Resampling.BOX, box=(0, 0, width, row.height))


def half_blocks(picture: PIL.Image.Image) -> list[str]:
    """An RGB picture of an even height as lines of text, two rows a line: the upper one on the lower one's ground."""
    lines = []
    for y in range(0, picture.height, 2):
        cells = []
        for x in range(picture.width):
            upper, lower = (";".join(map(str, picture.getpixel((x, y + d)))) for d in (0, 1))  # type: ignore[arg-type]
            cells.append(f"\x1b[38;2;{upper};48;2;{lower}m▀")
        lines.append("".join(cells) + "\x1b[0m")
    return lines


def open_preview(pack: StylePack) -> Path:
    """Open the preview with the desktop's viewer and give its path; that of a zip is unpacked for a viewer to keep.

    Raises MuraiError where the pack has none or nothing opens it, PackError.
    """
    if not has_preview(pack):
        raise MuraiError(f"the pack {pack.name} has no preview to open; look at its paintings with murai live.")
    path = pack.path / PREVIEW
    if pack.path.is_file():
        path = Path(tempfile.mkdtemp(prefix="murai-")) / PREVIEW
        path.write_bytes(packfiles.read(pack.path, PREVIEW))
    if not webbrowser.open(path.resolve().as_uri()):
        raise MuraiError(f"no viewer opens here; the preview is {path}.")
    return path
