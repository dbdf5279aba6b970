"""Photographs to learn on: a folder, and random crops of them, each a pure function of (seed, number)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageOps
from torch import Tensor

from murai.errors import Say, TrainError, silent
from murai.pictures import UNREADABLE, About, about, read_rgb

SMALLEST = 32
"""Pixels of the short side below which a photograph shows nothing."""
LONGEST = 8
"""How many times as long as wide a style picture may be: at its short side's size, more would not fit into memory."""
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def to_tensor(picture: Pillow.Image) -> Tensor:
    """[3, H, W] float in 0..1 of an RGB picture."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def to_picture(x: Tensor) -> Pillow.Image:
    """The picture of [3, H, W] in 0..1; values outside are clamped."""
    pixels = (x.detach().float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Pillow.fromarray(pixels.cpu().numpy())


def open_picture(path: Path, *, scale: float = 1) -> Pillow.Image:
    """An upright RGB picture, transparent parts white. Raises TrainError with one sentence.

    With `scale` below 1 it may come smaller by a whole factor, down to that share of its size.
    """
    with _reading(path):
        return read_rgb(path, scale=scale)


def look_into(path: Path) -> About:
    """What the picture file holds, without reading it whole. Raises TrainError with one sentence."""
    with _reading(path):
        return about(path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what Pillow raises into a TrainError."""
    try:
        yield
    except Pillow.DecompressionBombError as error:
        raise TrainError(f"{path} has too many pixels to be read; give it smaller, up to 150 megapixels.") from error
    except UNREADABLE as error:
        raise TrainError(f"{path} cannot be read as a picture ({error}); give a JPEG or PNG.") from error


def list_photos(folder: Path, say: Say = silent) -> list[Path]:
    """The pictures in and below `folder` that open and are large enough, sorted; others are counted.

    Raises TrainError if none is left.
    """
    if not folder.is_dir():
        raise TrainError(f"there is no folder {folder}; give a folder of photographs.")
    candidates = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    good = [path for path in candidates if _opens(path)]
    if broken := len(candidates) - len(good):
        reason = f"cannot be read or are smaller than {SMALLEST} pixels"
        say(f"{broken} of {len(candidates)} pictures in {folder} {reason}, and are left out.")
    if not good:
        raise TrainError(
            f"{folder} holds no photograph that can be read and learned from; put JPEG or PNG files there."
        )
    return good


def _opens(path: Path) -> bool:
    try:
        read_rgb(path, small=True)
        return min(about(path).size) >= SMALLEST
    except UNREADABLE:
        return False


class Photographs:
    """Random square crops of `size` pixels, with a `margin` around where it is asked for, flipped and relit at random.

    Without its margin a crop covers 60 % of the short side or more, or what the margin leaves. Photographs are read
    again at each step: one that is gone by then raises TrainError.
    """

    def __init__(self, paths: Sequence[Path], *, size: int, seed: int, margin: int = 0) -> None:
        self.paths, self.size, self.seed, self.margin = list(paths), size, seed, margin

    def batch(self, numbers: Sequence[int]) -> Tensor:
        """[N, 3, S, S] in 0..1, S = size + 2 margin, each the pure function of the seed and its own number."""
        return torch.stack([self._crop(np.random.default_rng((self.seed, number))) for number in numbers])

    def _crop(self, rng: np.random.Generator) -> Tensor:
        picture = open_picture(self.paths[rng.integers(len(self.paths))])
        wide = self.size + 2 * self.margin
        side = min(picture.size) * min(1, rng.uniform(0.6, 1.0) * wide / self.size)
        left, top = (rng.uniform(0, length - side) for length in picture.size)
        box = (left, top, left + side, top + side)
        crop = picture.resize((wide, wide), Pillow.Resampling.BICUBIC, box=box)
        if rng.random() < 0.5:
            crop = ImageOps.mirror(crop)
        return to_tensor(crop) ** rng.uniform(0.8, 1.25)


Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the whole, upright picture."""

FLAT = 1 / 255
"""Deviation, 0..1, below which every colour of a picture is the same everywhere."""
TINY = 64
"""Pixels of the short side below which strokes are too blurred to learn from."""


def style_picture(path: Path, *, crop: Box | None = None, size: int = 512) -> Tensor:
    """The style picture [3, H, W] in 0..1: cut to `crop`, short side `size`, proportions kept.

    A huge picture is read no larger than this needs. Raises TrainError for a crop outside the picture.
    """
    return _style_picture(path, crop, size, look_into(path))


def learnable_style(path: Path, *, crop: Box | None = None, size: int = 512, say: Say = silent) -> Tensor:
    """`style_picture`, and `say` hears what is odd about it: tiny, several pictures in one file, transparent.

    Raises TrainError also where it is all one colour.
    """
    seen = look_into(path)
    style = _style_picture(path, crop, size, seen)
    width, height = crop[2:] if crop else seen.size
    place = f"the section {','.join(map(str, crop))} of {path}" if crop else str(path)
    if style.std((1, 2)).max() < FLAT:
        raise TrainError(f"{place} is all one colour, so there is nothing to learn; give another picture or --crop.")
    if min(width, height) < TINY:
        say(f"{place} is only {width}x{height} pixels and is enlarged: strokes become blurred; give a larger one.")
    if seen.moments > 1:
        say(f"{path} holds {seen.moments} pictures; the first is learned from.")
    if seen.transparent:
        say(f"what is transparent in {path} counts as white.")
    return style


def _style_picture(path: Path, crop: Box | None, size: int, seen: About) -> Tensor:
    width, height = seen.size
    x, y, w, h = crop or (0, 0, width, height)
    if crop and (x < 0 or y < 0 or w < 16 or h < 16 or x + w > width or y + h > height):
        raise TrainError(
            f"the crop {x},{y},{w},{h} does not fit into {path}, which is {width}x{height}; "
            "give X,Y,W,H inside it, 16 pixels a side at least."
        )
    if min(w, h) < 16 or max(w, h) > LONGEST * min(w, h):
        raise TrainError(
            f"{path} is {w}x{h}, too small or too narrow to learn from; give --crop, 16 pixels a side at least and at "
            f"most {LONGEST} times as long as wide, or another picture."
        )
    scale = size / min(w, h)
    picture = open_picture(path, scale=2 * scale)  # what is then made smaller by half is as good as from the whole
    if crop:
        across, down = picture.width / width, picture.height / height
        picture = picture.crop((round(x * across), round(y * down), round((x + w) * across), round((y + h) * down)))
    return to_tensor(picture.resize((round(w * scale), round(h * scale)), Pillow.Resampling.LANCZOS))
