"""One painted picture to a file."""

from pathlib import Path
from typing import Any

import PIL.Image

from murai.errors import SinkError
from murai.frame import Image
from murai.pictures import save_picture
from murai.sinks.whole import WholeFile

OPTIONS: dict[str, dict[str, Any]] = {
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".png": {},
    ".webp": {"quality": 95},
    ".tif": {},
    ".tiff": {},
    ".bmp": {},
}
"""What each kind of picture is saved with. Colour is kept at full resolution: painted edges are sharp."""


def refuse_picture(path: str | Path, *, overwrite: bool = False) -> WholeFile:
    """The file that a picture called `path` will be. Raises OutputExists or SinkError now, before it is made."""
    if Path(path).suffix.lower() not in OPTIONS:
        raise SinkError(f"{path} is no kind of picture that can be written: end it in {', '.join(OPTIONS)}.")
    return WholeFile(path, overwrite=overwrite)


def write_picture(path: str | Path, image: Image, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Save `image` (H x W x 3, uint8, RGB) as the suffix of `path` says. The file appears whole or not at all.

    `source` is the picture it was painted from, which is never replaced.
    Raises OutputExists or SinkError.
    """
    whole = refuse_picture(path, overwrite=overwrite)
    if source is not None:
        whole.keep_apart(source)
    try:
        save_picture(PIL.Image.fromarray(image), whole.temporary, **OPTIONS[Path(path).suffix.lower()])
    except (OSError, ValueError) as error:
        whole.discard()
        raise SinkError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    whole.commit()
