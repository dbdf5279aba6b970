"""What all sinks that encode have in common."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from murai.frame import Frame
from murai.sinks.encode import Ticks, ToYuv, fit

SIDES = st.integers(1, 5000)


@given(width=SIDES, height=SIDES, inside=st.tuples(SIDES, SIDES))
def test_a_fitted_picture_is_inside_touches_two_sides_and_is_centred(
    width: int, height: int, inside: tuple[int, int]
) -> None:
    left, top, new_width, new_height = fit(width, height, inside)
    assert new_width == inside[0] or new_height == inside[1]
    assert 1 <= new_width <= inside[0]
    assert 1 <= new_height <= inside[1]
    assert abs(inside[0] - new_width - 2 * left) <= 1
    assert abs(inside[1] - new_height - 2 * top) <= 1
    assert abs(new_width * height - new_height * width) <= max(width, height)


@given(pts=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30), live=st.booleans())
def test_ticks_always_rise(pts: list[int], live: bool) -> None:
    image = np.zeros((1, 1, 3), np.uint8)
    ticks = Ticks(Fraction(1, 90_000), live=live)
    given_out = [ticks(Frame(image, one, Fraction(1, 1000), 0)) for one in pts]
    assert all(before < after for before, after in pairwise(given_out))
    assert given_out[0] == (0 if live else 90 * pts[0])


@given(color=st.tuples(*[st.integers(0, 255)] * 3))
def test_every_colour_survives_the_way_to_yuv_and_back(color: tuple[int, int, int]) -> None:
    frame = ToYuv(8, 8, "yuv420p")(np.full((8, 8, 3), color, np.uint8))
    back = frame.to_ndarray(format="rgb24", src_colorspace=1, src_color_range=1)
    assert np.abs(back.astype(int) - color).max() <= 3


def test_white_and_black_use_the_limited_range() -> None:
    to_yuv = ToYuv(8, 8, "yuv420p")
    for level, expected in ((255, 235), (0, 16)):
        assert set(np.unique(to_yuv(np.full((8, 8, 3), level, np.uint8)).to_ndarray()[:8])) == {expected}
