"""Going from one input to the next while the show runs."""

import threading

import pytest

from murai.errors import SourceError
from murai.pipeline import Pipeline
from murai.sinks.null import NullSink
from murai.sources.pattern import PatternSource
from murai.stage.inputs import Inputs
from tests.shows import Invert, eventually

SIZES = {"small": (64, 48), "wide": (96, 48), "tall": (48, 96)}


def pattern(name):
    if name not in SIZES:
        raise SourceError(f"There is no {name}; check the name.")
    return PatternSource(*SIZES[name])


@pytest.fixture
def show():
    with Pipeline(pattern("small"), Invert(), [NullSink()]) as pipeline:
        eventually(lambda: pipeline.last is not None)
        yield pipeline
        pipeline.stop()


def size(show):
    return show.last.width, show.last.height


def test_the_inputs_follow_each_other_and_begin_again(show):
    said = []
    inputs = Inputs(show, list(SIZES), pattern, said.append)
    for count, name in enumerate(["wide", "tall", "small", "wide"], 1):
        inputs.next()
        eventually(lambda count=count: len(said) == count)
        eventually(lambda name=name: size(show) == SIZES[name])
    assert said == ["input wide", "input tall", "input small", "input wide"]


def test_an_input_that_does_not_open_is_said_and_passed_over(show):
    said = []
    inputs = Inputs(show, ["small", "nothing", "wide"], pattern, said.append)
    inputs.next()
    eventually(lambda: said == ["the input stays as it was: There is no nothing; check the name."])
    before = show.stats.painted
    eventually(lambda: show.stats.painted > before + 2)
    assert size(show) == SIZES["small"]
    inputs.next()
    eventually(lambda: size(show) == SIZES["wide"])


def test_one_is_opened_at_a_time_while_the_former_goes_on(show):
    may_open = threading.Event()

    def slow(name):
        may_open.wait(20)
        return pattern(name)

    inputs = Inputs(show, ["small", "wide"], slow)
    inputs.next()
    with pytest.raises(SourceError, match="wait a moment"):
        inputs.next()
    before = show.stats.painted
    eventually(lambda: show.stats.painted > before + 2)
    may_open.set()
    eventually(lambda: size(show) == SIZES["wide"])


def test_after_the_show_the_input_is_closed_again(show):
    closed = threading.Event()

    class Watched(PatternSource):
        def close(self):
            super().close()
            closed.set()

    show.stop()
    show.wait()
    Inputs(show, ["small", "wide"], lambda name: Watched(64, 48)).next()
    assert closed.wait(10)


def test_where_only_one_opens_it_is_not_opened_again(show):
    opened, said = [], []

    def open_input(name):
        opened.append(name)
        return pattern(name)

    inputs = Inputs(show, ["small", "nothing"], open_input, said.append)
    for count in (1, 2):
        inputs.next()
        eventually(lambda count=count: len(said) == count and not inputs._opening)
    assert opened == ["nothing", "nothing"]
