"""Snapshots and recordings of a show that runs."""

import re
import threading

import av
import numpy as np
import pytest
from PIL import Image

from murai.errors import SinkError
from murai.pipeline import Pipeline
from murai.sinks.null import NullSink
from murai.sources.pattern import PatternSource
from murai.stage.takes import Takes
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
