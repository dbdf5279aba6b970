"""Times that increase, and colours that are right."""

import gc
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.sources.decoding import Converter, Timeline
from tests.sources.kit import make_video

stamps = st.lists(st.one_of(st.none(), st.integers(-(10**12), 10**12)), min_size=1, max_size=50)


@given(stamps, st.integers(0, 10**6))
def test_times_always_strictly_increase(given_stamps: list[int | None], step: int) -> None:
    timeline = Timeline(step)
    placed = [timeline.place(stamp) for stamp in given_stamps]
    assert all(earlier < later for earlier, later in pairwise(placed))


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, unique=True).map(sorted))
def test_times_that_increase_already_stay_exact(times: list[int]) -> None:
    timeline = Timeline(1)
    assert [timeline.place(pts) for pts in times] == times


def test_a_missing_time_follows_by_the_duration_and_joined_recordings_go_on() -> None:
    timeline = Timeline(10)
    assert [timeline.place(*args) for args in ((100, 5), (None, 5), (None, 0), (0, 10), (10, 10))] == [
        *(100, 105, 115, 125, 135)
    ]


MATRICES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def flat_yuv(rgb: tuple[int, int, int], matrix: tuple[float, float], full: bool, lines: int = 32) -> av.VideoFrame:
    """One colour, encoded by the book."""
    red, green, blue = (part / 255 for part in rgb)
    luma = matrix[0] * red + (1 - sum(matrix)) * green + matrix[1] * blue
    parts = luma, (blue - luma) / (2 - 2 * matrix[1]), (red - luma) / (2 - 2 * matrix[0])
    low, high, chroma = (0, 255, 255) if full else (16, 219, 224)
    frame = av.VideoFrame(32, lines, "yuv444p")
    for plane, value in zip(
        frame.planes, (low + high * parts[0], 128 + chroma * parts[1], 128 + chroma * parts[2]), strict=True
    ):
        plane.update(bytes([round(value)]) * plane.buffer_size)
    frame.color_range = 2 if full else 1
    return frame


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("named", MATRICES)
def test_the_frames_own_matrix_and_range_are_used(named: int, full: bool) -> None:
    frame = flat_yuv((200, 60, 30), MATRICES[named], full)
    frame.colorspace = named
    assert np.abs(Converter()(frame)[8, 8].astype(int) - (200, 60, 30)).max() <= 2


@pytest.mark.parametrize(("lines", "matrix"), [(576, 5), (718, 5), (720, 1), (1080, 1)])
def test_an_unnamed_matrix_is_709_from_720_lines_up_and_601_below(lines: int, matrix: int) -> None:
    frame = flat_yuv((200, 60, 30), MATRICES[matrix], False, lines)
    frame.colorspace = 2
    assert np.abs(Converter()(frame)[8, 8].astype(int) - (200, 60, 30)).max() <= 2


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_rotation_runs_clockwise_and_the_mirror_comes_after_it(rotate: int, mirror: bool) -> None:
    image = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    expected = np.rot90(image, -(rotate // 90))
    turned = Converter(rotate=rotate, mirror=mirror)(av.VideoFrame.from_ndarray(image, "rgb24"))
    assert np.array_equal(turned, expected[:, ::-1] if mirror else expected)
    assert turned.flags.c_contiguous


def test_a_rotation_that_is_no_quarter_turn_is_refused() -> None:
    with pytest.raises(ValueError, match="45"):
        Converter(rotate=45)


def frames() -> int:
    """How many frames there are in the process."""
    return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_frame_is_freed_when_nobody_holds_it_any_more(tmp_path: Path, rotation: int) -> None:
    """Frames that wait for Python's collector of cycles fill the memory: a hundred of 1920x1080 are 300 MB."""
    path, convert = make_video(tmp_path / "a.mp4", list(range(40)), rotation=rotation), Converter()
    gc.collect()
    gc.disable()
    try:
        before = frames()
        with av.open(path) as container:
            shapes = {convert(frame).shape for frame in container.decode(video=0)}
        unfreed = frames() - before
    finally:
        gc.enable()
    assert shapes == {(64, 48, 3) if rotation else (48, 64, 3)}
    assert unfreed < 10, "each frame waits for the collector"
