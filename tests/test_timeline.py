"""One line of time for a show whose source changes."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from murai.frame import Frame, StreamInfo
from murai.timeline import Timeline

IMAGE = np.zeros((1, 1, 3), np.uint8)
bases = st.sampled_from([Fraction(1, 30), Fraction(1, 90000), Fraction(1, 1000), Fraction(1001, 30000), Fraction(1)])


def info(base: Fraction, live: bool = False) -> StreamInfo:
    return StreamInfo(1, 1, Fraction(30), base, live=live)


@given(
    base=bases,
    live=st.booleans(),
    sources=st.lists(st.tuples(bases, st.lists(st.integers(-1000, 10**6), max_size=5), st.floats(0, 100)), max_size=4),
)
def test_index_and_time_always_increase_in_the_first_time_base(
    base: Fraction, live: bool, sources: list[tuple[Fraction, list[int], float]]
) -> None:
    line = Timeline(info(base, live))
    placed = [
        line.place(Frame(IMAGE, pts, own, index, captured=captured), turn)
        for turn, (own, times, captured) in enumerate(sources)
        for index, pts in enumerate(times)
    ]
    assert all(a.pts < b.pts and a.index < b.index for a, b in pairwise(placed))
    assert all(frame.time_base == base for frame in placed)


@given(base=bases, times=st.lists(st.integers(-(10**12), 10**12), unique=True).map(sorted))
def test_the_first_source_keeps_its_times_to_a_tick(base: Fraction, times: list[int]) -> None:
    line = Timeline(info(base))
    frames = [Frame(IMAGE, pts, base, index, duration=3) for index, pts in enumerate(times)]
    assert [(f.pts, f.duration, f.index) for f in (line.place(frame, 0) for frame in frames)] == [
        (pts, 3, index) for index, pts in enumerate(times)
    ]


def test_a_file_follows_where_the_file_before_it_ended() -> None:
    line = Timeline(info(Fraction(1, 600)))
    line.place(Frame(IMAGE, 100, Fraction(1, 600), 0, duration=25), 0)
    second = line.place(Frame(IMAGE, 90000, Fraction(1, 90000), 9, duration=3000), 1)
    third = line.place(Frame(IMAGE, 93000, Fraction(1, 90000), 10, duration=3000), 1)
    assert [(f.pts, f.index, f.duration) for f in (second, third)] == [(125, 1, 20), (145, 2, 20)]


def test_a_file_that_does_not_say_how_long_its_pictures_last_gets_the_nominal_step() -> None:
    line = Timeline(info(Fraction(1, 600)))
    line.place(Frame(IMAGE, 100, Fraction(1, 600), 0), 0)
    assert line.place(Frame(IMAGE, 0, Fraction(1, 600), 0), 1).pts == 120


def test_a_live_source_follows_as_much_later_as_it_was_captured() -> None:
    line = Timeline(info(Fraction(1, 1000), live=True))
    line.place(Frame(IMAGE, 5, Fraction(1, 1000), 4, captured=50.0), 0)
    after = line.place(Frame(IMAGE, 777, Fraction(1, 30), 0, captured=52.5), 1)
    assert (after.pts, after.index) == (2505, 5)


def test_dropped_frames_still_show_as_a_gap_after_a_change() -> None:
    line = Timeline(info(Fraction(1, 30)))
    line.place(Frame(IMAGE, 0, Fraction(1, 30), 0), 0)
    assert [line.place(Frame(IMAGE, i, Fraction(1, 30), i), 1).index for i in (3, 4, 7)] == [1, 2, 5]
