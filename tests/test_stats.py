"""The figures of a show."""

import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.stats import Recent, SinkStats, Stats


@given(numbers=st.lists(st.floats(0, 1e6), min_size=1, max_size=400), part=st.floats(0, 1))
def test_a_share_of_the_last_numbers_does_not_exceed_it(numbers: list[float], part: float) -> None:
    recent = Recent()
    for number in numbers:
        recent.add(number)
    last = sorted(numbers[-300:])
    share = recent.share(part)
    assert share in last
    assert sum(number <= share for number in last) >= part * len(last)


def test_without_numbers_there_is_no_share_and_no_rate() -> None:
    assert Recent().share(0.5) is None
    assert Recent().rate(time.monotonic()) == 0.0


def test_a_rate_counts_the_last_seconds_and_falls_when_nothing_comes() -> None:
    recent = Recent()
    for frame in range(251):
        recent.add(100.0 + frame / 25)
    assert recent.rate(110.0 + 1 / 50) == pytest.approx(25, rel=0.05)
    assert recent.rate(112.0) == pytest.approx(25 / 3, rel=0.1)
    assert recent.rate(120.0) == 0.0


def test_the_summary_tells_every_figure_in_one_line() -> None:
    sinks = {"FileSink": SinkStats(7, 1, False, 20.4, 31.6), "UrlSink": SinkStats(3, 0, True, None, None)}
    stats = Stats(read=12, painted=8, held=2, dropped=2, fps_in=29.97, fps_out=20.0, sinks=sinks)
    assert stats.summary() == (
        "12 read, 8 painted, 2 held, 2 dropped; 30.0 fps in, 20.0 out; delay 20 ms (95 %: 32); "
        "FileSink 7 written, 1 dropped; UrlSink 3 written, 0 dropped, failed"
    )
    assert dataclasses.replace(stats, sinks={}).delay_ms is None
