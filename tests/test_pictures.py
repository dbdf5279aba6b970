"""What every reader of still pictures gets: upright, opaque, 8 bits a colour."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.pictures import UNREADABLE, about, read_rgb


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


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "P", "I;16"])
@pytest.mark.parametrize("ending", ["png", "tiff", "jpg"])
@pytest.mark.parametrize("scale", [0.05, 0.13, 0.26, 0.49, 0.5, 0.51, 0.9, 1, 3])
def test_a_scale_gives_the_same_picture_with_fewer_pixels_but_not_too_few(
    tmp_path: Path, mode: str, ending: str, scale: float
) -> None:
    if (ending, mode) in (("png", "CMYK"), ("jpg", "RGBA"), ("jpg", "P"), ("jpg", "I;16")):
        return  # there are no such files
    path, picture = tmp_path / f"a.{ending}", PIL.Image.radial_gradient("L").resize((400, 300))
    deep = PIL.Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    (deep if mode == "I;16" else picture.convert(mode)).save(path)
    whole, small = read_rgb(path), read_rgb(path, scale=scale)
    assert min(400, int(400 * scale)) <= small.width <= 400
    assert min(300, int(300 * scale)) <= small.height <= 300
    if mode in ("L", "RGB") and scale < 0.5:
        assert small.width < 400
    difference = np.asarray(whole.resize((20, 15)), float) - np.asarray(small.resize((20, 15)), float)
    assert np.abs(difference).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
def test_a_small_picture_is_as_upright_as_the_whole_and_its_size_is_known_before(
    tmp_path: Path, orientation: int, ending: str
) -> None:
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[:30, :40], pixels[:30, 40:], pixels[30:, :40] = (250, 20, 20), (20, 250, 20), (20, 20, 250)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    PIL.Image.fromarray(pixels).save(path, exif=exif, quality=95)
    whole, small = read_rgb(path), read_rgb(path, scale=0.5)
    assert about(path).size == whole.size == ((80, 60) if orientation < 5 else (60, 80))
    assert small.size == (whole.width // 2, whole.height // 2)
    four = [np.asarray(p.resize((2, 2), PIL.Image.Resampling.BOX), float) for p in (whole, small)]
    assert np.abs(four[0] - four[1]).max() < 12


def test_moments_and_transparency_are_told(tmp_path: Path) -> None:
    grey, red = PIL.Image.new("RGB", (8, 6), (9, 9, 9)), PIL.Image.new("RGB", (8, 6), (200, 0, 0))
    grey.save(tmp_path / "one.png")
    grey.save(tmp_path / "moving.gif", save_all=True, append_images=[red, grey], duration=50)
    grey.save(tmp_path / "camera.jpg", "MPO", save_all=True, append_images=[red])
    PIL.Image.new("RGBA", (8, 6), (9, 9, 9, 255)).save(tmp_path / "opaque.png")
    glass = PIL.Image.new("RGBA", (8, 6), (9, 9, 9, 255))
    glass.putpixel((3, 3), (9, 9, 9, 254))
    glass.save(tmp_path / "glass.png")
    found = {path.name: (about(path).moments, about(path).transparent) for path in tmp_path.iterdir()}
    assert found == {
        "one.png": (1, False),
        "moving.gif": (3, False),
        "camera.jpg": (1, False),
        "opaque.png": (1, False),
        "glass.png": (1, True),
    }


def test_a_hundred_megapixels_are_read_small_and_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    PIL.Image.new("L", (10_000, 10_000), 77).save(tmp_path / "huge.jpg")
    assert about(tmp_path / "huge.jpg").size == (10_000, 10_000)
    small = read_rgb(tmp_path / "huge.jpg", scale=0.1)
    assert 1000 <= small.width == small.height < 2000
    assert np.abs(np.asarray(small).astype(int) - 77).max() <= 1
    assert not [warning for warning in recwarn if issubclass(warning.category, PIL.Image.DecompressionBombWarning)]
