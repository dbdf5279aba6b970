"""From frames to what is kept."""

import time
from fractions import Fraction

import numpy as np
import pytest

from murai.booth import shots
from murai.booth.frames import Look
from murai.booth.shots import BOOMERANG_RATE, BOOMERANG_SECONDS, SIDES, Catcher, Shot, compose
from murai.frame import Frame
from murai.pipeline import Pipeline
from murai.sources.pattern import PatternSource
from tests.shows import Invert, eventually

LOOK = Look("Party")


def frame(number, captured=None, original=None, size=(64, 48)):
    image = np.full((size[1], size[0], 3), number % 256, np.uint8)
    original = 255 - image if original is None else original
    when = time.monotonic() if captured is None else captured
    return Frame(image, number, Fraction(1, 30), number, captured=when, original=original)


def test_it_catches_the_first_picture_that_the_camera_saw_after_it_was_asked():
    catcher = Catcher()
    catcher.write(frame(1))
    late = frame(2, captured=time.monotonic() - 0.01)
    catcher.begin("single")
    assert catcher.caught() is None
    catcher.write(late)
    assert catcher.caught() is None, "it was seen before the countdown was over"
    catcher.write(frame(3))
    catcher.write(frame(4))
    (shot,) = catcher.caught()
    assert shot.painted[0, 0, 0] == 3
    assert shot.original[0, 0, 0] == 252
    assert catcher.caught() is None


def test_a_picture_that_is_repeated_while_the_camera_is_lost_is_never_caught(monkeypatch):
    monkeypatch.setattr(shots, "LOST_SECONDS", 0.05)
    catcher, still = Catcher(), frame(1)
    catcher.write(still)
    assert not catcher.lost
    catcher.begin("single")
    for number in range(2, 9):
        catcher.write(frame(number, original=still.original))
        time.sleep(0.01)
    assert catcher.caught() is None
    assert catcher.lost
    catcher.write(frame(9))
    assert not catcher.lost
    assert catcher.caught()


def test_a_boomerang_is_a_second_and_a_half_at_its_own_rate():
    catcher = Catcher()
    catcher.begin("boomerang")
    start = time.monotonic()
    for number in range(60):
        catcher.write(frame(number, captured=start + 0.001 + number / 30, size=(1280, 720)))
    caught = catcher.caught()
    assert len(caught) == pytest.approx(BOOMERANG_SECONDS * BOOMERANG_RATE, abs=1.5)
    assert {shot.painted.shape for shot in caught} == {(405, 720, 3)}
    numbers = [int(shot.painted[0, 0, 0]) for shot in caught]
    assert numbers == sorted(numbers)


def test_what_is_caught_is_no_memory_of_the_source():
    catcher, seen = Catcher(), frame(5)
    catcher.begin("single")
    catcher.write(Frame(seen.image, 5, Fraction(1, 30), 5, original=seen.original))
    (shot,) = catcher.caught()
    seen.image[:] = seen.original[:] = 0
    assert shot.painted.any()
    assert shot.original.any()


def test_large_pictures_are_shrunk_for_a_strip_only():
    catcher = Catcher()
    for kind, width in (("single", 1920), ("strip", SIDES["strip"])):
        catcher.begin(kind)
        catcher.write(frame(1, size=(1920, 1080)))
        assert catcher.caught()[0].painted.shape[1] == width


def test_it_catches_from_a_show_that_runs():
    catcher = Catcher()
    with Pipeline(PatternSource(96, 64), Invert(), [catcher]) as pipeline:
        eventually(lambda: pipeline.last is not None)
        catcher.begin("single")
        found = []
        eventually(lambda: found or (found.extend(catcher.caught() or []) or found))
        pipeline.stop()
    assert np.array_equal(found[0].painted, 255 - found[0].original)


def shot(number, size=(64, 48)):
    one = frame(number, size=size)
    return Shot(one.image, one.original)


def test_a_strip_has_its_four_pictures_in_order():
    four = [shot(number) for number in (10, 20, 30, 40)]
    strip = compose("strip", four, LOOK, "").image
    assert strip.shape[0] > 2 * strip.shape[1]
    tops = [int(np.argwhere((strip == number).all(2))[0, 0]) for number in (10, 20, 30, 40)]
    assert tops == sorted(tops)
    assert len(set(tops)) == 4
    square = compose("strip", four, LOOK, "", square=True).image
    assert square.shape[0] < 2 * square.shape[1]


@pytest.mark.parametrize("size", [(64, 48), (48, 64)])
def test_before_and_after_lie_so_that_both_are_large(size):
    kept = compose("before-after", [shot(10, size)], LOOK, "").image
    before, after = (np.argwhere((kept == number).all(2)) for number in (245, 10))
    assert len(before) == len(after) == 64 * 48
    along = 0 if size[0] > size[1] else 1
    assert before[:, along].max() < after[:, along].min()


def test_a_boomerang_goes_forward_and_back_without_a_stop_at_its_ends():
    kept = compose("boomerang", [shot(number) for number in range(100, 106)], LOOK, "")
    middle = kept.image.shape[1] // 2
    numbers = [int(picture[20, middle, 0]) for picture in kept.clip]
    assert numbers == [100, 101, 102, 103, 104, 105, 104, 103, 102, 101]
    assert all(picture.shape == kept.image.shape for picture in kept.clip)
    assert compose("single", [shot(7)], LOOK, "").clip is None
