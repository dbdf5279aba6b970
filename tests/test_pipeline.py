"""How a show ends, and that nothing hangs."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from murai.errors import SinkError, SourceError, StreamLost
from murai.frame import Image, StreamInfo
from murai.pipeline import Pipeline
from tests.shows import SOON, Invert, Notes, Pictures, camera, ends, eventually, our_threads


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_show() -> Iterator[None]:
    yield
    assert our_threads() == []


@pytest.mark.parametrize("live", [True, False])
def test_stop_with_a_slow_network_ends_after_the_picture_it_paints(live: bool) -> None:
    gate, sink = threading.Event(), Notes(lossless=True)
    stylizer = Invert(gate=gate)
    source = Pictures(live=live, gap=0.002)
    pipeline = Pipeline(source, stylizer, [sink])
    pipeline.start()
    assert stylizer.busy.wait(SOON)
    pipeline.stop()
    assert source.closed.is_set()
    assert not pipeline.wait(0.05), "the network still paints"
    gate.set()
    ends(pipeline)
    assert len(sink.frames) == 1
    assert sink.ends == [True]


@pytest.mark.parametrize("live", [True, False])
def test_stop_wakes_a_source_that_blocks_and_stopping_twice_is_fine(live: bool) -> None:
    source, sink = Pictures(live=live, block_at=1), Notes()
    pipeline = Pipeline(source, Invert(), [sink])
    pipeline.start()
    sink.wait_for(1)
    pipeline.stop()
    pipeline.stop()
    ends(pipeline)
    assert sink.ends == [True]
    pipeline.stop()


def test_stop_with_a_slow_sink_behind_a_file_keeps_what_was_painted() -> None:
    gate = threading.Event()
    stylizer, sink = Invert(), Notes(gate=gate)
    pipeline = Pipeline(Pictures(), stylizer, [sink])
    pipeline.start()
    eventually(lambda: pipeline.stats.painted > 3)
    pipeline.stop()
    gate.set()
    ends(pipeline)
    assert sink.indices == list(range(pipeline.stats.painted))


def test_stop_of_a_live_show_still_records_every_painted_frame() -> None:
    gate = threading.Event()
    sink = Notes(lossless=True, gate=gate)
    pipeline = Pipeline(camera(), Invert(), [sink])
    pipeline.start()
    eventually(lambda: pipeline.stats.painted >= 20)
    pipeline.stop()
    gate.set()
    ends(pipeline)
    assert len(sink.frames) == pipeline.stats.painted >= 20
    assert sink.ends == [True]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("where", ["source", "stylizer", "open", "write", "close"])
def test_a_failure_anywhere_ends_everything_and_is_raised(where: str, live: bool) -> None:
    source = Pictures(6, live=live, gap=0.002, fail_at=3 if where == "source" else None)
    stylizer = Invert(fail_at=3 if where == "stylizer" else None)
    good, bad = Notes(lossless=True), Notes(essential=True, fail=where)
    pipeline = Pipeline(source, stylizer, [good, bad])
    expected = {"source": StreamLost, "stylizer": ArithmeticError}.get(where, SinkError)
    with pytest.raises(expected):
        pipeline.run()
    assert source.closed.is_set()
    assert our_threads() == []
    assert len(good.ends) == 1
    if where != "close":  # by then the other sink may be whole and closed
        assert good.ends == [False]
    assert len(bad.ends) == 1, "also one that did not open, which may have begun to"


@pytest.mark.parametrize("where", ["source", "stylizer", "write"])
def test_a_failure_wakes_everyone_who_is_blocked(where: str) -> None:
    """A full queue behind a slow sink, and a source that blocks: a failure elsewhere ends them all."""
    gate = threading.Event()
    source = Pictures(block_at=None if where == "source" else 8, fail_at=4 if where == "source" else None)
    stylizer = Invert(fail_at=4 if where == "stylizer" else None)
    slow = Notes(gate=gate)
    pipeline = Pipeline(source, stylizer, [slow, Notes(fail="write" if where == "write" else "")])
    pipeline.start()
    eventually(source.closed.is_set)
    gate.set()
    with pytest.raises((StreamLost, ArithmeticError, SinkError)):
        ends(pipeline)
    assert slow.ends == [False]
    assert len(slow.frames) <= 1


def test_a_refused_output_ends_everything_before_a_frame_is_read() -> None:
    source, stylizer, first, third = Pictures(), Invert(), Notes(), Notes()
    pipeline = Pipeline(source, stylizer, [first, Notes(fail="open"), third])
    with pytest.raises(SinkError, match="open"):
        pipeline.start()
    assert (source.read, stylizer.log, first.ends, third.ends) == (0, [], [False], [])
    assert source.closed.is_set()
    with pytest.raises(SinkError, match="open"):
        ends(pipeline)


@pytest.mark.parametrize("where", ["write", "close"])
def test_a_lesser_sink_that_fails_in_a_live_show_is_taken_off_and_said_once(where: str) -> None:
    said: list[str] = []
    good, bad = Notes(lossless=True), Notes(fail=where)
    pipeline = Pipeline(camera(count=30), Invert(), [bad, good], say=said.append)
    pipeline.run()
    assert good.ends == [True]
    assert len(good.frames) == pipeline.stats.painted
    assert len(said) == 1
    assert "disk is full" in said[0]
    assert [sink.failed for sink in pipeline.stats.sinks.values()] == [True, False]
    assert len(bad.ends) == 1


def test_when_the_last_sink_is_gone_the_show_ends_with_its_error() -> None:
    pipeline = Pipeline(camera(), Invert(), [Notes(fail="write"), Notes(fail="write")])
    with pytest.raises(SinkError, match="write"):
        pipeline.run()


def test_the_first_error_is_the_one_that_is_raised() -> None:
    """The sink fails in `write`, and once more when it is closed for that reason."""

    class Twice(Notes):
        def close(self, complete: bool = True) -> None:
            super().close(complete)
            raise OSError("and again")

    said: list[str] = []
    Pipeline(camera(count=9), Invert(), [Twice(fail="write"), Notes()], say=said.append).run()
    assert len(said) == 1
    assert "write" in said[0]
    sink = Twice(fail="write")
    with pytest.raises(SinkError, match="write"):
        Pipeline(Pictures(5), Invert(), [sink]).run()
    assert sink.ends == [False]


def test_a_source_that_fails_to_close_after_its_last_frame_is_a_failure() -> None:
    class Stuck(Pictures):
        def close(self) -> None:
            super().close()
            raise SourceError("The camera does not let go.")

    with pytest.raises(SourceError, match="let go"):
        Pipeline(Stuck(3), Invert(), [Notes()]).run()


def test_stop_survives_a_source_that_fails_to_close_and_the_show_raises_it() -> None:
    class Stuck(Pictures):
        def close(self) -> None:
            super().close()
            raise SourceError("The camera does not let go.")

    pipeline = Pipeline(Stuck(live=True, gap=0.002), Invert(), [Notes()])
    pipeline.start()
    pipeline.stop()
    with pytest.raises(SourceError, match="let go"):
        ends(pipeline)


def test_even_an_exit_raised_in_a_thread_ends_the_show() -> None:
    class Leaves(Invert):
        def __call__(self, image: Image) -> Image:
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        Pipeline(camera(), Leaves(), [Notes()]).run()


@pytest.mark.parametrize("live", [True, False])
def test_ctrl_c_in_run_stops_everything_and_comes_through(live: bool) -> None:
    source, sink = Pictures(live=live, gap=0.002), Notes(lossless=True)

    def interrupt() -> None:
        sink.wait_for(3)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        Pipeline(source, Invert(), [sink]).run()
    assert our_threads() == []
    assert sink.ends == [False]
    assert source.closed.is_set()


def test_ctrl_c_while_a_sink_opens_closes_what_was_open() -> None:
    class Interrupted(Notes):
        def open(self, info: StreamInfo) -> None:
            raise KeyboardInterrupt

    source, first = Pictures(), Notes()
    with pytest.raises(KeyboardInterrupt):
        Pipeline(source, Invert(), [first, Interrupted()]).run()
    assert first.ends == [False]
    assert source.closed.is_set()


def test_a_source_without_frames_ends_at_once() -> None:
    sink = Notes()
    Pipeline(Pictures(0), Invert(), [sink]).run()
    assert (sink.frames, sink.ends) == ([], [True])


def test_a_show_stopped_before_it_starts_does_nothing() -> None:
    source, sink = Pictures(), Notes()
    pipeline = Pipeline(source, Invert(), [sink])
    pipeline.stop()
    pipeline.run()
    assert source.closed.is_set()
    assert (source.read, sink.info, sink.ends) == (0, None, [])


def test_a_show_starts_once_and_is_waited_for_only_after_that() -> None:
    pipeline = Pipeline(Pictures(1), Invert(), [Notes()])
    with pytest.raises(RuntimeError, match="start"):
        pipeline.wait()
    pipeline.start()
    with pytest.raises(RuntimeError, match="once"):
        pipeline.start()
    ends(pipeline)


def test_leaving_the_with_block_stops_the_show() -> None:
    sink = Notes()
    with Pipeline(camera(), Invert(), [sink]) as pipeline:
        sink.wait_for(3)
        assert not pipeline.ended
    assert pipeline.ended
    assert sink.ends == [True]


def test_an_error_inside_the_with_block_ends_the_show_as_failed_and_comes_through() -> None:
    sink = Notes()
    with pytest.raises(ZeroDivisionError):
        with Pipeline(camera(), Invert(), [sink]):
            raise ZeroDivisionError
    assert sink.ends == [False]


def test_many_shows_one_after_another_leave_no_thread() -> None:
    before = set(threading.enumerate())
    for number in range(40):
        pipeline = Pipeline(Pictures(live=number % 2 == 0, gap=0.001), Invert(), [Notes(), Notes(lossless=True)])
        pipeline.start()
        if number % 3:
            pipeline.stats.summary()
        pipeline.stop()
        ends(pipeline)
    assert set(threading.enumerate()) <= before


def test_an_interrupt_while_it_starts_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline(Pictures(live=True, gap=0.01), Invert(), [Notes()])
    begin = pipeline._painter.start

    def interrupted() -> None:
        begin()
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline._painter, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline.start()
    left = [thread for thread in threading.enumerate() if thread in (pipeline._painter, pipeline._reader)]
    assert not left
    assert pipeline.ended
