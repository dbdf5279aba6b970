"""What every reader of still pictures gets: upright, opaque, 8 bits a colour."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.pictures import UNREADABLE, read_rgb


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"])
def test_every_kind_of_picture_becomes_rgb_of_the_same_size(tmp_path: Path, mode: str) -> None:
    ending = "tiff" if mode in ("CMYK", "YCbCr", "I", "F") else "png"
    PIL.Image.new(mode, (5, 3)).save(tmp_path / f"a.{ending}")
    picture = read_rgb(tmp_path / f"a.{ending}")
    assert (picture.mode, picture.size) == ("RGB", (5, 3))


@given(deep=st.lists(st.integers(0, 65535), min_size=2, max_size=9))
def test_deeper_grey_keeps_its_order_and_its_ends(tmp_path_factory: pytest.TempPathFactory, deep: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "deep.png"
    PIL.Image.fromarray(np.array([sorted(deep)], np.uint16)).save(path)
    grey = np.asarray(read_rgb(path))[0, :, 0].astype(float)
    assert (np.diff(grey) >= 0).all()
    assert np.abs(grey - np.array(sorted(deep)) * 255 / 65535).max() <= 0.5


@given(colour=st.tuples(*[st.integers(0, 255)] * 3), alpha=st.integers(0, 255))
def test_what_is_behind_a_transparent_picture_is_white(
    tmp_path_factory: pytest.TempPathFactory, colour: tuple[int, int, int], alpha: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "glass.png"
    PIL.Image.new("RGBA", (1, 1), (*colour, alpha)).save(path)
    expected = [c * alpha / 255 + 255 - alpha for c in colour]
    assert np.abs(np.asarray(read_rgb(path))[0, 0] - expected).max() <= 1


def test_small_is_the_same_picture_with_fewer_pixels(tmp_path: Path) -> None:
    PIL.Image.radial_gradient("L").resize((800, 600)).convert("RGB").save(tmp_path / "a.jpg")
    whole, small = read_rgb(tmp_path / "a.jpg"), read_rgb(tmp_path / "a.jpg", small=True)
    assert 64 <= small.height < 600
    difference = np.asarray(whole.resize((40, 30)), float) - np.asarray(small.resize((40, 30)), float)
    assert np.abs(difference).max() < 8


def test_what_cannot_be_read_raises_one_of_the_named_errors(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    PIL.Image.new("RGB", (4, 4)).save(tmp_path / "a.tga")  # a format without a sign of its own
    for path in (tmp_path / "text.png", tmp_path / "a.tga", tmp_path / "none.png", tmp_path):
        with pytest.raises(UNREADABLE):
            read_rgb(path)
