"""From pictures that are tensors to what a card encodes: its arithmetic on the CPU, and the way back to x264."""

import av
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="what a card encodes is a tensor, which is in murai[cuda]")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.pipeline import Pipeline  # noqa: E402
from murai.sinks import card  # noqa: E402
from murai.sinks.card import ToCardYuv, boxed, nv12  # noqa: E402
from murai.sinks.encode import ToYuv  # noqa: E402
from murai.sinks.file import FileSink  # noqa: E402
from murai.sources.card import rgb  # noqa: E402
from murai.sources.file import FileSource  # noqa: E402
from murai.sources.pattern import PatternSource  # noqa: E402
from tests.shows import Invert  # noqa: E402
from tests.sources.kit import make_video  # noqa: E402

COLOR = st.integers(0, 255)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@given(color=st.tuples(COLOR, COLOR, COLOR))
def test_a_colour_comes_back(color):
    image = torch.tensor(color, dtype=torch.uint8).expand(4, 6, 3)
    back = rgb(*nv12(image), 1, full=False)
    assert np.abs(back.numpy().astype(int) - color).max() <= 2


def test_it_is_what_ffmpeg_makes_of_it():
    picture = next(iter(PatternSource(128, 96, live=False, frames=1))).image
    theirs = ToYuv(128, 96, "nv12")(picture).to_ndarray().astype(int)
    luma, chroma = nv12(torch.from_numpy(picture))
    mine = np.concatenate([luma.numpy(), chroma.reshape(48, 128).numpy()]).astype(int)
    assert np.abs(mine - theirs).mean() < 1.5, "FFmpeg's quick way is darker by up to two levels"


@pytest.mark.parametrize("device", DEVICES)
def test_an_encoder_takes_it(device):
    pictures = [frame.image for frame in PatternSource(128, 96, live=False, frames=3)]
    to_yuv, encoder = ToCardYuv(128, 96, device), av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 128, 96, "nv12", 30
    if device == "cuda":
        assert to_yuv(pictures[0]).format.name == "cuda"
        return
    packets = []
    for number, picture in enumerate(pictures):
        frame = to_yuv(torch.from_numpy(picture))
        frame.pts = number
        packets += encoder.encode(frame)
    assert len(packets + encoder.encode(None)) == 3


def test_another_size_is_boxed():
    image = torch.full((50, 50, 3), 200, dtype=torch.uint8)
    box = boxed(image, 100, 50).numpy()
    assert box.shape == (50, 100, 3)
    assert (box[:, 25:75] == 200).all()
    assert (box[:, :25] == 0).all()
    assert (box[:, 75:] == 0).all()
    luma, _ = nv12(boxed(image, 100, 50))
    frame = ToCardYuv(100, 50, "cpu")(image)
    assert np.array_equal(np.frombuffer(frame.planes[0], np.uint8).reshape(50, -1)[:, :100], luma.numpy())


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_where_the_card_does_not_encode_the_processor_does_and_it_is_said(tmp_path, name):
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    said, files = [], []
    for on_card in (False, True):
        file = tmp_path / f"{on_card}-{name}"
        sink = FileSink(file, on_card=on_card, say=said.append)
        Pipeline(PatternSource(96, 64, live=False, frames=5), Invert(), [sink]).run()
        files.append([frame.image for frame in FileSource(file)])
    assert np.array_equal(*files)
    assert len(said) == 1
    assert "is encoded by the processor" in said[0]


@pytest.mark.parametrize("width", [128, 854, 426])
def test_an_encoder_finds_the_colour_below_the_brightness(width):
    luma, chroma = nv12(torch.zeros(48, width, 3, dtype=torch.uint8))
    pitch = luma.stride(0)
    assert pitch % 4 == 0
    assert chroma.data_ptr() == luma.data_ptr() + 48 * pitch
    assert chroma.stride() == (pitch, 2, 1)


def test_a_film_with_sound_opens_the_encoder_by_its_first_picture(tmp_path, monkeypatch):
    """A card's encoder is opened by no packet of sound; x264 stands in for it, which takes the same frames."""

    def video(sink, output):
        return sink._set_up(output.add_stream("libx264", rate=sink._info.rate), "nv12")

    def copy(sink, packets, copy=FileSink._copy):
        opened.append(sink._stream.codec_context.is_open)
        copy(sink, packets)

    opened, said = [], []
    monkeypatch.setattr(card, "refusal", lambda *_: "")
    monkeypatch.setattr(card, "ToCardYuv", lambda width, height: ToCardYuv(width, height, "cpu"))
    monkeypatch.setattr(FileSink, "_card_video", video)
    monkeypatch.setattr(FileSink, "_copy", copy)
    clip, out = make_video(tmp_path / "in.mp4", [0, 1, 2], sound=True), tmp_path / "out.mp4"
    Pipeline(FileSource(clip), Invert(), [FileSink(out, on_card=True, say=said.append)]).run()
    assert not said
    assert opened
    assert all(opened)
    assert len(list(FileSource(out))) == 3
    with av.open(out) as container:
        assert container.streams.audio


@pytest.mark.skipif(
    not torch.cuda.is_available() or bool(card.refusal(854, 480, card.OPTIONS)), reason="no card encodes"
)
def test_a_card_writes_what_the_processor_writes(tmp_path):
    means = []
    for on_card in (False, True):
        sink = FileSink(tmp_path / f"{on_card}.mp4", on_card=on_card)
        Pipeline(PatternSource(854, 480, live=False, frames=5), Invert(), [sink]).run()
        means.append(np.array([frame.image.mean((0, 1)) for frame in FileSource(sink.path)]))
    assert np.abs(means[0] - means[1]).max() < 3
