"""A gallery with pictures, and pictures to put into it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from murai.booth.gallery import Gallery


def painting(number: int = 0, size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """Broad strokes of a colour that is different for every number: width x height as given."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    waves = np.sin(x * 9 / width + number) + np.cos(y * 7 / height - number * 2) + np.sin((x + y) * 12 / width)
    base = np.array([(number * 67) % 256, (number * 131 + 80) % 256, (number * 29 + 160) % 256])
    return np.clip(base + waves[..., None] * [40, 30, 50], 0, 255).astype(np.uint8)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def gallery(tmp_path: Path, said: list[str]) -> Iterator[Gallery]:
    gallery = Gallery(tmp_path / "gallery", said.append)
    yield gallery
    gallery.close()
