"""Painting once more in the background, by a real process with real packs."""

import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from murai.booth import repaint
from murai.booth.repaint import MOST, Job, Repainter, heaviest
from murai.packs import StylePack, find_packs
from tests.packs_support import make_pack, paint, vector
from tests.shows import SOON, eventually

PICTURE = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)


class Heard:
    """Who waits for paintings."""

    def __init__(self):
        self.jobs, self.said = {}, []
        self.order = []

    def __call__(self, key, painted):
        self.order.append(key)
        self.jobs[key] = painted

    def wait_for(self, *keys):
        eventually(lambda: set(keys) <= self.jobs.keys())
        return [self.jobs[key] for key in keys]


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def repainter(heard):
    one = Repainter(heard, heard.said.append)
    yield one
    one.close()


def test_pictures_are_painted_by_the_network(repainter, heard, tiny_pack):
    repainter.add(Job(7, tiny_pack, "warm", [PICTURE, 255 - PICTURE]))
    ((first, second),) = heard.wait_for(7)
    for painted, picture in ((first, PICTURE), (second, 255 - PICTURE)):
        wanted = paint(picture, vector("warm"))
        assert np.abs(painted.astype(int) - wanted).max() <= 2  # in bf16 where that is faster
    assert not heard.said


def test_a_crash_keeps_the_mirrors_painting_and_the_next_is_painted(repainter, heard, tiny_pack):
    repainter.add(Job(1, tiny_pack, "warm", [PICTURE]))
    heard.wait_for(1)
    os.kill(repainter._process.pid, signal.SIGKILL)
    repainter.add(Job(2, tiny_pack, "warm", [PICTURE]))
    repainter.add(Job(3, tiny_pack, "invert", [PICTURE]))
    heard.wait_for(2, 3)
    assert [painted is None for painted in (heard.jobs[1], *heard.wait_for(*heard.order[1:]))] == [False, True, False]
    assert "stays as the mirror painted it" in heard.said[0]


def test_a_style_that_is_not_there_is_said_and_the_next_is_painted(repainter, heard, tiny_pack, tmp_path):
    repainter.add(Job(1, tmp_path / "gone", "warm", [PICTURE]))
    assert heard.wait_for(1) == [None]
    repainter.add(Job(2, tiny_pack, "warm", [PICTURE]))
    assert heard.wait_for(2) != [None]
    assert len(heard.said) == 1
    assert "gone" in heard.said[0]


def test_what_cannot_be_started_costs_the_better_painting_alone(heard, tiny_pack, tmp_path):
    one = Repainter(heard, heard.said.append, [str(tmp_path / "gone")])
    try:
        for key in (1, 2):
            one.add(Job(key, tiny_pack, "warm", [PICTURE]))
            assert heard.wait_for(key) == [None]
    finally:
        one.close()
    assert "cannot be started" in heard.said[0]


def test_what_hangs_is_ended(heard, tiny_pack, monkeypatch):
    monkeypatch.setattr(repaint, "SECONDS", 0.2)
    one = Repainter(heard, heard.said.append, [sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        one.add(Job(1, tiny_pack, "warm", [PICTURE]))
        assert heard.wait_for(1) == [None]
    finally:
        one.close()


def test_the_newest_is_painted_first_and_the_oldest_goes_without(heard, tiny_pack, monkeypatch):
    gate, started = threading.Event(), threading.Event()

    def slow(self, job, image):
        started.set()
        assert gate.wait(SOON)
        return image

    monkeypatch.setattr(Repainter, "_painted", slow)
    one = Repainter(heard)
    try:
        one.add(Job(0, tiny_pack, "warm", [PICTURE]))
        assert started.wait(SOON)
        for key in range(1, MOST + 2):
            one.add(Job(key, tiny_pack, "warm", [PICTURE]))
        assert heard.jobs == {1: None}, "there is no place for the oldest"
        one.drop(MOST)
        gate.set()
        heard.wait_for(0, 2)
    finally:
        one.close()
    assert heard.order == [1, 0, *(key for key in range(MOST + 1, 1, -1) if key != MOST)]


def test_closing_ends_the_process_at_once(heard, tiny_pack):
    one = Repainter(heard)
    one.add(Job(1, tiny_pack, "warm", [PICTURE]))
    heard.wait_for(1)
    process = one._process
    one.add(Job(2, tiny_pack, "warm", [PICTURE] * 10_000))
    one.close()
    assert process.poll() is not None


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="what a process is worth is not told here")
def test_it_gives_way_to_everything_else_on_one_thread(repainter, heard, tiny_pack):
    repainter.add(Job(1, tiny_pack, "warm", [PICTURE]))
    heard.wait_for(1)
    assert os.getpriority(os.PRIO_PROCESS, repainter._process.pid) >= repaint.NICE


def test_it_ends_with_the_booth_whatever_ended_that(heard, tiny_pack):
    one = Repainter(heard)
    one.add(Job(1, tiny_pack, "warm", [PICTURE]))
    heard.wait_for(1)
    one._process.stdin.close()  # as the system does for a booth that was killed
    assert one._process.wait(SOON) == 0
    one.close()


def test_the_heaviest_network_up_to_a_tier_paints(tmp_path):
    for tier, work in (("light", 3000.0), ("fast", 8000.0), ("fine", 20000.0)):
        make_pack(tmp_path / "packs" / tier, tier, tier=tier, mac_per_pixel=work)
    packs = find_packs([tmp_path / "packs"])
    assert heaviest(packs, "light/warm", "fine").name == "fine"
    assert heaviest(packs, "light/warm", "fast").name == "fast"
    own = StylePack.load(make_pack(tmp_path / "tiny", names=("night",), tier="johnson", mac_per_pixel=150000.0))
    assert heaviest([*packs, own], "tiny/night", "fine").name == "tiny"
    assert heaviest(packs, "tiny/night", "fine") is None
