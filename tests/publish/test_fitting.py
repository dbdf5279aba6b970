"""Pictures and texts as the services take them."""

import errno
import io
import json
import subprocess
from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from murai.publish.bluesky import Bluesky
from murai.publish.fitting import bluesky_length, cut, graphemes, mastodon_length, prepare, x_length
from murai.publish.post import Limits, Post, Refused, TryLater, clean
from tests.sources.kit import make_video

from .kit import SERVERS, installed, moving_post, new_post, picture

SECRET = b"Rue de la Paix 5"
ODD = st.text(st.sampled_from("aé日\u0301\u200d👩👧🏽❤\ufe0f1⃣🇫🇷 \n.,…ｆ—") | st.characters(), max_size=60)


def whole(data):
    return Image.open(io.BytesIO(data))


def post_of(path, caption="", alt=""):
    return Post("key", path, caption, alt, 0.0)


def with_everything(folder, kind):
    """A picture that says where it was taken in every way its format has."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 24.0)
    options = {"exif": exif.tobytes(), "comment": SECRET, "xmp": b"<x>" + SECRET + b"</x>", "dpi": (77, 77)}
    if kind == "png":
        about = PngInfo()
        about.add_text("Comment", SECRET.decode())
        about.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        options = {"exif": exif.tobytes(), "pnginfo": about, "dpi": (77, 77)}
    return picture(folder, kind=kind, **options)


@pytest.mark.parametrize("kind", ["jpg", "png"])
@pytest.mark.parametrize("limits", [Limits(), Limits(bytes=30_000, side=100)])
def test_nothing_but_the_picture_leaves(tmp_path, kind, limits):
    path = with_everything(tmp_path, kind)
    assert path.read_bytes().count(SECRET) >= 2
    data = prepare(post_of(path), limits).data
    assert SECRET not in data
    for mark in (b"Exif", b"http://ns.adobe.com", b"tEXt", b"iTXt", b"eXIf", b"ICC_PROFILE", b"pHYs"):
        assert mark not in data
    assert not whole(data).getexif()


def test_a_clip_goes_instead_of_its_picture_where_it_can(tmp_path):
    post = moving_post(tmp_path)
    data = post.clip.read_bytes()
    for limits in (Limits(clip=None), Limits(clip=len(data))):
        prepared = prepare(post, limits)
        assert (prepared.data, prepared.type, prepared.name) == (data, "video/mp4", f"{post.key}.mp4")
        assert (prepared.width, prepared.height) == (320, 180)
    picture = prepare(replace(post, clip=None), Limits())
    assert prepare(post, Limits()) == prepare(post, Limits(clip=len(data) - 1)) == picture
    assert prepare(post, Limits(clip=None), still=True) == picture
    for damage in (b"", b"no clip", data[: len(data) // 8], telling(tmp_path), sounding(tmp_path)):
        post.clip.write_bytes(damage)
        assert prepare(post, Limits(clip=None)) == picture
    post.clip.unlink()
    assert prepare(post, Limits(clip=None)) == picture
    away = replace(post, clip=tmp_path / "no disk" / "a.mp4")
    with pytest.raises(TryLater, match="see to its disk"):
        prepare(away, Limits(clip=None))


def telling(folder):
    """A clip that says where it was taken."""
    whole, told = make_video(folder / "whole.mp4", list(range(9))), folder / "told.mp4"
    with av.open(whole) as clip, av.open(told, "w") as out:
        out.metadata["location"] = "+48.8-002.3/"
        stream = out.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    assert b"loci" in told.read_bytes()
    return told.read_bytes()


def sounding(folder):
    """A clip that is heard."""
    return make_video(folder / "sounding.mp4", list(range(9)), sound=True).read_bytes()


def test_a_clip_whose_picture_is_gone_is_not_sent(tmp_path):
    post = moving_post(tmp_path)
    post.picture.unlink()
    with pytest.raises(Refused):
        prepare(post, Limits(clip=None))


def test_a_png_that_fits_keeps_every_pixel(tmp_path):
    path = picture(tmp_path)
    prepared = prepare(post_of(path), Limits(bytes=10_000_000, side=320))
    assert prepared.type == "image/png"
    assert prepared.name == "key.png"
    assert np.array_equal(np.asarray(whole(prepared.data)), np.asarray(Image.open(path)))


def test_a_jpeg_that_fits_is_hardly_touched(tmp_path):
    path = tmp_path / "smooth.jpg"
    across = np.mgrid[:180, :320].astype(float)
    Image.fromarray(np.uint8(128 + 100 * np.sin(np.stack([*across, across[0] + across[1]], 2) / 20))).save(path)
    prepared = prepare(post_of(path), Limits(bytes=10_000_000))
    assert whole(prepared.data).quantization == Image.open(path).quantization
    difference = np.asarray(whole(prepared.data)).astype(int) - np.asarray(Image.open(path))
    assert abs(difference).mean() < 0.5


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (2000, 1500), (7, 11)])
@pytest.mark.parametrize("most", [2_000, 999_999])
def test_every_picture_becomes_small_enough(tmp_path, size, most):
    prepared = prepare(post_of(picture(tmp_path, size)), Limits(bytes=most, side=2000))
    assert len(prepared.data) <= most
    assert max(prepared.width, prepared.height) <= 2000
    assert whole(prepared.data).size == (prepared.width, prepared.height)


def test_a_limit_that_no_picture_keeps(tmp_path):
    with pytest.raises(Refused, match="cannot be made as small"):
        prepare(post_of(picture(tmp_path)), Limits(bytes=50))


def test_a_picture_on_its_side_is_set_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    prepared = prepare(post_of(picture(tmp_path, (40, 20), "jpg", exif=exif.tobytes())), Limits())
    assert (prepared.width, prepared.height) == (20, 40)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "L", "I;16", "1", "CMYK"])
def test_pictures_of_every_kind(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, (30, 20)).save(path)
    image = whole(prepare(post_of(path), Limits()).data)
    assert image.size == (30, 20)
    if mode in ("RGBA", "LA"):  # all of it is transparent
        assert image.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_colours_of_another_space_are_changed_into_the_common_one(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = picture(tmp_path, kind="jpg", icc_profile=profile, quality=95)
    data = prepare(post_of(path), Limits()).data
    assert abs(np.asarray(whole(data)).astype(int) - np.asarray(Image.open(path))).mean() < 4
    broken = picture(tmp_path, kind="jpg", icc_profile=b"none")
    prepare(post_of(broken), Limits())


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, None])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "secret.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match="cannot be read") as refused:
        prepare(post_of(path), Limits())
    assert "secret" not in str(refused.value)


def test_a_disk_that_does_not_give_its_pictures_is_waited_for(tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    path = picture(tmp_path / "disk")
    (tmp_path / "disk").rename(tmp_path / "away")
    with pytest.raises(TryLater, match="see to its disk"):
        prepare(post_of(path), Limits())
    (tmp_path / "away").rename(tmp_path / "disk")
    prepare(post_of(path), Limits())

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Image, "open", broken)
    with pytest.raises(TryLater, match="Input/output"):
        prepare(post_of(path), Limits())


def test_a_picture_that_is_cut_off_or_far_too_large_is_refused(tmp_path):
    path = picture(tmp_path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(Refused):
        prepare(post_of(path), Limits())
    Image.new("1", (20_000, 20_000)).save(path)
    with pytest.raises(Refused):
        prepare(post_of(path), Limits())


def test_texts_are_cut_at_whole_characters():
    family = "👨‍👩‍👧‍👦"
    assert cut(family * 5, 3, graphemes) == family * 2 + "…"
    assert cut("short", 5) == "short"
    assert cut("one two three", 9) == "one two…"
    assert cut("abc", 0) == ""
    assert cut("https://example.org/" + "a" * 500, 280, x_length) == "https://example.org/" + "a" * 500


@given(ODD, st.integers(0, 40), st.sampled_from([len, graphemes, bluesky_length, mastodon_length, x_length]))
@settings(max_examples=300, deadline=None)
def test_a_text_that_is_cut_is_short_enough(text, limit, count):
    shorter = cut(clean(text), limit, count)
    assert count(shorter) <= limit
    assert shorter == clean(text) or shorter.endswith("…") or shorter == ""


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
@settings(deadline=None)
def test_what_is_clean_can_be_written_and_stays_clean(text):
    once = clean(text)
    assert once.encode().decode() == once == clean(once)
    assert not any(letter < " " and letter != "\n" for letter in once)


def test_long_texts_are_cut_soon(tmp_path):
    post = new_post(tmp_path, "日本 https://example.org/x " * 20_000, "e\u0301" * 20_000)
    prepared = prepare(post, Bluesky.limits)
    assert bluesky_length(prepared.caption) <= 300
    assert len(prepared.caption) > 250
    assert len(prepared.alt) <= 2000


def test_bluesky_counts_graphemes_and_bytes():
    assert bluesky_length("e\u0301👨‍👩‍👧‍👦") == 3  # 28 bytes
    assert bluesky_length("abc") == 3
    assert bluesky_length("e" + "\u0301" * 1000) == 201


def test_mastodon_counts_links_and_mentions_short():
    assert mastodon_length("https://example.org/" + "a" * 100) == 23
    assert mastodon_length("https://example.org。あああ") == 27
    assert mastodon_length("see https://example.org/a, example.org") == len("see , example.org") + 23
    assert mastodon_length("@booth@example.org hi") == len("@booth hi")


FIXED = [
    "", "hello", "é", "日本", "👨‍👩‍👧‍👦", "👍🏽", "1️⃣", "🇫🇷🇫🇷", "https://example.com/" + "a" * 90, "see example.com now",
    "#live @booth", "… — “quoted” ｆ", "a" * 300, "❤️ ☂", "http://example.org", "www.example.com/x",
    "mail me@example.com", "www.murai.example", "v1.2 and 3.14", "end.Start", "e\u0301e\u0301",
]  # fmt: skip


def test_x_counts_as_x_does(tmp_path):
    """By X's own library. What it may count less for is what only looks like a link."""
    installed("node_modules")
    rng = np.random.default_rng(7)
    letters = [*"aé日ß€—…… \n😀한ｆ.,!#@", "👍🏽", "👨‍👩‍👧‍👦", "🇫🇷", "https://example.com/a", " example.org "]
    texts = FIXED + ["".join(rng.choice(letters, rng.integers(0, 60))) for _ in range(400)]
    command = ["node", "length.cjs"]
    answer = subprocess.run(command, cwd=SERVERS, input=json.dumps(texts), text=True, capture_output=True, check=True)
    for text, length in zip(texts, json.loads(answer.stdout), strict=True):
        assert x_length(text) >= length, text
    for text in FIXED[:15]:
        assert x_length(text) == json.loads(answer.stdout)[texts.index(text)], text
