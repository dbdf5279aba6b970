"""The work size follows the machine: a machine that is made of arithmetic."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from murai.controls import Controls
from murai.stage.quality import FULL, SHARES, KeepingUp, Pace


class Machine:
    """A stylizer whose network takes `full` seconds for a whole picture, by its own clock, and for a smaller one its
    share, and which takes `resizing` more for a smaller one and `rest` for each."""

    def __init__(self, full, resizing=0.0, rest=0.0):
        self.full, self.resizing, self.rest, self.now, self.size = full, resizing, rest, 0.0, None
        self.sizes = []
        self.network_seconds = 0.0

    def clock(self):
        return self.now

    def __call__(self, image):
        width = self.size[0] if self.size else image.shape[1]
        self.network_seconds = self.full * (width / image.shape[1]) ** 2
        self.now += self.network_seconds + self.rest + (self.resizing if self.size else 0.0)
        self.sizes.append(width)
        return image

    def use(self, controls):
        self.controls = controls

    def reset(self):
        self.was_reset = True


PICTURE = np.zeros((360, 640, 3), np.uint8)


def run(machine, painter, pictures):
    for _ in range(pictures):
        painter(PICTURE)
        machine.now += 0.001
    return machine.sizes[-1]


def keeping(machine, rate=30.0, said=None):
    return KeepingUp(machine, rate, (said if said is not None else []).append, machine.clock)


def test_a_fast_machine_paints_whole_pictures():
    machine, said = Machine(0.02), []
    assert run(machine, keeping(machine, said=said), 300) == 640
    assert said == []


@given(full=st.floats(0.04, 0.2), resizing=st.floats(0, 0.015))
@example(full=0.225, resizing=0.0)  # a size fits by a hair: the next smaller one is taken first
@settings(max_examples=60, deadline=None)
def test_a_slow_one_finds_the_size_it_can_keep_up_with_and_stays_there(full, resizing):
    machine = Machine(full, resizing)
    painter = keeping(machine)
    settled = run(machine, painter, 400)
    assert full * (settled / 640) ** 2 + resizing <= FULL / 30
    run(machine, painter, 3000)
    assert len(set(machine.sizes[400:])) <= 2, "it goes back and forth"
    assert np.mean(np.array(machine.sizes[400:]) == settled) > 0.9


def test_a_machine_that_is_far_too_slow_takes_the_smallest():
    machine = Machine(5.0)
    assert run(machine, keeping(machine), 50) == round(640 * SHARES[-1])


@pytest.mark.parametrize(("shape", "usual"), [((1080, 1920), (640, 360)), ((1920, 1080), (360, 640))])
def test_smaller_sizes_are_shares_of_the_usual_work_size(shape, usual):
    machine, said = Machine(0.0), []
    painter = keeping(machine, said=said)
    machine.full = 10.0 * (shape[1] / usual[0]) ** 2
    picture = np.zeros((*shape, 3), np.uint8)
    for _ in range(20):
        painter(picture)
    width, height = (round(SHARES[-1] * side) for side in usual)
    assert machine.size == (width, height)
    assert said == [f"painting at {width}x{height}, to keep up."]


def test_pictures_of_another_shape_are_painted_at_the_same_share_of_their_own_size():
    machine = Machine(5.0)
    painter = keeping(machine)
    run(machine, painter, 50)
    painter(np.zeros((500, 500, 3), np.uint8))
    assert machine.size == (round(480 * SHARES[-1]),) * 2


def test_when_there_is_time_again_it_grows_back():
    machine, said = Machine(0.1), []
    painter = keeping(machine, said=said)
    small = run(machine, painter, 60)
    machine.full = 0.01
    assert run(machine, painter, 90) <= 640
    assert run(machine, painter, 2000) == 640 > small
    assert said[0].startswith("painting at ")
    assert said[-1] == "painting at 640x360, to keep up."
    assert machine.size is None


@given(full=st.floats(0.001, 0.024), resizing=st.floats(0, 0.03))
@settings(max_examples=60, deadline=None)
def test_whole_pictures_come_back_however_long_it_takes_to_make_smaller_ones(full, resizing):
    machine = Machine(0.1, resizing)
    painter = keeping(machine)
    assert run(machine, painter, 60) < 640
    machine.full = full
    assert run(machine, painter, 2000) == 640


def test_each_vain_try_makes_it_wait_longer():
    pace, tries = Pace(1 / 30), []
    moment = 0.0
    for _ in range(20_000):
        spent = 0.034 if pace.level == 0 else 0.01  # a lie about how much faster smaller is
        moment += 1 / 30
        before = pace.level
        if pace.add(spent, spent) and pace.level < before:
            tries.append(moment)
    gaps = np.diff(tries)
    assert len(gaps) >= 3
    assert gaps[-1] > 2 * gaps[0]


def test_a_hiccup_changes_nothing():
    machine = Machine(0.02)
    painter = keeping(machine)
    run(machine, painter, 50)
    machine.full = 1.0
    run(machine, painter, 2)
    machine.full = 0.02
    assert run(machine, painter, 50) == 640


def test_controls_and_resets_go_through():
    machine = Machine(0.02)
    painter = keeping(machine)
    painter.use(Controls(strength=0.5))
    painter.reset()
    assert machine.controls.strength == 0.5
    assert machine.was_reset


@pytest.mark.parametrize("rate", [15.0, 60.0])
def test_the_rate_is_what_it_keeps_up_with(rate):
    machine = Machine(0.05)
    width = run(machine, keeping(machine, rate), 100)
    assert (width == 640) == (rate == 15)


def test_what_is_not_painted_says_nothing_of_the_machine():
    machine = Machine(0.1)
    painter = keeping(machine)
    small = run(machine, painter, 100)
    machine.full = 0.0  # at strength 0
    run(machine, painter, 1000)
    machine.full = 0.1
    assert run(machine, painter, 1) == small


@given(rest=st.floats(0.02, 0.1))
@settings(max_examples=30, deadline=None)
def test_what_no_size_makes_faster_does_not_make_it_go_to_and_fro(rest):
    machine = Machine(0.016, 0.01, rest)
    painter = keeping(machine)
    run(machine, painter, 100)
    before = len(machine.sizes)
    run(machine, painter, 3000)
    changes = np.count_nonzero(np.diff(machine.sizes[before:]))
    assert changes <= 1
