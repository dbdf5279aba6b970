"""The drawn camera."""

import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from murai.errors import SourceError
from murai.frame import Frame
from murai.sources.pattern import PatternSource
from tests.sources.kit import closed_from_another_thread


def test_frame_n_is_always_the_same_picture_and_the_picture_moves() -> None:
    first, second = ([f.image for f in PatternSource(64, 48, 10, live=False, frames=20)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all((a != b).any() for a, b in pairwise(first))
    assert all(image.shape == (48, 64, 3) and image.flags.c_contiguous for image in first)


def test_times_are_exact_at_a_rate_that_is_no_whole_number() -> None:
    source = PatternSource(16, 16, Fraction(30000, 1001), live=False, frames=3)
    assert [(f.pts, f.time_base, f.index, f.duration) for f in source] == [
        (n, Fraction(1001, 30000), n, 1) for n in range(3)
    ]
    assert source.info.frames == 3


def test_the_scene_has_texture_edges_and_a_wide_range_of_light() -> None:
    image = next(iter(PatternSource(320, 180, live=False))).image.astype(int)
    assert np.ptp(image) > 200
    step = np.abs(np.diff(image.mean(axis=2), axis=1))
    assert (step > 60).mean() > 0.001
    assert step[120:].mean() > 2 * step[:30].mean()


def test_long_shows_draw_everywhere_without_a_seam_in_memory() -> None:
    scene = PatternSource(64, 48, 1, live=False, frames=400)
    assert len({bytes(frame.image) for frame in scene}) == 400


def test_a_live_pattern_keeps_to_the_clock() -> None:
    frames = list(PatternSource(16, 16, 50, frames=10))
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    started = frames[0].captured
    assert all(f.captured - started >= f.index / 50 - 0.001 for f in frames)


def test_a_late_reader_gets_the_newest_frame_and_sees_the_gap() -> None:
    frames: Iterator[Frame] = iter(PatternSource(16, 16, 50))
    first = next(frames)
    time.sleep(0.3)
    late = next(frames)
    assert late.index - first.index >= 14
    assert late.pts == late.index


def test_closing_from_another_thread_wakes_a_wait() -> None:
    source = PatternSource(16, 16, Fraction(1, 60))
    closing = closed_from_another_thread(source.close)
    assert len(list(source)) == 1
    closing.join()
    source.close()
    assert list(source) == []


@pytest.mark.parametrize(("width", "height", "rate"), [(0, 48, 30), (64, 8, 30), (64, 48, 0)])
def test_what_cannot_be_drawn_is_refused(width: int, height: int, rate: int) -> None:
    with pytest.raises(SourceError, match="16x16"):
        PatternSource(width, height, rate)
