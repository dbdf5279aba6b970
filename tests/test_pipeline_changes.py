"""What can change while a show runs: sinks, sources, controls."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle

import numpy as np
import pytest

from murai.controls import Controls
from murai.errors import SinkError, SourceError, UnknownStyle
from murai.frame import Frame, StreamInfo
from murai.pipeline import Pipeline
from murai.sources.altered import Altered
from murai.sources.pattern import PatternSource
from murai.sources.resilient import Resilient
from murai.stylizers.staging import Staging
from tests.shows import SOON, Invert, Notes, Pictures, camera, ends, eventually, our_threads


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_show() -> Iterator[None]:
    yield
    assert our_threads() == []


@pytest.mark.parametrize("live", [True, False])
def test_a_sink_added_and_removed_while_running_gets_every_frame_between(live: bool) -> None:
    always, guest = Notes(lossless=True), Notes(lossless=True)
    pipeline = Pipeline(Pictures(live=live, gap=0.001), Invert(), [always])
    pipeline.start()
    always.wait_for(5)
    pipeline.add(guest)
    guest.wait_for(5)
    pipeline.remove(guest)
    assert guest.ends == [True]
    assert len(pipeline.stats.sinks) == 1
    kept = len(guest.frames)
    always.wait_for(len(always.frames) + 5)
    pipeline.stop()
    ends(pipeline)
    assert len(always.frames) == pipeline.stats.painted
    assert len(guest.frames) == kept
    assert guest.indices == [i for i in always.indices if guest.indices[0] <= i <= guest.indices[-1]]


def test_sinks_may_be_added_and_removed_before_the_start() -> None:
    kept, taken, late = Notes(), Notes(), Notes()
    pipeline = Pipeline(Pictures(3), Invert(), [kept, taken])
    pipeline.remove(taken)
    pipeline.remove(taken)
    pipeline.add(late)
    pipeline.run()
    assert kept.indices == late.indices == [0, 1, 2]
    assert (taken.info, taken.ends) == (None, [])


def test_a_sink_that_cannot_be_added_tells_the_caller_and_the_show_goes_on() -> None:
    sink = Notes()
    with Pipeline(camera(), Invert(), [sink]) as pipeline:
        with pytest.raises(SinkError, match="open"):
            pipeline.add(Notes(fail="open"))
        sink.wait_for(len(sink.frames) + 3)


def test_after_the_end_nothing_can_be_added_or_switched() -> None:
    pipeline = Pipeline(Pictures(2), Invert(), [Notes()])
    pipeline.run()
    late, source = Notes(), Pictures()
    with pytest.raises(RuntimeError, match="over"):
        pipeline.add(late)
    assert (late.info, late.ends) == (None, [])
    with pytest.raises(RuntimeError, match="over"):
        pipeline.switch(source)
    assert not source.closed.is_set(), "a source that was not taken stays its owner's"


def test_a_sink_that_opens_only_when_the_show_is_over_is_closed_again() -> None:
    class Slow(Notes):
        def open(self, info: StreamInfo) -> None:
            pipeline.stop()

    slow, pipeline = Slow(), Pipeline(camera(), Invert(), [Notes()])
    pipeline.start()
    with pytest.raises(RuntimeError, match="over"):
        pipeline.add(slow)
    ends(pipeline)
    assert slow.ends == [False]


def test_removing_a_sink_that_stands_still_wakes_the_network() -> None:
    gate = threading.Event()
    stuck, other = Notes(gate=gate), Notes()
    pipeline = Pipeline(Pictures(), Invert(), [stuck, other])
    pipeline.start()
    eventually(lambda: pipeline.stats.painted > 3)
    time.sleep(0.05)  # now the network waits for a place in the full queue
    remover = threading.Thread(target=pipeline.remove, args=(stuck,))
    remover.start()
    other.wait_for(30)
    gate.set()
    remover.join(SOON)
    pipeline.stop()
    ends(pipeline)
    assert other.indices == list(range(pipeline.stats.painted))
    assert stuck.ends == [True]


@pytest.mark.parametrize("live", [True, False])
def test_a_switch_of_the_source_loses_no_frame_and_time_goes_on(live: bool) -> None:
    stylizer, sink = Invert(), Notes(lossless=True)
    first = Pictures(live=live, gap=0.002, base=Fraction(1, 600), ticks=20)
    second = Pictures(20, live=live, gap=0.002, base=Fraction(1, 90000), ticks=3000, start=777, size=(10, 4))
    pipeline = Pipeline(first, stylizer, [sink])
    pipeline.start()
    sink.wait_for(5)
    pipeline.switch(second)
    assert first.closed.is_set()
    ends(pipeline)
    stats = pipeline.stats
    assert stats.read == first.read + 20 == stats.painted + stats.dropped
    assert len(sink.frames) == stats.painted
    assert sink.indices == sorted(set(sink.indices))
    times = [frame.pts for frame in sink.frames]
    assert times == sorted(set(times))
    assert {frame.time_base for frame in sink.frames} == {Fraction(1, 600)}
    assert stylizer.log.count("reset") == 2
    assert second.closed.is_set()
    if not live:
        assert sink.indices == list(range(first.read + 20))
        assert times == [20 * i for i in range(first.read + 20)], "the second file follows where the first ends"
        assert stylizer.log == ["reset", *range(first.read), "reset", *range(20)]


def test_a_switch_wakes_a_camera_that_blocks() -> None:
    blocked, sink = Pictures(live=True, block_at=2), Notes(lossless=True)
    pipeline = Pipeline(blocked, Invert(), [sink])
    pipeline.start()
    eventually(lambda: blocked.read == 2)
    pipeline.switch(camera(count=5))
    ends(pipeline)
    assert len(sink.frames) == pipeline.stats.painted
    assert sink.ends == [True]


def test_a_source_that_goes_on_after_its_close_is_left_behind() -> None:
    class Deaf(Pictures):
        def close(self) -> None:
            """Hears nothing."""

    sink, second = Notes(), Pictures(20)
    pipeline = Pipeline(Deaf(gap=0.001), Invert(), [sink])
    pipeline.start()
    sink.wait_for(2)
    pipeline.switch(second)
    ends(pipeline)
    assert second.read == 20


def test_many_switches_end_with_the_last_source() -> None:
    sources = [camera() for _ in range(10)]
    sink = Notes(lossless=True)
    pipeline = Pipeline(sources[0], Invert(), [sink])
    pipeline.start()
    for source in sources[1:]:
        pipeline.switch(source)
    sink.wait_for(3)
    pipeline.stop()
    ends(pipeline)
    assert all(source.closed.is_set() for source in sources)
    times = [frame.pts for frame in sink.frames]
    assert times == sorted(set(times))


def test_a_file_cannot_take_over_from_a_camera() -> None:
    with Pipeline(camera(), Invert(), [Notes()]) as pipeline:
        with pytest.raises(SourceError, match="live"):
            pipeline.switch(Pictures())


def test_times_that_stand_still_are_set_right_so_that_every_sink_may_trust_them() -> None:
    sink = Notes()
    Pipeline(Still(4), Invert(), [sink]).run()
    assert [frame.pts for frame in sink.frames] == [5, 6, 7, 8]


class Still(Pictures):
    """A damaged file: every picture at the same time."""

    def __iter__(self) -> Iterator[Frame]:
        for frame in super().__iter__():
            yield dataclasses.replace(frame, pts=5)


def test_a_picture_of_another_size_makes_the_network_forget() -> None:
    class Grows(Pictures):
        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                yield frame if frame.index < 2 else dataclasses.replace(frame, image=np.zeros((4, 4, 3), np.uint8))

    stylizer = Invert()
    Pipeline(Grows(4), stylizer, [Notes()]).run()
    assert stylizer.log == ["reset", 0, 1, "reset", 0, 0]


def test_controls_reach_the_network_once_each_time_they_change() -> None:
    stylizer, sink = Invert(), Notes(lossless=True)
    pipeline = Pipeline(camera(), stylizer, [sink], controls=Controls(mix={"wave": 1.0}))
    pipeline.start()
    sink.wait_for(3)
    pipeline.update(strength=0.5)
    eventually(lambda: len(stylizer.used) == 2)
    pipeline.update(strength=0.5)
    pipeline.update(mix={"wave": 1.0, "night": 2.0}, keep_colors=True)
    eventually(lambda: len(stylizer.used) == 3)
    pipeline.stop()
    ends(pipeline)
    last = Controls(mix={"wave": 1.0, "night": 2.0}, strength=0.5, keep_colors=True)
    assert stylizer.used == [Controls(mix={"wave": 1.0}), Controls(mix={"wave": 1.0}, strength=0.5), last]
    assert pipeline.controls == last


def test_controls_changed_by_many_threads_at_once_lose_no_change() -> None:
    pipeline = Pipeline(Pictures(0), Invert(), [Notes()])
    threads = [
        threading.Thread(target=lambda name=name, value=value: [pipeline.update(**{name: value}) for _ in range(200)])
        for name, value in [("strength", 0.25), ("keep_colors", True), ("mix", {"wave": 1.0})]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert pipeline.controls == Controls(mix={"wave": 1.0}, strength=0.25, keep_colors=True)
    with pytest.raises(ValueError, match="strength"):
        pipeline.update(strength=2.0)
    with pytest.raises(TypeError):
        pipeline.update(volume=1.0)
    assert pipeline.controls.strength == 0.25


def test_a_style_nobody_has_is_said_and_the_show_keeps_the_one_it_had() -> None:
    said: list[str] = []
    stylizer, sink = Invert(), Notes(lossless=True)
    pipeline = Pipeline(camera(), stylizer, [sink], controls=Controls(mix={"wave": 1.0}), say=said.append)
    pipeline.start()
    sink.wait_for(2)
    pipeline.update(mix={"nobody": 1.0})
    eventually(lambda: bool(said))
    sink.wait_for(len(sink.frames) + 3)
    pipeline.stop()
    ends(pipeline)
    assert said == ["No style is called nobody."]
    assert pipeline.controls == Controls(mix={"wave": 1.0})


def test_a_show_does_not_start_with_a_style_nobody_has() -> None:
    with pytest.raises(UnknownStyle):
        Pipeline(Pictures(3), Invert(), [Notes()], controls=Controls(mix={"nobody": 1.0})).run()


def test_a_paused_live_show_repeats_the_last_painting_with_new_times() -> None:
    stylizer, sink = Invert(), Notes(lossless=True)
    pipeline = Pipeline(camera(), stylizer, [sink])
    pipeline.start()
    sink.wait_for(3)
    pipeline.update(paused=True)
    eventually(lambda: pipeline.stats.held >= 5)
    pipeline.update(paused=False)
    painted = pipeline.stats.painted
    eventually(lambda: pipeline.stats.painted >= painted + 3)
    pipeline.stop()
    ends(pipeline)
    stats = pipeline.stats
    assert stylizer.log.count("reset") == 2, "what comes after a pause is another scene"
    assert stats.read == stats.painted + stats.held + stats.dropped
    assert len(sink.frames) == stats.painted + stats.held
    held = [frame for frame in sink.frames if int(frame.image[0, 0, 0]) != 255 - frame.index % 256]
    assert len(held) == stats.held
    assert all(np.array_equal(frame.image, held[0].image) for frame in held)
    times = [frame.pts for frame in sink.frames]
    assert times == sorted(set(times))


def test_black_comes_and_goes_during_a_pause() -> None:
    sink = Notes(lossless=True)
    with Pipeline(camera(), Invert(), [sink]) as pipeline:
        sink.wait_for(3)
        pipeline.update(paused=True)
        eventually(lambda: pipeline.stats.held >= 2)
        held = sink.frames[-1].image
        assert held.any()
        pipeline.update(blackout=True)
        eventually(lambda: not sink.frames[-1].image.any())
        pipeline.update(blackout=False)
        eventually(lambda: np.array_equal(sink.frames[-1].image, held))
        pipeline.stop()


def test_black_is_shown_while_painting_goes_on() -> None:
    stylizer, sink = Invert(), Notes(lossless=True)
    pipeline = Pipeline(camera(count=10), stylizer, [sink], controls=Controls(blackout=True))
    pipeline.run()
    assert pipeline.stats.painted == len(sink.frames) > 0
    assert not any(frame.image.any() for frame in sink.frames)
    assert pipeline.last is not None
    assert pipeline.last.image.any(), "a snapshot is of the painting"


def test_a_live_show_that_starts_paused_paints_one_picture_to_hold() -> None:
    stylizer, sink = Invert(), Notes(lossless=True)
    pipeline = Pipeline(camera(count=10), stylizer, [sink], controls=Controls(paused=True))
    pipeline.run()
    assert pipeline.stats.painted == 1
    assert len(sink.frames) == 1 + pipeline.stats.held


def test_a_paused_file_waits_and_loses_nothing() -> None:
    source, sink = Pictures(50, gap=0.001), Notes()
    pipeline = Pipeline(source, Invert(), [sink])
    pipeline.start()
    sink.wait_for(3)
    pipeline.update(paused=True)
    time.sleep(0.1)
    stands_at = source.read
    time.sleep(0.1)
    assert source.read == stands_at < 50
    pipeline.update(paused=False)
    ends(pipeline)
    assert sink.indices == list(range(50))


def test_stop_wakes_a_paused_file() -> None:
    source, sink = Pictures(), Notes()
    pipeline = Pipeline(source, Invert(), [sink], controls=Controls(paused=True))
    pipeline.start()
    eventually(lambda: source.read == 1)
    time.sleep(0.05)  # now the reader waits
    pipeline.stop()
    ends(pipeline)
    assert (sink.frames, sink.ends) == ([], [True])


def test_a_paused_file_can_be_stopped_and_a_later_pause_does_not_block_the_end() -> None:
    source, sink = Pictures(), Notes()
    pipeline = Pipeline(source, Invert(), [sink], controls=Controls(paused=True))
    pipeline.start()
    pipeline.stop()
    pipeline.update(paused=True)
    ends(pipeline)
    assert sink.ends == [True]


def test_a_clock_that_is_set_during_a_show_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = cycle([0.0, 2e9, 1e9, -1e6])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    sink = Notes(lossless=True)
    source = Altered(Resilient(lambda: PatternSource(32, 24, 100)), frames=30)
    with Pipeline(source, Staging(Invert(), 100, time.monotonic), [sink]) as pipeline:
        sink.wait_for(5)
        pipeline.update(strength=0.5, fade=0.1)
        pipeline.wait(SOON)
    stats = pipeline.stats
    assert stats.read == 30 == stats.painted + stats.dropped
    assert stats.delay_ms is not None
    assert 0 <= stats.delay_ms <= 1000 * SOON
    times = [frame.pts for frame in sink.frames]
    assert times == sorted(set(times))
