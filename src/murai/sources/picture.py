"""Still pictures, through Pillow."""

import warnings
from pathlib import Path

import numpy as np
import PIL.Image

from murai.errors import SourceError
from murai.frame import Image
from murai.pictures import FORMATS, UNREADABLE, read_rgb

MOVING = ("GIF", "PNG")
"""Formats that FFmpeg plays when they hold more than one picture. It cannot play a moving WebP."""


def is_picture(path: str | Path) -> bool:
    """True for a file with one picture; False for a video, a moving GIF or PNG, or what cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(path) as picture:
                moves = picture.format in MOVING and getattr(picture, "is_animated", False)
                return picture.format in FORMATS and not moves
    except PIL.Image.DecompressionBombError:
        return True
    except OSError:
        return False


def read_picture(path: str | Path) -> Image:
    """Read a picture of any common format as `Image`: height x width x 3, 8 bits, RGB.

    It is turned upright as its EXIF data says, transparent parts are laid over white, 16 bits are scaled to 8.
    Of several pages or moments the first is taken.

    Raises SourceError for a file that is missing, damaged, not a picture, or above 89 million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            return np.array(read_rgb(path))
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}; check the name.") from None
    except PIL.UnidentifiedImageError:
        raise SourceError(f"{path} is not a picture; give a PNG, JPEG, WebP, TIFF or BMP file.") from None
    except (PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError):
        most = (PIL.Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise SourceError(f"{path} has more than {most} million pixels; make it smaller first.") from None
    except UNREADABLE as error:
        raise SourceError(f"{path} cannot be read as a picture ({error}); save it again or take another.") from error
