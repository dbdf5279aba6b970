"""What a show loses and what it does not, and the figures it gives."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai import recording
from murai.errors import StreamLost
from murai.frame import Frame
from murai.pipeline import Pipeline
from murai.stats import Stats
from tests.shows import SOON, Invert, Notes, Pictures, Window, camera, ends, eventually, our_threads


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_show() -> Iterator[None]:
    yield
    assert our_threads() == []


delays = st.sampled_from([0.0, 0.0, 0.001, 0.003])


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 25), source=delays, network=delays, sinks=st.lists(delays, min_size=1, max_size=3))
def test_a_file_loses_no_frame_and_keeps_their_order(
    count: int, source: float, network: float, sinks: list[float]
) -> None:
    parts = [Notes(slow=slow, lossless=bool(slow)) for slow in sinks]
    pipeline = Pipeline(Pictures(count, gap=source), Invert(slow=network), parts)
    pipeline.run()
    for sink in parts:
        assert sink.indices == list(range(count))
        assert [int(frame.image[0, 0, 0]) for frame in sink.frames] == [255 - i for i in range(count)]
        assert sink.ends == [True]
    assert (pipeline.stats.read, pipeline.stats.painted, pipeline.stats.dropped) == (count, count, 0)


@settings(max_examples=25, deadline=None)
@given(network=delays, sinks=st.lists(delays, min_size=1, max_size=3), stopped=st.booleans())
def test_a_live_show_counts_every_frame_it_drops(network: float, sinks: list[float], stopped: bool) -> None:
    parts = [Notes(slow=slow) for slow in sinks]
    record = Notes(lossless=True)
    pipeline = Pipeline(Pictures(40, live=True, gap=0.0005), Invert(slow=network), [*parts, record])
    pipeline.start()
    if stopped:
        record.wait_for(5)
        pipeline.stop()
    ends(pipeline)
    stats = pipeline.stats
    assert stats.read == stats.painted + stats.dropped
    assert all(sink.written + sink.dropped == stats.painted for sink in stats.sinks.values())
    assert [len(sink.frames) for sink in parts] == [sink.written for sink in stats.sinks.values()][:-1]
    assert len(record.frames) == stats.painted
    assert all(sink.indices == sorted(set(sink.indices)) for sink in parts)


def test_the_delay_of_a_live_show_does_not_pile_up_behind_a_slow_network() -> None:
    gate, stylizer, sink = threading.Event(), Invert(), Notes()
    stylizer.gate = gate
    source = camera()
    pipeline = Pipeline(source, stylizer, [sink])
    pipeline.start()
    eventually(lambda: source.read >= 20)
    seen = source.read
    gate.set()
    sink.wait_for(2)
    pipeline.stop()
    ends(pipeline)
    assert sink.frames[1].index >= seen - 2, "the second frame painted is the newest, not the second read"


def test_a_slow_sink_drops_only_its_own_frames() -> None:
    gate, slow, quick = threading.Event(), Notes(), Notes(lossless=True)
    slow.gate = gate
    pipeline = Pipeline(camera(), Invert(), [slow, quick])
    pipeline.start()
    quick.wait_for(20)
    gate.set()
    pipeline.stop()
    ends(pipeline)
    assert len(quick.frames) == pipeline.stats.painted
    dropped = [sink.dropped for sink in pipeline.stats.sinks.values()]
    assert dropped[0] >= 15
    assert dropped[1] == 0


def test_a_frame_keeps_its_times_and_carries_the_picture_it_was() -> None:
    source, sink = Pictures(3, start=17, ticks=5, base=Fraction(1, 90000)), Notes()
    Pipeline(source, Invert(), [sink]).run()
    assert [(f.pts, f.duration, f.time_base, f.index) for f in sink.frames] == [
        (17 + 5 * i, 5, Fraction(1, 90000), i) for i in range(3)
    ]
    assert [int(f.original[0, 0, 0]) for f in sink.frames] == [0, 1, 2]
    assert [int(f.image[0, 0, 0]) for f in sink.frames] == [255, 254, 253]
    assert sink.info == source.info


def record(pipeline: Pipeline, gate: threading.Event, painted: int) -> None:
    """Run until so many frames are painted while the gated recording stands still, then let it finish."""
    pipeline.start()
    eventually(lambda: pipeline.stats.painted >= painted)
    pipeline.stop()
    gate.set()
    ends(pipeline)


def fast_camera() -> Pictures:
    return Pictures(live=True, gap=0.0002)


@pytest.fixture
def room_for_64(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording holds 64 of the small frames in memory, not 256 megabytes."""
    monkeypatch.setattr(recording, "IN_MEMORY", 64 * 8 * 6 * 3)


