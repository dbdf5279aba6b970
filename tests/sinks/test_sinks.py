"""Which sink a word means."""

import subprocess
import sys
from pathlib import Path

import pytest

from murai.errors import OutputExists, SinkError
from murai.sinks import PICTURES, open_sink
from murai.sinks.file import FileSink
from murai.sinks.null import NullSink
from murai.sinks.picture import OPTIONS
from murai.sinks.url import UrlSink
from murai.sinks.v4l2 import V4l2Sink
from tests.sinks.conftest import frames, info, write


def test_a_word_an_address_and_a_file_name_each_give_their_sink(tmp_path: Path) -> None:
    assert isinstance(open_sink("null"), NullSink)
    assert isinstance(open_sink("rtmp://127.0.0.1/live/key"), UrlSink)
    assert isinstance(open_sink("v4l2:/dev/video99"), V4l2Sink)
    assert isinstance(open_sink(str(tmp_path / "out.mp4")), FileSink)


def test_overwrite_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").touch()
    with pytest.raises(OutputExists):
        open_sink(str(tmp_path / "out.mp4"))
    assert isinstance(open_sink(str(tmp_path / "out.mp4"), overwrite=True), FileSink)


@pytest.mark.parametrize("suffix", PICTURES)
def test_a_picture_is_sent_to_the_command_for_pictures(suffix: str) -> None:
    with pytest.raises(SinkError, match="murai image"):
        open_sink(f"out{suffix.upper()}")


def test_the_pictures_named_here_are_those_that_can_be_written() -> None:
    assert set(PICTURES) == set(OPTIONS)


def test_an_unknown_address_is_refused() -> None:
    with pytest.raises(SinkError, match="HOST:PORT"):
        open_sink("http://127.0.0.1/x")


def test_the_null_sink_counts() -> None:
    sink = NullSink()
    write(sink, info(), frames(5))
    assert sink.frames == 5
    write(sink, info(), frames(2))
    assert sink.frames == 2


def test_a_camera_device_that_is_not_there_is_said() -> None:
    sink = V4l2Sink("/dev/video99")
    with pytest.raises(SinkError, match=r"/dev/video99 takes no pictures \(No such file"):
        sink.open(info())
    with pytest.raises(SinkError, match="not open"):
        sink.write(next(frames(1)))
    sink.close()


def test_the_package_alone_loads_no_library() -> None:
    code = "import sys, murai.sinks; print([name for name in ('av', 'glfw', 'moderngl', 'PIL') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
