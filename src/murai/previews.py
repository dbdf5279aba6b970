"""The preview of a pack: a JPEG of four paintings a style, whose rows are of equal height, as training writes it."""

import io
from itertools import pairwise

import PIL.Image

from murai import packfiles
from murai.errors import PackError
from murai.packs import StylePack

PREVIEW = "preview.jpg"
LARGEST = 1 << 26
"""Pixels of a preview that is looked at: packs come from anywhere."""


def has_preview(pack: StylePack) -> bool:
    """Whether `pack` has a preview. Raises PackError."""
    return PREVIEW in packfiles.measure(pack.path)


def preview_rows(pack: StylePack) -> list[PIL.Image.Image]:
    """The row of each style of `pack`, RGB; nothing where it has no preview that can be read."""
    try:
        if not has_preview(pack):
            return []
        with PIL.Image.open(io.BytesIO(packfiles.read(pack.path, PREVIEW)), formats=["JPEG"]) as picture:
            if picture.width * picture.height > LARGEST or picture.height < len(pack.names):
                return []
            preview = picture.convert("RGB")
    except (PackError, OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return []
    tops = [round(row * preview.height / len(pack.names)) for row in range(len(pack.names) + 1)]
    return [preview.crop((0, top, preview.width, end)) for top, end in pairwise(tops)]
