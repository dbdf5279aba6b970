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
    one._process.wait()
    one._command = ["/bin/sh", "-c", "exec sleep 60"]
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


def test_why_it_ended_is_said_once_until_it_changes(other, said):
    other._wait = 0.001
    for why in ("There is no monitor 2.", "There is no monitor 2.", "", "There is no monitor 3."):
        other._command = ["/bin/sh", "-c", f"echo opening >&2; echo 'murai: {why}' >&2; exit {2 if why else 0}"]
        other._process.kill()
        process = other.process
        eventually(lambda process=process: (other.tick(), other.process != process)[1])
        eventually(lambda: other._process.poll() is not None)
        other.tick()
        other._due, other._wait = 0.001, 0.001
    began = "the slideshow ended and is started again"
    assert said == [f"{began}.", f"{began}: There is no monitor 2.", f"{began}.", f"{began}: There is no monitor 3."]


def test_what_cannot_be_started_is_tried_again(other, said):
    other._wait = 0.001
    command, other._command = other._command, ["/nowhere/murai"]
    os.kill(other.process, signal.SIGKILL)
    eventually(lambda: (other.tick(), len(said) == 2)[1])
    assert said[1] == "the slideshow ended and is started again: No such file or directory."
    assert other.process == 0
    other._command = command
    eventually(lambda: (other.tick(), other.process)[1])


def test_closing_ends_it(other):
    process = other.process
    other.close()
    assert not alive(process)
