"""A screen that nobody sees: pictures of the host and of a card, drawn by OpenGL itself."""

from fractions import Fraction

import numpy as np
import pytest

from murai.frame import Frame, StreamInfo
from murai.pipeline import Pipeline
from murai.sinks.offscreen import OffscreenSink
from murai.sources.pattern import PatternSource
from tests.shows import Invert

torch = pytest.importorskip("torch", reason="a picture on a card is a tensor, which is in murai[cuda]")

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def frame(image):
    return Frame(image, 0, Fraction(1, 30), 0)


def picture(height=48, width=62):
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def screen():
    said = []
    sink = OffscreenSink(say=said.append)
    sink.open(StreamInfo(62, 48, Fraction(30), Fraction(1, 30)))
    yield sink, said
    sink.close()


def test_every_pixel_is_drawn(screen):
    sink, _ = screen
    sink.write(frame(picture()))
    assert np.array_equal(sink.read(), picture())


@pytest.mark.parametrize("device", DEVICES)
def test_a_tensor_is_drawn_as_an_array_is(screen, device):
    sink, said = screen
    for number in range(4):
        image = picture()[:, ::-1] if number % 2 else picture()
        there = torch.from_numpy(image.copy()).to(device)
        sink.write(frame(there))
        assert np.array_equal(sink.read(), image)
    assert len(said) == 1 if device == "cpu" else len(said) <= 1, "a detour through the host is said once"
    assert all("through the processor" in text for text in said)


def test_pictures_change_their_size_and_where_they_are(screen):
    sink, _ = screen
    for image in (picture(), torch.from_numpy(picture(24, 31)), picture(24, 31), torch.from_numpy(picture())):
        sink.write(frame(image))
    assert np.array_equal(sink.read(), picture())
    sink.write(frame(picture(24, 31)))
    small = sink.read()[::2, ::2].astype(int)
    assert np.abs(small - picture(24, 31)).mean() < 45, "enlarged to the screen, and smoothed"


def test_a_show_runs_to_it(screen):
    sink = OffscreenSink()
    pipeline = Pipeline(PatternSource(64, 48, live=False, frames=12), Invert(), [sink])
    pipeline.run()
    assert pipeline.stats.sinks["OffscreenSink"].written == 12
