"""Signs of life to a service manager, heard at a real socket."""

import socket

import pytest

from murai.stage.watchdog import Watchdog, notify


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(5)
        yield heard


def waiting(manager):
    manager.setblocking(False)
    try:
        return manager.recv(100)
    except BlockingIOError:
        return b""


def test_it_is_ready_with_the_first_picture_and_alive_while_there_are_more(manager):
    painted = [None]
    dog = Watchdog(manager.getsockname(), 0, lambda: painted[-1])
    dog.tick()
    assert waiting(manager) == b"", "nothing is painted yet"
    for count, message in ((1, b"READY=1"), (1, b""), (2, b"WATCHDOG=1"), (3, b"WATCHDOG=1"), (3, b"")):
        painted.append(count)
        dog.tick()
        assert waiting(manager) == message


def test_it_does_not_speak_more_often_than_asked(manager):
    counts = iter(range(1, 100))
    dog = Watchdog(manager.getsockname(), 60, lambda: next(counts))
    for _ in range(5):
        dog.tick()
    assert waiting(manager) == b"READY=1"
    assert waiting(manager) == b""


def test_an_abstract_address_and_nobody_there(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0murai-test-watchdog")
        notify("@murai-test-watchdog", "READY=1")
        assert waiting(heard) == b"READY=1"
    notify(str(tmp_path / "nobody"), "READY=1")
