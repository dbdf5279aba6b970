"""A landscape with walkers, drawn once in layers and put together anew for every moment."""

import math
from collections.abc import Callable

import numpy as np
import PIL.Image
import PIL.ImageDraw
from numpy.typing import NDArray

from murai.frame import Image

Draw = PIL.ImageDraw.ImageDraw
Layer = NDArray[np.uint8]
"""A strip that repeats every two frame widths, and is one width longer so that any window is one slice."""

HORIZON = 0.62  # heights from the top at which the meadow hides everything behind it
TREETOPS = 0.34  # nothing of the meadow reaches higher
SMOOTH = 3  # things are drawn this much larger and shrunk, for soft edges


class Scene:
    """Sky, mountains, a meadow with trees and houses, people, a balloon, birds and a ball, `width` x `height`.

    The same size always gives the same scene. 16 pixels is the smallest side.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._far = _repeated(_far_layer(2 * width, height), width)
        near = _near_layer(2 * width, height)
        self._near = _repeated(near[..., :3], width)
        self._top, self._solid = int(TREETOPS * height), int(HORIZON * height)
        covers = _repeated(near[..., 3:] > 127, width)[self._top : self._solid]
        self._covers = np.broadcast_to(covers, (*covers.shape[:2], 3)).copy()
        self._walkers = [
            [_Sprite(_drawn(0.15 * height, 0.34 * height, _walker(phase / 8, coat))[:, ::way]) for phase in range(8)]
            for coat, way in (("#b3262e", 1), ("#1f4e9c", -1), ("#e2a916", 1))
        ]
        self._balloon = _Sprite(_drawn(0.17 * height, 0.26 * height, _balloon))
        self._birds = [_Sprite(_drawn(0.05 * height, 0.04 * height, _bird(wing))) for wing in (-1.0, -0.3, 0.4, 1.0)]
        self._ball = _Sprite(_drawn(0.07 * height, 0.07 * height, _ball))

    def draw(self, moment: float) -> Image:
        """The scene `moment` seconds after its beginning: height x width x 3, new memory."""
        width, height = self._size
        far = self._window(0.02 * moment)
        near = self._window(0.09 * moment)
        image = np.empty((height, width, 3), np.uint8)
        image[: self._solid] = self._far[: self._solid, far]
        self._balloon.paste(image, 0.7 + 0.15 * math.sin(0.21 * moment), 0.2 + 0.04 * math.sin(0.8 * moment))
        for bird in range(3):
            wing = self._birds[int(8 * moment + bird) % 4]
            wing.paste(image, (0.11 * moment + 0.07 * bird) % 1.2 - 0.1, 0.12 + 0.05 * math.sin(moment + bird))
        strip = slice(self._top, self._solid)
        np.copyto(image[strip], self._near[strip, near], where=self._covers[:, near])
        image[self._solid :] = self._near[self._solid :, near]
        self._draw_people(image, moment)
        return image

    def _draw_people(self, image: Image, moment: float) -> None:
        # Speed in widths a second, and where the feet are, in heights: the nearest last.
        for walker, (speed, start, ground) in zip(
            self._walkers, ((0.07, 0.1, 0.79), (-0.05, 0.8, 0.86), (0.12, 0.5, 0.96)), strict=True
        ):
            walker[int(9 * moment) % 8].paste(image, (start + speed * moment) % 1.3 - 0.15, ground - 0.17)
        self._ball.paste(image, 0.5 + 0.4 * math.sin(0.6 * moment), 0.92 - 0.25 * abs(math.sin(2.4 * moment)))

    def _window(self, widths: float) -> slice:
        width = self._size[0]
        start = int(widths * width) % (2 * width)
        return slice(start, start + width)


class _Sprite:
    """A small picture with soft edges, ready to be laid over others: rows x columns x RGBA."""

    def __init__(self, picture: Layer) -> None:
        cover = picture[..., 3:].astype(np.uint16) + (picture[..., 3:] > 127)  # 0 to 256, so that a shift divides
        self._paint = picture[..., :3] * cover
        self._rest = 256 - cover

    def paste(self, image: Image, x: float, y: float) -> None:
        """Lay it over `image`, its middle at (x, y) in widths and heights; what is outside is cut off."""
        height, width = image.shape[:2]
        rows, columns = self._paint.shape[:2]
        top, left = int(y * height) - rows // 2, int(x * width) - columns // 2
        bottom, right = min(top + rows, height), min(left + columns, width)
        if bottom <= max(top, 0) or right <= max(left, 0):
            return
        part = np.s_[max(-top, 0) : bottom - top, max(-left, 0) : right - left]
        under = image[max(top, 0) : bottom, max(left, 0) : right]
        under[:] = (self._paint[part] + under * self._rest[part]) >> 8


def _repeated(strip: NDArray[np.generic], width: int) -> Layer:
    return np.ascontiguousarray(np.concatenate([strip, strip[:, :width]], axis=1))


def _noise(width: int, height: int, grain: float, seed: int) -> NDArray[np.float32]:
    """Clouds of noise from -1 to 1 with spots of about `grain` pixels, the left edge fitting to the right."""
    columns, rows = max(2, round(width / grain)), max(2, round(height / grain))
    spots = np.random.default_rng(seed).random((rows, columns), np.float32) * 2 - 1
    wide = PIL.Image.fromarray(np.tile(spots, 3)).resize((3 * width, height), PIL.Image.Resampling.BICUBIC)
    return np.asarray(wide)[:, width : 2 * width]


def _ridge(width: int, parts: tuple[tuple[int, float, float], ...]) -> NDArray[np.float32]:
    """A periodic outline: the sum of (waves, size, phase)."""
    x = np.arange(width) * (2 * math.pi / width)
    outline = sum((size * np.sin(waves * x + phase) for waves, size, phase in parts), np.zeros(width))
    return outline.astype(np.float32)


def _colour(red: int, green: int, blue: int) -> NDArray[np.float32]:
    return np.array([red, green, blue], np.float32)


def _far_layer(width: int, height: int) -> Layer:
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = (1 - y) * _colour(52, 110, 190) + y * _colour(255, 214, 170)
    image = np.repeat(sky, width, axis=1)
    clouds = _noise(width, height, height / 3, 1) + 0.6 * _noise(width, height, height / 9, 2)
    clouds += 0.3 * _noise(width, height, height / 30, 3)
    image += (np.clip(clouds - 0.25, 0, 1) * 0.85)[..., None] * (_colour(255, 250, 244) - image)
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)
    for centre in (0.4 * height, 0.4 * height + width):
        far = np.hypot(columns - centre, rows - 0.2 * height) / (0.07 * height)
        image += np.clip(1.15 - far, 0, 1)[..., None] * (_colour(255, 244, 190) - image)
    for base, colour, parts, seed in (
        (0.46, (126, 140, 176), ((3, 0.05, 0), (7, 0.03, 1), (19, 0.012, 2), (41, 0.006, 0)), 4),
        (0.56, (84, 110, 120), ((2, 0.04, 2), (9, 0.025, 0), (23, 0.012, 1), (53, 0.005, 2)), 5),
    ):
        outline = (base + _ridge(width, parts)) * height
        rock = 1 + 0.22 * _noise(width, height, height / 24, seed) + 0.12 * _noise(width, height, height / 90, seed)
        snow = np.clip((0.07 * height - (rows - outline)) / (0.03 * height), 0, 0.7) * (seed == 4)
        shade = _colour(*colour) * rock[..., None]
        shade += snow[..., None] * (_colour(248, 248, 255) - shade)
        mountain = np.clip(rows - outline + 0.5, 0, 1)[..., None]
        image += mountain * (shade - image)
    layer: Layer = np.clip(image, 0, 255).astype(np.uint8)
    return layer


def _near_layer(width: int, height: int) -> Layer:
    rows = np.arange(height, dtype=np.float32)[:, None]
    outline = (HORIZON - 0.035 + _ridge(width, ((1, 0.012, 0), (4, 0.014, 1), (11, 0.005, 2)))) * height
    depth = np.clip((rows / height - 0.55) / 0.45, 0, 1)[..., None]
    grass = (1 - depth) * _colour(136, 160, 74) + depth * _colour(58, 112, 40)
    blades = 0.16 * _noise(width, height, max(1, height / 360), 6) + 0.2 * _noise(width, height, height / 20, 7)
    grass = grass * (1 + blades[..., None])
    flowers = _noise(width, height, max(1, height / 180), 8) > 0.93
    grass[flowers] = (240, 222, 90)
    path = np.abs(rows - (0.8 + _ridge(width, ((2, 0.02, 0), (5, 0.01, 1)))) * height) < 0.035 * height
    grass[path] = grass[path] * 0.3 + _colour(150, 124, 90)
    cover = np.clip(rows - outline + 0.5, 0, 1)[..., None] * 255
    meadow = np.concatenate([grass, cover], axis=2)
    meadow[meadow[..., 3] == 0] = 0
    image = PIL.Image.fromarray(np.clip(meadow, 0, 255).astype(np.uint8))
    random = np.random.default_rng(9)
    for place in np.linspace(0, 1, 14, endpoint=False):
        size = float(random.uniform(0.16, 0.24))
        thing = _house if random.random() < 0.3 else _tree(int(random.integers(1 << 30)))
        picture = PIL.Image.fromarray(_drawn(size * height, size * height, thing))
        left, top = int(place * width), int((HORIZON + 0.01) * height) - picture.height
        for shift in (0, -width):
            image.paste(picture, (left + shift, top), picture)
    return np.array(image)


def _drawn(width: float, height: float, paint: Callable[[Draw, float, float], None]) -> Layer:
    """What `paint(draw, width, height)` draws, with soft edges: rows x columns x RGBA."""
    small = max(2, round(width)), max(2, round(height))
    large = small[0] * SMOOTH, small[1] * SMOOTH
    canvas = PIL.Image.new("RGBA", large)
    paint(PIL.ImageDraw.Draw(canvas), *large)
    return np.asarray(canvas.resize(small, PIL.Image.Resampling.BOX))


def _walker(phase: float, coat: str) -> Callable[[Draw, float, float], None]:
    """A person in profile at `phase` (0 to 1) of the stride, walking to the right."""

    def paint(draw: Draw, w: float, h: float) -> None:
        swing = math.sin(2 * math.pi * phase)
        hip, neck, limb = (0.5 * w, 0.56 * h), (0.52 * w, 0.24 * h), round(0.11 * w)
        for side, trousers in ((-1, "#20242c"), (1, "#343a46")):
            knee = (hip[0] + side * swing * 0.16 * w + 0.03 * w, 0.76 * h)
            foot = (
                hip[0] + side * swing * 0.34 * w,
                0.97 * h - max(0.0, side * math.cos(2 * math.pi * phase)) * 0.05 * h,
            )
            draw.line([hip, knee, foot], fill=trousers, width=limb, joint="curve")
            draw.line([foot, (foot[0] + 0.12 * w, foot[1])], fill="#3a2415", width=limb)
        hand = (neck[0] - swing * 0.3 * w, 0.52 * h)
        draw.rounded_rectangle([0.36 * w, 0.22 * h, 0.66 * w, 0.62 * h], radius=0.12 * w, fill=coat)
        draw.line([(neck[0], 0.28 * h), hand], fill="#101010", width=round(0.13 * w))
        draw.line([(neck[0], 0.28 * h), hand], fill=coat, width=round(0.09 * w))
        draw.ellipse([0.38 * w, 0.05 * h, 0.68 * w, 0.2 * h], fill="#e0aa84")
        draw.pieslice([0.36 * w, 0.03 * h, 0.68 * w, 0.2 * h], 150, 350, fill="#3b2616")

    return paint


def _balloon(draw: Draw, w: float, h: float) -> None:
    for stripe, colour in enumerate(("#d8432f", "#f3c53c", "#2f7fb8", "#f3efe2", "#d8432f")):
        inset = stripe * 0.1 * w
        draw.ellipse([inset, 0, w - 1 - inset, 0.74 * h], fill=colour)
    for x in (0.3, 0.7):
        draw.line([(x * w, 0.68 * h), ((0.5 + (x - 0.5) * 0.4) * w, 0.86 * h)], fill="#40342a", width=SMOOTH)
    draw.rectangle([0.4 * w, 0.85 * h, 0.6 * w, h - 1], fill="#7a5230", outline="#40342a", width=SMOOTH)


def _bird(wing: float) -> Callable[[Draw, float, float], None]:
    def paint(draw: Draw, w: float, h: float) -> None:
        tip = (0.5 - 0.4 * wing) * h
        draw.line(
            [(0, tip), (0.5 * w, 0.5 * h), (w, tip)], fill="#22262e", width=max(2, round(0.12 * h)), joint="curve"
        )

    return paint


def _ball(draw: Draw, w: float, h: float) -> None:
    for slice_ in range(6):
        draw.pieslice([0, 0, w - 1, h - 1], 60 * slice_, 60 * slice_ + 60, fill=("#f4f1e8", "#d1262b")[slice_ % 2])
    draw.ellipse([0, 0, w - 1, h - 1], outline="#40201c", width=SMOOTH)


def _house(draw: Draw, w: float, h: float) -> None:
    draw.rectangle([0.12 * w, 0.5 * h, 0.88 * w, h - 1], fill="#e8dcc2", outline="#6b5842", width=SMOOTH)
    draw.polygon([(0.04 * w, 0.52 * h), (0.5 * w, 0.16 * h), (0.96 * w, 0.52 * h)], fill="#9c4632")
    for row in range(6):
        y = (0.22 + 0.05 * row) * h
        half = (y / h - 0.16) / 0.36 * 0.46 * w
        draw.line([(0.5 * w - half, y), (0.5 * w + half, y)], fill="#7a3325", width=SMOOTH)
    draw.rectangle([0.43 * w, 0.72 * h, 0.57 * w, h - 1], fill="#5a3b22")
    for x in (0.2, 0.66):
        draw.rectangle([x * w, 0.6 * h, (x + 0.14) * w, 0.76 * h], fill="#7fb2cf", outline="#ffffff", width=SMOOTH)


def _tree(seed: int) -> Callable[[Draw, float, float], None]:
    def paint(draw: Draw, w: float, h: float) -> None:
        random = np.random.default_rng(seed)
        draw.rectangle([0.46 * w, 0.6 * h, 0.54 * w, h - 1], fill="#54391f")
        for _ in range(140):
            angle, far = random.uniform(0, 2 * math.pi), math.sqrt(random.random())
            x, y = (0.5 + 0.32 * far * math.cos(angle)) * w, (0.38 + 0.28 * far * math.sin(angle)) * h
            light = 0.7 + 0.5 * random.random() - 0.5 * (y / h - 0.38)
            colour = tuple(min(255, int(part * light)) for part in (62, 124, 48))
            r = random.uniform(0.03, 0.08) * w
            draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)

    return paint
