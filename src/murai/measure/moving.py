"""A moving picture of a film in several styles at once, for a page to show: an animated WebP."""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, sqrt
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from murai.errors import MuraiError, SinkError, SourceError
from murai.frame import Image
from murai.measure.networks import Unpainted
from murai.measure.stability import Stylizer
from murai.parts import Source
from murai.sinks.whole import WholeFile

LIMIT = 3_000_000
"""Bytes: what a page may ask its readers to load."""
QUALITIES = (80, 70, 60, 50, 40, 30)
"""Tried one after another until the moving picture is small enough."""
TEXT = 13
"""Height of the names."""

Painter = tuple[str, Stylizer]


def moments(source: Source, rate: Fraction, seconds: float) -> Iterator[Image]:
    """The pictures of the first `seconds` of `source` at `rate` a second: at each tick the newest there is.

    Raises SourceError for what does not wait to be painted, and for what does not move.
    """
    if source.live:
        raise SourceError("a moving picture is made of the clip or of a file; a live source does not wait for it.")
    count, given, first = max(2, round(seconds * rate)), 0, None
    for frame in source:
        time = frame.pts * frame.time_base
        first = time if first is None else first
        end = time - first + (frame.duration * frame.time_base or 1 / source.info.rate)
        while given < count and given / rate < end:
            yield frame.image
            given += 1
        if given == count:
            return
    if given < 2:
        raise SourceError("a moving picture needs two moments at least; give a longer film.")


def grid(picture: Image, painters: Sequence[Painter], width: int) -> Pillow.Image:
    """`picture` as each paints it, `width` pixels wide, with the names; places that are left have `picture` itself."""
    columns = ceil(sqrt(len(painters)))
    rows = ceil(len(painters) / columns)
    height = max(1, round(width * picture.shape[0] / picture.shape[1]))
    sheet = Pillow.new("RGB", (columns * width, rows * height))
    left = columns * rows - len(painters)
    for place, (name, paint) in enumerate([*painters, *[("", Unpainted())] * left]):
        small = Pillow.fromarray(paint(picture)).resize((width, height), Pillow.Resampling.LANCZOS)
        _write(small, name)
        sheet.paste(small, (place % columns * width, place // columns * height))
    return sheet


def _write(picture: Pillow.Image, name: str) -> None:
    """`name` in the lower left corner, so that it can be read on any painting."""
    at, font = (6, picture.height - 6), ImageFont.load_default(TEXT)
    ImageDraw.Draw(picture).text(at, name, "white", font, anchor="ld", stroke_width=1, stroke_fill="black")


def as_webp(pictures: Sequence[Pillow.Image], rate: Fraction, limit: int = LIMIT) -> bytes:
    """`pictures` as an animated WebP that begins again and again, as good as `limit` bytes allow.

    Raises MuraiError where they do not fit.
    """
    first, *others = pictures
    ends = [round(1000 * number / rate) for number in range(len(pictures) + 1)]  # a moment is whole milliseconds
    lengths = [int(end - start) for start, end in pairwise(ends)]
    for quality in QUALITIES:
        data = io.BytesIO()
        moving = {"save_all": True, "append_images": others, "duration": lengths, "loop": 0}
        first.save(data, "WEBP", quality=quality, method=4, **moving)
        if data.tell() <= limit:
            return data.getvalue()
    raise MuraiError(
        f"the moving picture is over {limit / 1e6:g} MB at its worst; give fewer --seconds or a smaller --width."
    )


def refuse_moving(path: Path, *, overwrite: bool = False) -> WholeFile:
    """The file that a moving picture called `path` will be. Raises OutputExists or SinkError now, before it is made."""
    if path.suffix.lower() != ".webp":
        raise SinkError(f"{path} cannot be written: a moving picture is a WebP, end its name in .webp.")
    return WholeFile(path, overwrite=overwrite)


def write_moving(whole: WholeFile, data: bytes) -> None:
    """The file appears whole or not at all. Raises OutputExists or SinkError."""
    try:
        whole.temporary.write_bytes(data)
    except OSError as error:
        whole.discard()
        raise SinkError(f"{whole.path} cannot be written: {error.strerror or error}.") from error
    whole.commit()