@pytest.mark.usefixtures("room_for_64")
def test_a_recording_that_falls_behind_spills_to_disk_and_loses_nothing(tmp_path: Path) -> None:
    gate = threading.Event()
    sink, files = Notes(lossless=True, gate=gate), []
    pipeline = Pipeline(fast_camera(), Invert(), [sink], spill=tmp_path)
    pipeline.start()
    eventually(lambda: pipeline.stats.painted >= 100)
    files = list(tmp_path.rglob("*.npy"))
    pipeline.stop()
    gate.set()
    ends(pipeline)
    assert len(files) >= 30
    assert list(tmp_path.iterdir()) == [], "the spilled frames are deleted"
    assert len(sink.frames) == pipeline.stats.painted >= 100
    assert sink.indices == sorted(set(sink.indices))
    for frame in sink.frames:
        assert np.array_equal(frame.image, np.full((6, 8, 3), 255 - frame.index % 256, np.uint8))
        assert frame.pts == frame.index


@pytest.mark.usefixtures("room_for_64")
def test_a_spill_that_fails_drops_counts_and_says_so_once(tmp_path: Path) -> None:
    gate, said = threading.Event(), []
    sink = Notes(lossless=True, gate=gate)
    pipeline = Pipeline(fast_camera(), Invert(), [sink], spill=tmp_path / "missing", say=said.append)
    record(pipeline, gate, 90)
    stats = pipeline.stats.sinks["Notes"]
    assert stats.dropped >= 90 - 66
    assert stats.written + stats.dropped == pipeline.stats.painted
    assert len(sink.frames) == stats.written >= 64
    assert len(said) == 1


@pytest.mark.usefixtures("room_for_64")
def test_a_recording_that_fails_while_frames_are_on_disk_leaves_no_file(tmp_path: Path) -> None:
    gate = threading.Event()
    bad, good = Notes(lossless=True, gate=gate, fail="write"), Notes()
    pipeline = Pipeline(fast_camera(), Invert(), [bad, good], spill=tmp_path)
    pipeline.start()
    eventually(lambda: any(tmp_path.rglob("*.npy")))
    gate.set()
    eventually(lambda: pipeline.stats.sinks["Notes"].failed)
    pipeline.stop()
    ends(pipeline)
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_dies_still_leaves_all_that_was_painted_in_the_recording() -> None:
    gate = threading.Event()
    sink = Notes(lossless=True, gate=gate)
    source = camera(fail_at=20)
    pipeline = Pipeline(source, Invert(), [sink])
    pipeline.start()
    eventually(source.closed.is_set)
    gate.set()
    with pytest.raises(StreamLost):
        ends(pipeline)
    assert len(sink.frames) == pipeline.stats.painted
    assert sink.ends == [False]


def test_stats_are_a_snapshot_and_read_in_one_line() -> None:
    sink = Notes(lossless=True)
    pipeline = Pipeline(camera(), Invert(), [sink, Notes()])
    empty = pipeline.stats
    assert (empty.read, empty.delay_ms, empty.fps_in) == (0, None, 0.0)
    pipeline.start()
    sink.wait_for(10)
    stats = pipeline.stats
    pipeline.stop()
    ends(pipeline)
    assert isinstance(stats, Stats)
    assert list(stats.sinks) == ["Notes", "Notes 2"]
    assert stats.fps_in > 0
    assert stats.fps_out > 0
    assert stats.delay_ms is not None
    assert stats.delay_95_ms is not None
    assert 0 < stats.delay_ms <= stats.delay_95_ms
    assert stats.delay_ms == stats.sinks["Notes"].delay_ms
    line = stats.summary()
    assert "\n" not in line
    assert f"{stats.painted} painted" in line
    with pytest.raises(dataclasses.FrozenInstanceError):
        stats.read = 5  # type: ignore[misc]


def test_the_delay_runs_from_capture_to_the_return_of_write() -> None:
    class Late(Pictures):
        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                yield dataclasses.replace(frame, captured=time.monotonic() - 5.0)

    pipeline = Pipeline(Late(3), Invert(), [Notes(slow=0.05)])
    pipeline.run()
    delay = pipeline.stats.delay_ms
    assert delay is not None
    assert 5050 <= delay < 5050 + 1000 * SOON


def test_the_delay_of_a_window_ends_when_it_is_shown() -> None:
    window = Window()
    pipeline = Pipeline(Pictures(3), Invert(), [window])
    pipeline.run()
    assert pipeline.stats.delay_ms is None
    assert window.on_shown is not None
    window.on_shown(dataclasses.replace(window.frames[0], captured=time.monotonic() - 7.0))
    assert pipeline.stats.delay_ms == pytest.approx(7000, abs=500)


class Forgetful(Notes):
    """A sink that sends every third frame only, as a stream does whose server is gone now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0

    def write(self, frame: Frame) -> None:
        if frame.index % 3:
            self.dropped += 1
            time.sleep(0.05)
        else:
            super().write(frame)


def test_what_a_sink_drops_itself_is_not_counted_as_written_and_has_no_delay() -> None:
    sink = Forgetful()
    pipeline = Pipeline(Pictures(31), Invert(), [sink])
    pipeline.run()
    stats = pipeline.stats.sinks["Forgetful"]
    assert (stats.written, stats.dropped, len(sink.frames)) == (11, 20, 11)
    assert len(pipeline._outlets[0]._delays.in_order()) == 11
