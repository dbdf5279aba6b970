"""Pictures to judge by eye: every style, paths between styles, from faithful to bold, flicker.

They are painted from the clip of people that comes with murai, or from any pictures.
"""

from collections.abc import Sequence
from contextlib import closing
from itertools import islice

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageOps

from murai.controls import Controls
from murai.frame import Image
from murai.measure.networks import Taught, Unpainted
from murai.measure.stability import SEED, Stylizer, with_noise
from murai.packs import StylePack
from murai.sources import CLIP
from murai.sources.file import FileSource
from murai.sources.pattern import PatternSource
from murai.stylizers.openvino import OpenVINOStylizer

WIDTH, HEIGHT, CAPTION = 320, 180, 16
MOMENT = 40
"""The frame of the clip that is painted where no picture is given."""

MOMENTS = 16
"""Noisy pictures of the scene before the change from one to the next is looked at, so that memory has settled."""
AMPLIFIED = 8
"""How many times larger than it is a change is shown."""

Row = tuple[str, list[Image]]


def blend_sheet(pack: StylePack, pairs: Sequence[tuple[str, str]], picture: Image, steps: int = 5) -> Pillow.Image:
    """A row for each pair of styles of `pack`: `steps` paintings on the way from the first to the second.

    Raises UnknownStyle.
    """
    shares = np.linspace(0, 1, steps)
    ways = [[Controls(mix={first: 1 - share, second: share}) for share in shares] for first, second in pairs]
    return captioned([(f"{a} to {b}", _painted(pack, picture, way)) for (a, b), way in zip(pairs, ways, strict=True)])


def boldness_sheet(pack: StylePack, styles: Sequence[str], picture: Image, steps: int = 5) -> Pillow.Image:
    """A row for each of `styles` of `pack`: `steps` paintings from faithful to bold. Raises UnknownStyle."""
    shares = np.linspace(0, 1, steps).tolist()
    ways = {name: [Controls(mix={name: 1.0}, boldness=share) for share in shares] for name in styles}
    said = ", ".join(f"{share:g}" for share in shares)
    return captioned([(f"{name}, boldness {said}", _painted(pack, picture, way)) for name, way in ways.items()])


def styles_sheet(pack: StylePack, pictures: Sequence[Image], across: int = 4) -> Pillow.Image:
    """Each of `pictures`, and how each style of `pack` paints it: `across` pictures a row, filled up with itself."""
    rows: list[Row] = []
    for picture in pictures:
        paintings = _painted(pack, picture, [Controls(mix={name: 1.0}) for name in pack.names])
        named = [("unpainted", picture), *zip(pack.names, paintings, strict=True)]
        named += [("unpainted", picture)] * (-len(named) % across)
        for start in range(0, len(named), across):
            names, images = zip(*named[start : start + across], strict=True)
            rows.append((", ".join(names), list(images)))
    return captioned(rows)


def _painted(pack: StylePack, picture: Image, ways: Sequence[Controls]) -> list[Image]:
    stylizer = OpenVINOStylizer(pack, precision="f32")
    paintings = []
    for controls in ways:
        stylizer.use(controls)
        paintings.append(stylizer(picture))
    return paintings


def changes_sheet(taught: Sequence[Taught]) -> Pillow.Image:
    """The scene under a camera's noise, and what each paints of it; beside it the change since the moment before."""
    painters: list[tuple[str, Stylizer]] = [("the scene itself", Unpainted())]
    painters += [(f"{each.pack.name}, {each.title}", each.stylizer()) for each in taught]
    return captioned([_change(title, stylizer) for title, stylizer in painters])


def _change(title: str, stylizer: Stylizer) -> Row:
    random, picture = np.random.default_rng(SEED), scene()
    before = now = stylizer(with_noise(picture, random))
    for _ in range(MOMENTS):
        before, now = now, stylizer(with_noise(picture, random))
    change = np.abs(now.astype(np.int16) - before)
    shown = np.minimum(AMPLIFIED * change, 255).astype(np.uint8)
    return f"{title}; a change of {change.mean():.2f} levels, shown {AMPLIFIED} times as large", [now, shown]


def scene() -> Image:
    """A frame of the built-in scene, [HEIGHT, WIDTH, 3]."""
    picture: Image = next(iter(PatternSource(WIDTH, HEIGHT, live=False))).image
    return picture


def people(moment: int = MOMENT) -> Image:
    """The frame number `moment` of the clip of people, uint8 [360, 640, 3]."""
    with closing(FileSource(CLIP)) as clip:
        picture: Image = next(islice(clip, moment, None)).image
    return picture


def captioned(rows: Sequence[Row]) -> Pillow.Image:
    """Rows of pictures with a caption above each."""
    columns = max(len(pictures) for _, pictures in rows)
    sheet = Pillow.new("RGB", (columns * WIDTH, len(rows) * (HEIGHT + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (title, pictures) in enumerate(rows):
        top = number * (HEIGHT + CAPTION)
        draw.text((4, top + 2), title, fill="black")
        for column, picture in enumerate(pictures):
            sheet.paste(_fitted(picture), (column * WIDTH, top + CAPTION))
    return sheet


def _fitted(picture: Image) -> Pillow.Image:
    """`picture` on a place of WIDTH x HEIGHT: as large as fits, its middle where its shape is another."""
    whole = Pillow.fromarray(picture)
    return whole if whole.size == (WIDTH, HEIGHT) else ImageOps.fit(whole, (WIDTH, HEIGHT), Pillow.Resampling.LANCZOS)
