"""Still pictures as the eye should see them: upright, opaque, 8 bits a colour. For sources and training alike."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
from PIL import ExifTags

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "ICO")
"""Formats that begin with a sign of their own: Pillow takes some videos for pictures otherwise."""

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError)
"""Everything Pillow raises for a file that is missing, damaged, no picture or too large."""

_REDUCIBLE = ("L", "RGB", "RGBA", "CMYK")


def save_picture(picture: PIL.Image.Image, path: Path, **options: Any) -> None:
    """Write `picture` to `path` as its ending says, with Pillow's `options`, all of it. Raises OSError, ValueError.

    Pillow by itself takes for the whole what a disk has written that is full in the middle of it.
    """
    kind = options.pop("format", None) or PIL.Image.registered_extensions()[path.suffix.lower()]
    data = io.BytesIO()
    picture.save(data, kind, **options)
    path.write_bytes(data.getvalue())


@dataclass(frozen=True, slots=True)
class About:
    """What a picture file holds: the upright `size` (width, height), its `moments`, and whether some is `transparent`.

    The second view that cameras put into a JPEG does not count as a moment.
    """

    size: tuple[int, int]
    moments: int
    transparent: bool


def about(path: str | Path) -> About:
    """Look into a picture file; only one that can be transparent is decoded. Raises what is in UNREADABLE."""
    with _opened(path) as picture:
        moments = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
        if picture.format == "TIFF" and _lies_down(picture):
            picture.load()  # such a one turns itself then
        width, height = picture.size[::-1] if _lies_down(picture) else picture.size
        alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
        return About((width, height), moments, alpha is not None and bool(np.asarray(alpha).min() < 255))


def read_rgb(path: str | Path, *, small: bool = False, scale: float = 1) -> PIL.Image.Image:
    """Read a picture as RGB: turned as its EXIF data says, transparent parts laid over white, 16 bits scaled to 8.

    Of several pages or moments the first is taken. `small` may give it down to 64 pixels a side, which is quicker, and
    a `scale` below 1 smaller by a whole factor, down to that share of its size, which spares memory.
    Raises what is in UNREADABLE; each caller says it in its own words.
    """
    with _opened(path) as picture:
        width, factor = picture.width, max(1, int(1 / scale))
        # A JPEG is decoded smaller at once; a draft does nothing to the others.
        picture.draft("RGB", (64, 64) if small else (width // factor, picture.height // factor))
        left = 1 if small else factor * picture.width // width
        PIL.ImageOps.exif_transpose(picture, in_place=True)
        return _rgb(picture.reduce(left) if left > 1 and picture.mode in _REDUCIBLE else picture)


def _lies_down(picture: PIL.Image.Image) -> bool:
    """Whether EXIF data says that width and height are exchanged."""
    return picture.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)


@contextmanager
def _opened(path: str | Path) -> Iterator[PIL.Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # half of what Pillow refuses to open
        with PIL.Image.open(path) as picture:
            if picture.format not in FORMATS:
                raise PIL.UnidentifiedImageError(f"{picture.format} is not a format for pictures here")
            yield picture


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
