import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.sources.picture import read_picture  # noqa: E402
from murai.train.photos import (  # noqa: E402
    Photographs,
    learnable_style,
    list_photos,
    open_picture,
    style_picture,
    to_picture,
    to_tensor,
)


def test_broken_pictures_are_skipped_and_counted(photo_folder):
    (photo_folder / "broken.jpg").write_bytes(b"no picture")
    whole = (photo_folder / "0.png").read_bytes()
    (photo_folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    said = []
    assert len(list_photos(photo_folder, said.append)) == 5
    assert said[0].startswith("2 of 7 pictures")


def test_an_empty_a_missing_and_an_all_broken_folder_are_refused(tmp_path):
    with pytest.raises(TrainError, match="no photograph"):
        list_photos(tmp_path)
    with pytest.raises(TrainError, match="there is no folder"):
        list_photos(tmp_path / "nowhere")
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(TrainError, match="no photograph"):
        list_photos(tmp_path)


def test_a_picture_depends_on_its_number_alone(photo_folder):
    photos = Photographs(list_photos(photo_folder), size=16, seed=1)
    again = Photographs(list_photos(photo_folder), size=16, seed=1)
    first = photos.batch([7, 8, 9])
    photos.batch([10, 11, 12])
    assert first.shape == (3, 3, 16, 16)
    assert torch.equal(first, again.batch([7, 8, 9]))
    assert torch.equal(first[1:], photos.batch([8, 9]))
    assert not torch.equal(first, photos.batch([10, 11, 12]))
    assert first.min() >= 0
    assert first.max() <= 1


def test_a_margin_shows_more_of_the_same_photograph(tmp_path):
    """A slope from dark to light: the crop alone spans at least 60 % of it, and its margin as much more as fits."""
    slope = np.repeat(np.arange(256, dtype=np.uint8)[None], 256, 0)
    Image.fromarray(slope).convert("RGB").save(tmp_path / "slope.png")
    for margin, least in ((0, 0.6), (16, 0.9)):
        wide = Photographs([tmp_path / "slope.png"], size=64, seed=0, margin=margin).batch(range(20))
        assert wide.shape == (20, 3, 64 + 2 * margin, 64 + 2 * margin)
        spans = (wide[:, 0, 0].amax(1) - wide[:, 0, 0].amin(1)).clamp(max=1)
        assert spans.min() > least * 0.8  # light is bent by up to a quarter


@pytest.mark.parametrize(("size", "expected"), [((80, 60), (60 * 2, 80 * 2)), ((60, 90), (90 * 2, 60 * 2))])
def test_a_style_picture_keeps_its_proportions(tmp_path, size, expected):
    Image.new("RGB", size).save(tmp_path / "s.png")
    assert style_picture(tmp_path / "s.png", size=120).shape[1:] == expected


def test_a_crop_takes_that_section(tmp_path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:30, 20:50] = 200
    Image.fromarray(pixels).save(tmp_path / "s.png")
    cut = style_picture(tmp_path / "s.png", crop=(20, 10, 30, 20), size=20)
    assert cut.shape == (3, 20, 30)
    assert torch.allclose(cut, torch.tensor(200 / 255))


@pytest.mark.parametrize("crop", [(-1, 0, 20, 20), (0, 0, 61, 20), (0, 0, 20, 0), (50, 0, 20, 20)])
def test_a_crop_outside_the_picture_is_refused(tmp_path, crop):
    Image.new("RGB", (60, 40)).save(tmp_path / "s.png")
    with pytest.raises(TrainError, match="does not fit"):
        style_picture(tmp_path / "s.png", crop=crop)


def test_pictures_survive_the_way_to_a_tensor_and_back():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(np.array(to_picture(to_tensor(Image.fromarray(pixels)))), pixels)


def sixteen_bits():
    return Image.fromarray(np.full((40, 40), 32768, np.uint16)), "png", (128, 128, 128)


def fractions():
    return Image.fromarray(np.full((40, 40), 0.5, np.float32)), "tif", (128, 128, 128)


def half_transparent():
    return Image.new("RGBA", (40, 40), (255, 0, 0, 128)), "png", (255, 127, 127)


def hidden():
    return Image.new("RGBA", (40, 40), (200, 0, 0, 0)), "png", (255, 255, 255)


def ink():
    return Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "tif", (255, 0, 0)


def palette():
    picture = Image.new("P", (40, 40), 1)
    picture.putpalette([9, 9, 9, 10, 20, 200])
    return picture, "png", (10, 20, 200)


@pytest.mark.parametrize("kind", [sixteen_bits, fractions, half_transparent, hidden, ink, palette])
def test_pictures_of_every_kind_are_learned_as_they_are_seen(tmp_path, kind):
    picture, ending, colour = kind()
    path = tmp_path / f"a.{ending}"
    picture.save(path)
    assert np.array_equal(np.asarray(open_picture(path)), read_picture(path))
    assert list_photos(tmp_path) == [path]
    expected = torch.tensor(colour)[:, None, None] / 255
    assert torch.allclose(style_picture(path, size=20), expected.expand(3, 20, 20), atol=1 / 255)
    crop = Photographs([path], size=16, seed=0).batch([0])[0]
    assert torch.equal(crop, crop[:, :1, :1].expand(3, 16, 16))  # one colour, relit by a gamma of 0.8 to 1.25
    assert (
        (crop[:, 0, 0] >= expected[:, 0, 0] ** 1.25 - 0.01) & (crop[:, 0, 0] <= expected[:, 0, 0] ** 0.8 + 0.01)
    ).all()


def test_a_photograph_lies_upright_in_a_crop(tmp_path):
    stored = Image.new("RGB", (40, 40))
    stored.paste((255, 255, 255), (0, 0, 40, 20))  # white above; turned, it is at one side
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(tmp_path / "a.jpg", exif=exif)
    crop = Photographs([tmp_path / "a.jpg"], size=16, seed=0).batch([0])[0, 0]
    assert crop.std(dim=1).min() > 0.2
    assert crop.std(dim=0).max() < 0.05


def test_a_photograph_that_is_gone_is_named(tmp_path):
    with pytest.raises(TrainError, match=r"gone\.jpg"):
        Photographs([tmp_path / "gone.jpg"], size=16, seed=0).batch([0])


def texture(size, mode="RGB"):
    pixels = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def learned(path, **options):
    said = []
    return learnable_style(path, size=100, say=said.append, **options), said


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "CMYK"])
def test_a_picture_that_makes_sense_is_learned_without_a_word(tmp_path, mode):
    texture((90, 120), mode).save(tmp_path / "a.tif")
    style, said = learned(tmp_path / "a.tif")
    assert said == []
    assert torch.equal(style, style_picture(tmp_path / "a.tif", size=100))


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 40, 41)])
def test_one_colour_teaches_nothing(tmp_path, ending, colour):
    path = tmp_path / f"a.{ending}"
    Image.new("RGB", (90, 90), colour).save(path)
    with pytest.raises(TrainError, match="all one colour"):
        learned(path)


