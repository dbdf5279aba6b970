"""A second process beside the booth."""

import os
import signal

import pytest

from murai.booth import companion
from murai.booth.companion import Companion
from tests.shows import eventually


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def said():
    return []


@pytest.fixture
def other(said, monkeypatch):
    monkeypatch.setattr(companion.sys, "executable", "/bin/true")
    one = Companion(["slideshow"], said.append)
    one._command = ["/bin/sh", "-c", "sleep 60"]
    one._start()
    yield one
    one.close()


def test_it_is_started_again_after_a_while(other, said):
    other._wait = 0.02
    first = other.process
    other.tick()
    assert other.process == first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: other._process.poll() is not None)
    eventually(lambda: (other.tick(), other.process != first)[1])
    assert alive(other.process)
    assert said == ["the slideshow ended and is started again."]


def test_what_ends_at_once_is_left_alone_longer_each_time(other, said):
    now = [1000.0]
    other._clock = lambda: now[0]
    other._began = now[0]
    other._command = ["/bin/sh", "-c", "exit 1"]
    os.kill(other.process, signal.SIGKILL)
    waits = []
    for _ in range(3):
        eventually(lambda: other._process.poll() is not None)
        before, process = now[0], other.process
        while other.process == process:
            other.tick()
            now[0] += 0.5
        waits.append(now[0] - before)
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]


def test_closing_ends_it(other):
    process = other.process
    other.close()
    assert not alive(process)
