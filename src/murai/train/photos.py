"""Photographs to learn on: a folder, and random crops of them. Every batch is a pure function of (seed, step)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageOps
from torch import Tensor

from murai.errors import Say, TrainError, silent
from murai.pictures import UNREADABLE, read_rgb

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def to_tensor(picture: Pillow.Image) -> Tensor:
    """[3, H, W] float in 0..1 of an RGB picture."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def to_picture(x: Tensor) -> Pillow.Image:
    """The picture of [3, H, W] in 0..1; values outside are clamped."""
    pixels = (x.detach().float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Pillow.fromarray(pixels.cpu().numpy())


def open_picture(path: Path) -> Pillow.Image:
    """An upright RGB picture, transparent parts white. Raises TrainError with one sentence."""
    try:
        return read_rgb(path)
    except UNREADABLE as error:
        raise TrainError(f"{path} cannot be read as a picture ({error}); give a JPEG or PNG.") from error


def list_photos(folder: Path, say: Say = silent) -> list[Path]:
    """The pictures in and below `folder` that open, sorted; others are counted. Raises TrainError if none is left."""
    if not folder.is_dir():
        raise TrainError(f"there is no folder {folder}; give a folder of photographs.")
    candidates = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    good = [path for path in candidates if _opens(path)]
    if broken := len(candidates) - len(good):
        say(f"{broken} of {len(candidates)} pictures in {folder} cannot be read and are left out.")
    if not good:
        raise TrainError(f"{folder} holds no photograph that can be read; put JPEG or PNG files there.")
    return good


def _opens(path: Path) -> bool:
    try:
        read_rgb(path, small=True)
    except UNREADABLE:
        return False
    return True


class Photographs:
    """Random square crops of `size` pixels, flipped and relit at random, `batch` at a time.

    Photographs are read again at each step: one that is gone by then raises TrainError.
    """

    def __init__(self, paths: Sequence[Path], *, size: int, batch: int, seed: int) -> None:
        self.paths, self.size, self.batch_size, self.seed = list(paths), size, batch, seed

    def batch(self, step: int) -> Tensor:
        """[batch, 3, size, size] in 0..1 for this step: the same whenever it is asked for."""
        rng = np.random.default_rng((self.seed, step))
        return torch.stack([self._crop(rng) for _ in range(self.batch_size)])

    def _crop(self, rng: np.random.Generator) -> Tensor:
        picture = open_picture(self.paths[rng.integers(len(self.paths))])
        side = min(picture.size) * rng.uniform(0.6, 1.0)
        left, top = (rng.uniform(0, length - side) for length in picture.size)
        box = (left, top, left + side, top + side)
        crop = picture.resize((self.size, self.size), Pillow.Resampling.BICUBIC, box=box)
        if rng.random() < 0.5:
            crop = ImageOps.mirror(crop)
        return to_tensor(crop) ** rng.uniform(0.8, 1.25)


def style_picture(path: Path, *, crop: tuple[int, int, int, int] | None = None, size: int = 512) -> Tensor:
    """The style picture [3, H, W] in 0..1: cut to `crop` (x, y, w, h), short side `size`, proportions kept.

    Raises TrainError for a crop outside the picture.
    """
    picture = open_picture(path)
    if crop is not None:
        x, y, w, h = crop
        if x < 0 or y < 0 or w < 16 or h < 16 or x + w > picture.width or y + h > picture.height:
            raise TrainError(
                f"the crop {x},{y},{w},{h} does not fit into {path}, which is {picture.width}x{picture.height}; "
                "give X,Y,W,H inside it, 16 pixels a side at least."
            )
        picture = picture.crop((x, y, x + w, y + h))
    scale = size / min(picture.size)
    resized = picture.resize((round(picture.width * scale), round(picture.height * scale)), Pillow.Resampling.LANCZOS)
    return to_tensor(resized)
