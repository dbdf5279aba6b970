"""The figures of a live show, of a real window on a display of its own."""

import json
import os
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from murai.measure.live import BITS, SQUARES, numbered, read_number
from tests.sinks.test_window import display

__all__ = ["display"]
GREY = np.full((180, 320, 3), 128, np.uint8)


@given(st.integers(0, 2**BITS - 1), st.integers(0, 80), st.integers(160, 255), st.integers(0, 2**31))
def test_a_number_is_read_through_another_contrast_and_noise(number, black, white, seed):
    image = numbered(GREY, number)
    noise = np.random.default_rng(seed).normal(0, 20, image.shape)
    painted = np.clip(black + image / 255 * (white - black) + noise, 0, 255).astype(np.uint8)
    assert read_number(painted) == number


def test_the_picture_below_the_number_stays():
    side = GREY.shape[1] // SQUARES
    assert np.array_equal(numbered(GREY, 5)[side:], GREY[side:])
    assert (GREY == 128).all()


def test_what_is_no_number_is_not_read():
    assert read_number(GREY) is None
    torn = numbered(GREY, 3)
    side = GREY.shape[1] // SQUARES
    torn[:, 2 * side : 3 * side] = 0  # one bit of another picture
    assert read_number(torn) is None


def test_a_show_is_measured(display):
    command = [sys.executable, "-m", "murai", "measure", "live", "--size", "320x180"]
    environment = {**os.environ, "DISPLAY": display}
    run = subprocess.run(
        [*command, "--seconds", "3", "--rate", "12", "--json"], env=environment, capture_output=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    assert 0 < figures["fps_painted"] <= figures["fps_in"] + 1 < 15
    assert figures["fps_presented"] > figures["fps_painted"]
    assert 0 < figures["delay_ms_median"] <= figures["delay_ms_p95"]
    assert 0 < figures["seen_ms_median"] <= figures["seen_ms_p95"]
    assert 0 < figures["drawing_share"] + figures["program_share"] < figures["busy_share"] + 0.05
    assert figures["busy_share"] < 1.01


def test_without_a_display_it_says_so():
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "murai", "measure", "live", "--size", "320x180"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "display" in run.stderr


def test_pictures_that_hold_no_number_and_displays_that_hold_no_picture_are_refused(display):
    environment = {**os.environ, "DISPLAY": display}
    for size, words in (("96x64", "larger"), ("900x400", "smaller")):
        command = [sys.executable, "-m", "murai", "measure", "live", "--size", size]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert run.returncode == 2
        assert words in run.stderr
