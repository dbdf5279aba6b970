"""Still pictures of every kind a user may bring."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from murai.errors import SourceError
from murai.sources.file import FileSource
from murai.sources.picture import is_picture, read_picture
from tests.sources.kit import make_video


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tiff", "bmp", "ppm", "gif"])
def test_every_common_format_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    PIL.Image.new("RGB", (16, 8), (255, 0, 0)).save(path)
    image = read_picture(path)
    assert (image.shape, image.dtype) == ((8, 16, 3), np.uint8)
    assert np.abs(image.astype(int) - (255, 0, 0)).max() <= 3
    assert is_picture(path)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (5, 3)])
def test_tiny_pictures_work(tmp_path: Path, size: tuple[int, int]) -> None:
    PIL.Image.new("RGB", size, (1, 2, 3)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").tolist() == [[[1, 2, 3]] * size[0]] * size[1]


def test_grey_is_spread_over_three_colours(tmp_path: Path) -> None:
    PIL.Image.new("L", (2, 2), 77).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[0, 0].tolist() == [77, 77, 77]


@pytest.mark.parametrize("ending", ["png", "tiff"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path: Path, ending: str) -> None:
    deep = np.array([[0, 255, 257, 32768, 65535]], np.uint16)
    PIL.Image.fromarray(deep).save(tmp_path / f"a.{ending}")
    assert read_picture(tmp_path / f"a.{ending}")[0, :, 0].tolist() == [0, 1, 1, 128, 255]


def test_fractions_run_to_one(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.array([[0.0, 0.5, 1.0, 7.0]], np.float32)).save(tmp_path / "a.tiff")
    assert read_picture(tmp_path / "a.tiff")[0, :, 0].tolist() == [0, 128, 255, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(tmp_path: Path, mode: str) -> None:
    if mode == "P":  # a palette with one transparent entry
        picture = PIL.Image.new("P", (2, 1), 0)
        picture.putpalette([9, 9, 9, 0, 0, 0])
        picture.putpixel((1, 0), 1)
        picture.save(tmp_path / "a.png", transparency=0)
    else:
        picture = PIL.Image.new("RGBA", (2, 1), (0, 0, 0, 0))
        picture.putpixel((1, 0), (0, 0, 0, 255))
        picture.convert(mode).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").tolist() == [[[255, 255, 255], [0, 0, 0]]]


def test_half_transparent_black_is_grey(tmp_path: Path) -> None:
    PIL.Image.new("RGBA", (1, 1), (0, 0, 0, 128)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[0, 0].tolist() == [127, 127, 127]


def test_ink_colours_are_turned_into_light(tmp_path: Path) -> None:
    PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red, green, blue = read_picture(tmp_path / "a.jpg")[4, 4].tolist()
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """The upright picture is 3 wide and 2 high, its upper left pixel red."""
    upright = PIL.Image.new("RGB", (3, 2))
    upright.putpixel((0, 0), (255, 0, 0))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that a camera would store
    stored = upright.transpose(PIL.Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png"), np.asarray(upright))


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    bomb = PIL.Image.new("1", (20000, 20000))
    bomb.save(tmp_path / "bomb.png")
    assert is_picture(tmp_path / "bomb.png")
    with pytest.raises(SourceError, match="million pixels"):
        read_picture(tmp_path / "bomb.png")
    with pytest.raises(SourceError, match="million pixels"):
        FileSource(tmp_path / "bomb.png")


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello")
    assert not is_picture(tmp_path / "a.png")
    with pytest.raises(SourceError, match=r"a\.png is not a picture"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(SourceError, match="There is no file"):
        read_picture(tmp_path / "b.png")
    with pytest.raises(SourceError, match="cannot be read"):
        read_picture(tmp_path)


@pytest.mark.parametrize("ending", ["png", "jpg", "tiff", "webp", "bmp", "gif"])
def test_a_picture_cut_short_is_refused_or_read_but_never_a_fault(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    PIL.Image.effect_noise((64, 64), 80).convert("RGB").save(path)
    whole = path.read_bytes()
    refused = 0
    for length in range(0, len(whole), max(1, len(whole) // 20)):
        path.write_bytes(whole[:length])
        try:
            assert read_picture(path).shape == (64, 64, 3)
        except SourceError:
            refused += 1
    assert refused > 10


def test_a_picture_is_a_video_of_one_frame(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (5, 3), (9, 8, 7)).save(tmp_path / "a.png")
    source = FileSource(tmp_path / "a.png")
    frames = list(source)
    assert [(f.pts, f.index, f.width, f.height) for f in frames] == [(0, 0, 5, 3)]
    assert (source.info.frames, source.info.width, source.info.height, source.info.path) == (1, 5, 3, None)
    assert frames[0].image[0, 0].tolist() == [9, 8, 7]


def test_a_moving_gif_is_a_video(tmp_path: Path) -> None:
    moments = [PIL.Image.new("RGB", (8, 8), (40 * i, 0, 0)) for i in range(4)]
    moments[0].save(tmp_path / "a.gif", save_all=True, append_images=moments[1:], duration=100)
    assert [round(float(f.time), 2) for f in FileSource(tmp_path / "a.gif")] == [0, 0.1, 0.2, 0.3]


def test_a_video_is_no_picture(tmp_path: Path) -> None:
    assert not is_picture(make_video(tmp_path / "a.mp4", [0, 1, 2]))
    assert not is_picture(make_video(tmp_path / "a.mpg", [0, 1, 2], codec="mpeg2video", tick=Fraction(1, 25)))
