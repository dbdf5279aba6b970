"""A file played at its own pace."""

import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from murai.frame import Frame, StreamInfo
from murai.sources.file import FileSource
from murai.sources.paced import Paced
from tests.sources.kit import closed_from_another_thread, grey, make_video


def played(path: Path) -> tuple[list[tuple[float, float]], float]:
    """For each frame its time in the file and the moment it came, both from the first on; and the moment of the end."""
    source = Paced(FileSource(path))
    times = [(frame.time, time.monotonic()) for frame in source]
    end = time.monotonic()
    source.close()
    (first, began), *_ = times
    return [(at - first, came - began) for at, came in times], end - began


def on_time(times: list[tuple[float, float]], late: float = 0.5) -> bool:
    """Never early, and as late as a busy machine may be."""
    return all(-0.01 < came - at < late for at, came in times)


def test_a_file_is_played_at_its_own_pace(tmp_path: Path) -> None:
    times, end = played(make_video(tmp_path / "a.mp4", list(range(12))))
    assert [at for at, _ in times] == pytest.approx([n / 10 for n in range(12)])
    assert on_time(times)
    assert on_time([(1.2, end)])


def test_a_variable_rate_and_a_late_start_are_kept(tmp_path: Path) -> None:
    stamps = [50, 51, 52, 57, 58, 64]
    times, _ = played(make_video(tmp_path / "a.mkv", stamps))
    assert [at for at, _ in times] == pytest.approx([(n - 50) / 10 for n in stamps], abs=0.002)
    assert on_time(times)


def test_the_last_picture_stays_for_its_duration(tmp_path: Path) -> None:
    times, end = played(make_video(tmp_path / "a.mp4", [0, 1], tick=Fraction(1, 2)))
    assert len(times) == 2
    assert on_time([(1.0, end)])


def test_every_frame_comes_unchanged_but_for_the_moment_it_was_captured(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", list(range(8)), tick=Fraction(1, 50))
    plain, began = list(FileSource(path)), time.monotonic()
    frames = list(Paced(FileSource(path)))
    assert [grey(f) for f in frames] == list(range(8))
    assert [(f.pts, f.time_base, f.index, f.duration) for f in frames] == [
        (f.pts, f.time_base, f.index, f.duration) for f in plain
    ]
    assert all(began <= f.captured <= time.monotonic() for f in frames)
    assert all(b.captured - a.captured >= 0.0199 for a, b in pairwise(frames))


def test_a_frame_is_captured_when_it_is_due_however_long_ago_it_was_decoded(tmp_path: Path) -> None:
    for frame in Paced(FileSource(make_video(tmp_path / "a.mp4", [0, 5, 10]))):
        assert 0 <= time.monotonic() - frame.captured < 0.4


def test_a_reader_that_was_held_up_gets_the_late_frames_at_once_and_then_the_pace_again(tmp_path: Path) -> None:
    source = iter(Paced(FileSource(make_video(tmp_path / "a.mp4", list(range(12))))))
    next(source)
    began = time.monotonic()
    time.sleep(0.6)
    came = [time.monotonic() - began for _ in source]
    assert came[3] < 0.9, "the late frames are spread out again"
    assert came[10] > 1.08, "the pace is lost"


def test_it_is_live_and_leaves_the_sound_behind(tmp_path: Path) -> None:
    file = FileSource(make_video(tmp_path / "a.mp4", list(range(5)), sound=True))
    assert file.info.path is not None
    source = Paced(file)
    assert (source.live, source.info.live, source.info.path) == (True, True, None)
    assert (source.info.width, source.info.height, source.info.rate, source.info.frames) == (64, 48, 10, 5)
    source.close()


@pytest.mark.parametrize("stamps", [[0, 600], [0]], ids=["between two frames", "after the last"])
def test_closing_from_another_thread_wakes_a_waiting_reader(tmp_path: Path, stamps: list[int]) -> None:
    source = Paced(FileSource(make_video(tmp_path / "a.mp4", stamps, tick=Fraction(1, 10 if stamps[1:] else 1))))
    closing = closed_from_another_thread(source.close)
    began = time.monotonic()
    assert len(list(source)) == 1
    assert 0.25 < time.monotonic() - began < 0.9
    closing.join()
    source.close()
    assert list(source) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the open files of a process are seen in /proc")
def test_closing_frees_the_file_and_leaves_no_thread(tmp_path: Path) -> None:
    before, path = set(threading.enumerate()), make_video(tmp_path / "a.mp4", list(range(5)))
    source = Paced(FileSource(path))
    next(iter(source))
    source.close()
    assert set(threading.enumerate()) <= before
    assert not any(fd.resolve() == path.resolve() for fd in Path("/proc/self/fd").iterdir())


class Slow:
    """A file whose decoding takes longer than its frames last."""

    info = StreamInfo(8, 8, Fraction(100), Fraction(1, 100), frames=5)

    def __iter__(self) -> Iterator[Frame]:
        for index in range(5):
            captured = time.monotonic()
            time.sleep(0.05)
            yield Frame(np.zeros((8, 8, 3), np.uint8), index, Fraction(1, 100), index, captured=captured)

    def close(self) -> None: ...


def test_the_decoding_of_a_frame_that_is_late_belongs_to_its_delay() -> None:
    _, _, *late = [time.monotonic() - frame.captured for frame in Paced(Slow())]
    assert all(delay >= 0.05 for delay in late)
