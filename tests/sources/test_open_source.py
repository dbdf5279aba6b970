"""One word for every kind of source."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from murai.errors import CameraError, SourceError
from murai.sources import open_source
from murai.sources.file import FileSource
from tests.sources.kit import Server, free_port, make_video, wait_for_port


def test_the_pattern_takes_size_rate_and_number_of_frames() -> None:
    source = open_source("pattern", size=(64, 48), rate=50, frames=3)
    assert (source.live, source.info.width, source.info.height, source.info.rate) == (True, 64, 48, 50)
    assert source.info.frames == 3
    assert len(list(source)) == 3
    source.close()


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_file_is_opened_by_path_and_by_file_url(tmp_path: Path, form: str) -> None:
    path = make_video(tmp_path / "a b.mp4", list(range(5)))
    source = open_source(form.format(path if form == "{}" else str(path).replace(" ", "%20")))
    assert source.info.path == path
    assert len(list(source)) == 5


def test_a_file_can_be_cut_short_and_mirrored(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", list(range(5)))
    source = open_source(str(path), frames=2, mirror=True)
    seen = [f.image for f in source]
    assert source.info.frames == 2
    for image, straight in zip(seen, FileSource(path), strict=False):
        assert np.array_equal(image, straight.image[:, ::-1])
    assert len(seen) == 2
    assert open_source(str(path), frames=50).info.frames == 5


def test_a_picture_is_opened(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (3, 5)).save(tmp_path / "a.png")
    assert [f.image.shape for f in open_source(str(tmp_path / "a.png"))] == [(5, 3, 3)]


def test_a_live_url_is_opened_with_a_way_back(serve: object) -> None:
    port = free_port()
    url = f"rtmp://127.0.0.1:{port}/live/show"
    server: Server = serve("-f", "flv", "-listen", "1", url)  # type: ignore[operator]
    wait_for_port(port)
    said: list[str] = []
    source = open_source(url, say=said.append)
    for frame in source:
        if frame.index == 3:
            server.kill()
        if any("Trying again" in line for line in said):
            break
    source.close()
    assert source.live


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("gopher://host/video", "cannot read gopher://"),
        ("nothing.mp4", "no file nothing.mp4"),
        ("camera:/dev/video97", "/dev/video97"),
        ("", "has no name"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_sentence(spec: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)


def test_a_missing_camera_is_a_camera_error() -> None:
    with pytest.raises(CameraError):
        open_source("camera:no-such-camera")


def test_importing_the_sources_is_light() -> None:
    code = "import sys, murai.sources; print(sorted({'av', 'PIL', 'torch'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
