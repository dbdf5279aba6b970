"""A picture and its time."""

import dataclasses
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.frame import Frame, StreamInfo

TICK = Fraction(1, 30)
sides = st.integers(1, 40)


def picture(height: int = 4, width: int = 6) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@given(height=sides, width=sides, pts=st.integers(-(2**62), 2**62), den=st.integers(1, 10**6))
def test_a_frame_knows_its_size_and_its_time(height: int, width: int, pts: int, den: int) -> None:
    frame = Frame(picture(height, width), pts, Fraction(1, den), 7)
    assert (frame.width, frame.height) == (width, height)
    assert frame.time == float(Fraction(pts, den))
    assert f"{width}x{height}" in repr(frame)
    assert len(repr(frame)) < 80


@given(shape=st.lists(st.integers(0, 5), max_size=5).filter(lambda s: len(s) != 3 or s[2] != 3 or 0 in s))
def test_a_picture_of_another_shape_is_refused(shape: list[int]) -> None:
    with pytest.raises(ValueError, match="H x W x 3"):
        Frame(np.zeros(shape, np.uint8), 0, TICK, 0)


@pytest.mark.parametrize("kind", [np.float32, np.int8, np.uint16, np.bool_])
def test_a_picture_of_another_type_is_refused(kind: type) -> None:
    with pytest.raises(ValueError, match="uint8"):
        Frame(picture().astype(kind), 0, TICK, 0)


@pytest.mark.parametrize(("pts", "base"), [(0.5, TICK), (0, 1 / 30), (np.int64(3), TICK), ("0", TICK)])
def test_times_that_are_not_exact_are_refused(pts: object, base: object) -> None:
    with pytest.raises(TypeError, match="exact"):
        Frame(picture(), pts, base, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("base", [Fraction(0), Fraction(-1, 30)])
def test_a_tick_lasts_longer_than_nothing(base: Fraction) -> None:
    with pytest.raises(ValueError, match="tick"):
        Frame(picture(), 0, base, 0)


def test_a_frame_is_frozen_and_is_captured_when_it_is_made() -> None:
    before = time.monotonic()
    frame = Frame(picture(), 0, TICK, 0)
    assert before <= frame.captured <= time.monotonic()
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.pts = 3  # type: ignore[misc]


def test_a_painted_copy_keeps_its_times_and_shares_the_picture_it_was() -> None:
    frame = Frame(picture(), 5, TICK, 2, duration=1)
    painted = dataclasses.replace(frame, image=picture(), original=frame.image)
    assert (painted.pts, painted.index, painted.duration, painted.captured) == (5, 2, 1, frame.captured)
    assert painted.original is frame.image
    with pytest.raises(ValueError, match="H x W x 3"):
        dataclasses.replace(frame, image=np.zeros((4, 6), np.uint8))


def test_two_frames_are_the_same_only_if_they_are_one() -> None:
    frame = Frame(picture(), 0, TICK, 0)
    assert frame == frame
    assert frame != dataclasses.replace(frame)


def test_a_card_names_its_types_with_its_library_and_is_taken_too() -> None:
    class Tensor:
        shape, dtype = (4, 6, 3), "torch.uint8"

    assert Frame(Tensor(), 0, TICK, 0).width == 6


def test_what_a_stream_says_of_itself_is_frozen_and_compares_by_value() -> None:
    info = StreamInfo(6, 4, Fraction(30), TICK)
    assert info == StreamInfo(6, 4, Fraction(30), TICK, live=False, path=None, frames=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.width = 3  # type: ignore[misc]
