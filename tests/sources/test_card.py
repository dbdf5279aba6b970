"""From the planes a card decodes to RGB: its arithmetic on the CPU, beside the standard's and FFmpeg's."""

import av
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="what a card decodes is taken by torch, which is in murai[cuda]")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.errors import SourceError  # noqa: E402
from murai.pipeline import Pipeline  # noqa: E402
from murai.sinks.file import FileSink  # noqa: E402
from murai.sources import camera, open_source  # noqa: E402
from murai.sources.camera import CameraSource  # noqa: E402
from murai.sources.card import WEIGHTS, CardDecoding, picture, rgb, turned  # noqa: E402
from murai.sources.decoding import Converter, Orienting, orientation  # noqa: E402
from murai.sources.pattern import PatternSource  # noqa: E402
from murai.sources.playlist import Playlist  # noqa: E402
from tests.shows import Invert  # noqa: E402
from tests.sources.kit import make_video  # noqa: E402

COLOR = st.integers(0, 255)


def planes(color, matrix, full, bits):
    """A flat picture of `color` as the standard writes it: brightness, then blue and red against it."""
    r, g, b = color
    kr, kb = WEIGHTS[matrix]
    y = kr * r + (1 - kr - kb) * g + kb * b
    blue, red = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    levels = (y, 128 + blue, 128 + red) if full else (16 + y * 219 / 255, 128 + blue * 224 / 255, 128 + red * 224 / 255)
    kind = torch.uint8 if bits == 8 else torch.uint16
    y, u, v = (min(2**bits - 1, round(level * 2 ** (bits - 8))) for level in levels)
    return torch.full((4, 6), y).to(kind), torch.tensor([u, v]).to(kind).expand(2, 3, 2)


@given(color=st.tuples(COLOR, COLOR, COLOR), matrix=st.sampled_from(sorted(WEIGHTS)), full=st.booleans())
def test_a_colour_comes_back(color, matrix, full):
    for bits, near in ((8, 2), (16, 1)):
        back = rgb(*planes(color, matrix, full, bits), matrix, full=full, bits=bits)
        assert np.abs(back.numpy().astype(int) - color).max() <= near


def coded(kind, matrix, full):
    y, x = np.mgrid[:96, :128]
    image = np.stack([x * 2 % 256, (x + y) % 256, 255 - 2 * y % 256], -1).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    frame = frame.reformat(format=kind, dst_colorspace=matrix, dst_color_range=2 if full else 1)
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


@pytest.mark.parametrize("kind", ["nv12", "p010le"])
@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full", [False, True])
def test_it_is_what_ffmpeg_makes_of_it(kind, matrix, full):
    frame = coded(kind, matrix, full)
    mine, theirs = picture(frame).numpy().astype(int), Converter()(frame).astype(int)
    assert np.abs(mine - theirs).mean() < 3, "FFmpeg's quick way is darker by up to two levels"


def test_other_planes_are_refused():
    with pytest.raises(ValueError, match="nv12"):
        picture(av.VideoFrame(16, 16, "yuv420p"))


def test_where_the_card_does_not_decode_the_cpu_does_and_it_is_said(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    said, clip = [], tmp_path / "clip.mp4"
    Pipeline(PatternSource(96, 64, live=False, frames=5), Invert(), [FileSink(clip)]).run()
    decoding = CardDecoding(mirror=True, say=said.append)
    with decoding.open(clip) as container:
        pictures = [decoding(frame) for frame in container.decode(video=0)]
    with av.open(clip) as container:
        wanted = [Converter(mirror=True)(frame) for frame in container.decode(video=0)]
    assert np.array_equal(pictures, wanted)
    assert len(said) == 1
    assert said[0].startswith("decoding on the CPU (the card does not do it")
    with pytest.raises(av.FFmpegError):
        decoding.open(tmp_path / "nothing.mp4")
    frames = [frame.image for frame in open_source(str(clip), on_card=True, say=said.append)]
    assert np.array_equal(frames, [image[:, ::-1] for image in wanted])
    assert len(said) == 2
    with pytest.raises(SourceError, match="check the name"):
        open_source(str(tmp_path / "nothing.mp4"), on_card=True)


@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
@pytest.mark.parametrize(("quarters", "mirror"), [(0, False), (1, False), (3, True)])
def test_what_the_card_decoded_is_turned_as_on_the_cpu(tmp_path, rotation, quarters, mirror):
    clip = make_video(tmp_path / "clip.mp4", [0, 1], rotation=rotation)
    with av.open(clip) as container:
        frame = next(container.decode(video=0))
        wanted = Converter(rotate=90 * quarters, mirror=mirror)(frame)
        flat = frame.to_ndarray(format="rgb24")
        image = turned(torch.from_numpy(flat), Orienting(rotate=90 * quarters, mirror=mirror)(frame))
    assert np.array_equal(image.numpy(), wanted)


def test_a_mirrored_picture_is_mirrored_back():
    flat = torch.arange(24, dtype=torch.uint8).reshape(2, 4, 3)
    assert torch.equal(turned(flat, orientation((-65536, 0, 0, 65536), 0, False)), flat.flip(1))
    assert torch.equal(turned(flat, orientation((65536, 0, 0, -65536), 0, False)), flat.flip(0))


def test_cameras_and_playlists_ask_the_card_too(tmp_path, monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    said, clip = [], make_video(tmp_path / "clip.mp4", [0, 1, 2])
    [listed] = [list(source) for source in [Playlist([clip], on_card=True, say=said.append)]]
    assert len(listed) == 3
    assert len([text for text in said if text.startswith("decoding on the CPU")]) == 1

    def open_file(device, layer, options, open_container=av.open):
        return open_container(clip)

    monkeypatch.setattr(camera, "open_device", open_file)
    for on_card in (False, True):
        said.clear()
        source = CameraSource("0", platform="linux", on_card=on_card, mirror=True, say=said.append)
        first = next(iter(source)).image
        source.close()
        assert np.array_equal(first, listed[0].image[:, ::-1])
        assert any(text.startswith("decoding on the CPU") for text in said) == on_card
