"""Snapshots and recordings of a show that runs."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from murai.errors import SinkError
from murai.pipeline import Pipeline
from murai.sinks.null import NullSink
from murai.sources.pattern import PatternSource
from murai.stage.takes import MOST_SAVING, Takes
from tests.shows import Invert, eventually


@pytest.fixture
def show():
    with Pipeline(PatternSource(96, 64), Invert(), [NullSink()]) as pipeline:
        eventually(lambda: pipeline.last is not None)
        yield pipeline
        pipeline.stop()


@pytest.fixture
def said():
    return []


@pytest.fixture
def takes(show, tmp_path, said):
    return Takes(show, tmp_path, said.append)


def test_a_snapshot_is_the_newest_painting(show, takes, tmp_path, said):
    show.update(paused=True)
    eventually(lambda: show.stats.held > 0)
    takes.snapshot()
    eventually(lambda: said)
    (file,) = tmp_path.iterdir()
    assert said == [f"kept {file}"]
    assert re.fullmatch(r"murai-\d{4}-\d\d-\d\d-\d{6}\.png", file.name)
    assert np.array_equal(np.asarray(Image.open(file)), show.last.image)


def test_snapshots_of_one_second_do_not_replace_each_other(takes, tmp_path, said):
    for count in range(1, 4):
        takes.snapshot()
        eventually(lambda count=count: len(said) == count)
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_snapshots_at_one_instant_each_get_a_name(takes, tmp_path, said):
    for _ in range(5):
        takes.snapshot()
    eventually(lambda: len(said) == 5)
    assert all(words.startswith("kept") for words in said)
    assert len(list(tmp_path.glob("*.png"))) == 5


def test_after_the_show_nothing_is_recorded(tmp_path):
    pipeline = Pipeline(PatternSource(96, 64), Invert(), [NullSink()])
    with pipeline:
        pipeline.stop()
    takes = Takes(pipeline, tmp_path)
    for _ in range(2):
        with pytest.raises(SinkError, match="nothing can be recorded"):
            takes.record()
    assert not list(tmp_path.iterdir())


def test_a_recording_begins_and_ends_while_the_show_goes_on(show, takes, tmp_path, said):
    takes.record()
    before = show.stats.painted
    eventually(lambda: show.stats.painted > before + 20)
    takes.record()
    eventually(lambda: len(said) == 2)
    (file,) = tmp_path.iterdir()
    assert said == [f"recording to {file}", f"recorded {file}"]
    assert not show.ended
    with av.open(str(file)) as recorded:
        frames = sum(1 for _ in recorded.decode(video=0))
    assert frames >= 15
    takes.record()
    eventually(lambda: len(said) == 3)


def test_a_recording_that_runs_at_the_end_is_whole(tmp_path, said):
    pipeline = Pipeline(PatternSource(96, 64), Invert(), [NullSink()])
    with pipeline:
        eventually(lambda: pipeline.last is not None)
        Takes(pipeline, tmp_path, said.append).record()
        before = pipeline.stats.painted
        eventually(lambda: pipeline.stats.painted > before + 5)
        pipeline.stop()
    (file,) = tmp_path.iterdir()
    with av.open(str(file)) as recorded:
        assert sum(1 for _ in recorded.decode(video=0)) > 0


def test_without_a_picture_or_a_folder_it_says_so(show, tmp_path):
    unstarted = Pipeline(PatternSource(96, 64), Invert(), [])
    with pytest.raises(SinkError, match="no picture yet"):
        Takes(unstarted, tmp_path).snapshot()
    missing = Takes(show, tmp_path / "missing")
    for act in (missing.snapshot, missing.record):
        with pytest.raises(SinkError, match="make it first"):
            act()


def test_two_presses_at_once_are_one_recording_begun_and_ended(takes, tmp_path, said):
    threads = [threading.Thread(target=takes.record) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: any("recorded" in words for words in said))
    assert len(list(tmp_path.glob("*.mp4"))) <= 1


def frames_of(file):
    with av.open(file) as video:
        return [frame.pts * frame.time_base for frame in video.decode(video=0)]


def test_a_limit_rolls_a_recording_over_and_removes_the_oldest(show, tmp_path, said, monkeypatch):
    monkeypatch.setattr("murai.stage.takes.LOOK_EVERY", 0.05)
    other = tmp_path / "holiday.mp4"
    other.write_bytes(bytes(90_000))
    picture = tmp_path / "murai-2020-01-01-000000.png"
    picture.write_bytes(bytes(90_000))
    old = [tmp_path / f"murai-2020-01-01-00000{n}.mp4" for n in range(3)]
    for file in old:
        file.write_bytes(bytes(3_000))
    takes = Takes(show, tmp_path, said.append, limit=8_000)
    takes.record()
    eventually(lambda: sum(words.startswith("recorded ") for words in said) >= 2)
    takes.record()
    eventually(lambda: not list(tmp_path.glob(".murai-*")))
    assert not any(file.exists() for file in old), "the oldest go first"
    assert other.exists(), "what murai did not record stays"
    assert picture.exists()
    kept = sorted(set(tmp_path.glob("murai-*.mp4")))
    assert kept
    for file in kept:
        assert frames_of(file), "each is whole"


def test_without_a_limit_nothing_is_removed(show, takes, tmp_path, said):
    old = tmp_path / "murai-2020-01-01-000000.mp4"
    old.write_bytes(b"old")
    takes.record()
    takes.record()
    eventually(lambda: any("recorded" in words for words in said))
    assert old.exists()


def test_what_a_show_left_that_was_cut_off_gets_its_name(show, tmp_path, said):
    left, other = (
        tmp_path / f".murai-2026-01-0{day}-120000.{process}.abcdef12.part.mp4"
        for day, process in ((1, 77), (2, os.getpid()))
    )
    for file in (left, other):
        file.write_bytes(b"a recording")
    (tmp_path / ".murai-2026-01-03-120000.77.abcdef12.part.mp4").touch()
    os.utime(left, (1e9, 1e9))
    os.utime(tmp_path / ".murai-2026-01-03-120000.77.abcdef12.part.mp4", (1e9, 1e9))
    Takes(show, tmp_path, said.append)
    assert (tmp_path / "murai-2026-01-01-120000.mp4").read_bytes() == b"a recording"
    assert other.exists(), "another show may be writing it"
    assert len(said) == 1, "what is empty is nothing to keep"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="which processes there are is not told here")
def test_what_a_process_left_that_is_gone_is_taken_up_at_once(show, tmp_path, said):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    left = tmp_path / f".murai-2026-01-01-120000.{process.pid}.abcdef12.part.mp4"
    left.write_bytes(b"a recording")
    Takes(show, tmp_path, said.append)
    assert (tmp_path / "murai-2026-01-01-120000.mp4").exists()


def test_a_recording_that_cannot_be_rolled_is_tried_again(show, tmp_path, said, monkeypatch):
    monkeypatch.setattr("murai.stage.takes.LOOK_EVERY", 0.02)
    takes = Takes(show, tmp_path, said.append, limit=8_000)
    takes.record()
    begin, vain = takes._begin, []

    def refuse():
        if len(vain) < 5:
            vain.append(None)
            raise SinkError("too many open files.")
        begin()

    monkeypatch.setattr(takes, "_begin", refuse)
    eventually(lambda: any(words.startswith("recorded ") for words in said))
    takes.record()
    eventually(lambda: not list(tmp_path.glob(".murai-*")))
    assert sum("too many open files" in words for words in said) == 1


def test_no_more_snapshots_are_taken_than_can_be_saved(takes, tmp_path, said, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr("murai.stage.takes.write_picture", lambda path, image: go_on.wait(20))
    for _ in range(MOST_SAVING):
        takes.snapshot()
    with pytest.raises(SinkError, match="wait a moment"):
        takes.snapshot()
    go_on.set()
    eventually(lambda: len(said) > 1)
    takes.snapshot()
