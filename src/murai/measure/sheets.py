"""Pictures to judge by eye: paths between styles, gentle painting by vectors beside plain mixing of pixels, flicker.

They are painted from the built-in scene and from flat colours, so that anybody can make them without a photograph.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from murai.controls import Controls
from murai.frame import Image
from murai.measure.networks import Taught, Unpainted
from murai.measure.stability import SEED, Stylizer, with_noise
from murai.packs import StylePack
from murai.sources.pattern import PatternSource
from murai.stylizers import compose
from murai.stylizers.openvino import OpenVINOStylizer

WIDTH, HEIGHT, CAPTION = 320, 180, 16
STRENGTHS = (0.1, 0.3, 0.6)
FLATS = ((40, 40, 40), (128, 128, 128), (220, 220, 220), (241, 194, 165), (141, 85, 54), (120, 170, 230))
"""Dark, middle and light grey, two tones of skin, and the sky."""

MOMENTS = 16
"""Noisy pictures of the scene before the change from one to the next is looked at, so that memory has settled."""
AMPLIFIED = 8
"""How many times larger than it is a change is shown."""

Row = tuple[str, list[Image]]


def blend_sheet(pack: StylePack, pairs: Sequence[tuple[str, str]], steps: int = 5) -> Pillow.Image:
    """A row for each pair of styles of `pack`: `steps` paintings on the way from the first to the second.

    Raises UnknownStyle.
    """
    stylizer, picture = OpenVINOStylizer(pack, precision="f32"), scene()
    rows: list[Row] = []
    for first, second in pairs:
        paintings = []
        for share in np.linspace(0, 1, steps):
            stylizer.use(Controls(mix={first: 1 - share, second: share}))
            paintings.append(stylizer(picture))
        rows.append((f"{first} to {second}", paintings))
    return captioned(rows)


def styles_sheet(pack: StylePack, across: int = 4) -> Pillow.Image:
    """The scene, and how each style of `pack` paints it: `across` pictures a row, filled up with the scene."""
    stylizer, picture = OpenVINOStylizer(pack, precision="f32"), scene()
    named = [("the scene", picture)]
    for name in pack.names:
        stylizer.use(Controls(mix={name: 1.0}))
        named.append((name, stylizer(picture)))
    named += [("the scene", picture)] * (-len(named) % across)
    rows = [named[start : start + across] for start in range(0, len(named), across)]
    return captioned([(", ".join(name for name, _ in row), [image for _, image in row]) for row in rows])


def strength_sheet(pack: StylePack, styles: Sequence[str]) -> Pillow.Image:
    """For each style two rows, the scene and flat colours at the strengths 0.1, 0.3 and 0.6: by vectors, by pixels.

    Raises UnknownStyle.
    """
    stylizer = OpenVINOStylizer(pack, precision="f32")
    rows: list[Row] = []
    for name in styles:
        for title, paint in (("vectors", by_vectors), ("pixels", by_pixels)):
            pictures = [paint(stylizer, name, picture, s) for s in STRENGTHS for picture in (scene(), flats())]
            rows.append((f"{name}, {title}: {', '.join(f'{s:g}' for s in STRENGTHS)}", pictures))
    return captioned(rows)


def by_vectors(stylizer: OpenVINOStylizer, name: str, picture: Image, strength: float) -> Image:
    """What murai paints at `strength`."""
    stylizer.use(Controls(mix={name: 1.0}, strength=strength))
    painted: Image = stylizer(picture)
    return painted


def by_pixels(stylizer: OpenVINOStylizer, name: str, picture: Image, strength: float) -> Image:
    """The full painting laid over the picture."""
    stylizer.use(Controls(mix={name: 1.0}))
    return compose.mix(picture, stylizer(picture), strength)


def flat_errors(pack: StylePack, paint: Callable[[OpenVINOStylizer, str, Image, float], Image]) -> dict[float, float]:
    """By strength, how far the mean colour of a flat area strays from the straight way between picture and painting.

    In levels of 255, the mean over the flat colours and all styles. Mixing pixels never strays.
    """
    stylizer = OpenVINOStylizer(pack, precision="f32")
    errors: dict[float, list[float]] = {strength: [] for strength in STRENGTHS}
    for name in pack.names:
        for color in FLATS:
            picture = np.full((128, 128, 3), color, np.uint8)
            painted = by_vectors(stylizer, name, picture, 1.0).mean((0, 1))
            for strength in STRENGTHS:
                straight = strength * painted + (1 - strength) * np.array(color)
                found = paint(stylizer, name, picture, strength).mean((0, 1))
                errors[strength].append(float(np.abs(found - straight).mean()))
    return {strength: float(np.mean(values)) for strength, values in errors.items()}


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


def flats() -> Image:
    """Areas of each of `FLATS`, side by side in two rows, [HEIGHT, WIDTH, 3]."""
    xs, ys = (np.linspace(0, count, length + 1).round().astype(int) for count, length in ((WIDTH, 3), (HEIGHT, 2)))
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    areas = [(top, bottom, left, right) for top, bottom in pairwise(ys) for left, right in pairwise(xs)]
    for (top, bottom, left, right), color in zip(areas, FLATS, strict=True):
        picture[top:bottom, left:right] = color
    return picture


def scene() -> Image:
    """A frame of the built-in scene, [HEIGHT, WIDTH, 3]."""
    picture: Image = next(iter(PatternSource(WIDTH, HEIGHT, live=False))).image
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
            sheet.paste(Pillow.fromarray(picture), (column * WIDTH, top + CAPTION))
    return sheet
