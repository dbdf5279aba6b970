"""Still pictures as the eye should see them: upright, opaque, 8 bits a colour. For sources and training alike."""

from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "ICO")
"""Formats that begin with a sign of their own: Pillow takes some videos for pictures otherwise."""

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError)
"""Everything Pillow raises for a file that is missing, damaged, no picture or too large."""


def read_rgb(path: str | Path, *, small: bool = False) -> PIL.Image.Image:
    """Read a picture as RGB: turned as its EXIF data says, transparent parts laid over white, 16 bits scaled to 8.

    Of several pages or moments the first is taken. `small` may give it down to 64 pixels a side, which is quicker.
    Raises what is in UNREADABLE; each caller says it in its own words.
    """
    with PIL.Image.open(path) as picture:
        if picture.format not in FORMATS:
            raise PIL.UnidentifiedImageError(f"{picture.format} is not a format for pictures here")
        if small:
            picture.draft("RGB", (64, 64))
        return _rgb(PIL.ImageOps.exif_transpose(picture))


def _rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _eight_bits(picture)
    elif picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")


def _eight_bits(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Deep grey to 8 bits: whole numbers run to 65535, fractions to 1. Pillow itself would clip them."""
    deep = np.asarray(picture).astype(np.float64)
    deep *= 255 if picture.mode == "F" else 255 / 65535
    return PIL.Image.fromarray(np.clip(np.nan_to_num(deep).round(), 0, 255).astype(np.uint8))