def test_a_section_of_one_colour_teaches_nothing_either(tmp_path):
    picture = texture((200, 100))
    picture.paste((9, 9, 9), (0, 0, 100, 100))
    picture.save(tmp_path / "a.png")
    with pytest.raises(TrainError, match=r"section 10,10,70,70 .*all one colour"):
        learned(tmp_path / "a.png", crop=(10, 10, 70, 70))
    assert learned(tmp_path / "a.png", crop=(110, 10, 70, 70))[1] == []


@pytest.mark.parametrize(
    ("size", "crop", "tiny"), [((63, 90), None, True), ((64, 64), None, False), ((200, 90), (0, 0, 90, 63), True)]
)
def test_a_tiny_picture_or_section_is_said(tmp_path, size, crop, tiny):
    texture(size).save(tmp_path / "a.png")
    said = learned(tmp_path / "a.png", crop=crop)[1]
    assert len(said) == tiny
    assert all("enlarged" in text for text in said)


def test_of_an_animation_the_first_picture_is_learned_and_that_is_said(tmp_path):
    first, second = texture((90, 90)), Image.new("RGB", (90, 90))
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second], lossless=True)
    style, said = learned(tmp_path / "a.webp")
    first.save(tmp_path / "first.png")
    assert torch.allclose(style, style_picture(tmp_path / "first.png", size=100), atol=1 / 255)
    assert len(said) == 1
    assert "2 pictures" in said[0]


def test_transparent_parts_are_white_and_that_is_said(tmp_path):
    picture = texture((90, 90)).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 90, 45))
    picture.save(tmp_path / "a.png")
    style, said = learned(tmp_path / "a.png")
    assert style[:, :40].min() > 0.99
    assert style[:, 60:].min() < 0.2
    assert len(said) == 1
    assert "white" in said[0]


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("crop", [None, (300, 500, 1100, 700)])
def test_a_large_picture_is_read_small_and_looks_the_same(tmp_path, ending, crop):
    texture((40, 30)).resize((2000, 1500), Image.Resampling.BICUBIC).save(tmp_path / f"a.{ending}", quality=95)
    whole = Image.open(tmp_path / f"a.{ending}").convert("RGB")
    x, y, w, h = crop or (0, 0, 2000, 1500)
    expected = to_tensor(whole.crop((x, y, x + w, y + h)).resize((round(100 * w / h), 100), Image.Resampling.LANCZOS))
    style = learned(tmp_path / f"a.{ending}", crop=crop)[0]
    assert style.shape == expected.shape
    assert (style - expected).abs().max() < 0.2
    assert (style - expected).abs().mean() < 0.03


def test_too_many_pixels_are_refused_in_megapixels(tmp_path):
    Image.new("1", (20_000, 10_000)).save(tmp_path / "a.png")
    with pytest.raises(TrainError, match="megapixels"):
        learned(tmp_path / "a.png")


def test_photographs_that_show_nothing_are_left_out(photo_folder):
    Image.new("RGB", (31, 400), (1, 2, 3)).save(photo_folder / "strip.png")
    Image.new("RGB", (4, 4)).save(photo_folder / "dot.png")
    said = []
    assert len(list_photos(photo_folder, said.append)) == 5
    assert said[0].startswith("2 of 7 pictures")


@pytest.mark.parametrize("size", [(3, 1200), (15, 15), (2000, 100)])
def test_a_dot_and_a_strip_teach_nothing_and_fill_no_memory(tmp_path, size):
    Image.effect_noise(size, 90).convert("RGB").save(tmp_path / "s.png")
    with pytest.raises(TrainError, match="too small or too narrow"):
        style_picture(tmp_path / "s.png")
