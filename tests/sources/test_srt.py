"""SRT from a real ffmpeg on localhost, received through another."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.errors import SourceError, StreamLost
from murai.sources.resilient import Resilient
from murai.sources.srt import _playlist, knows_srt
from murai.sources.url import UrlSource
from tests.sources.kit import Server, closed_from_another_thread, free_port

Serve = Callable[..., Server]
SECRET = "very-secret-isn't-it"


def programs(parent: int | None = None) -> dict[int, str]:
    """The receiving programs that are children of `parent` (this process), zombies too: their command lines by id."""
    ps = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent or os.getpid())]
    lines = [line.split(None, 1) for line in subprocess.run(ps, capture_output=True, text=True).stdout.splitlines()]
    return {int(pid): command for pid, command in lines if "concat" in command or "defunct" in command}


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    if shutil.which("ffmpeg") is None or "srt" not in subprocess.getoutput("ffmpeg -hide_banner -protocols").split():
        pytest.skip("SRT is served by the ffmpeg program, which is not installed or was built without SRT")
    threads = set(threading.enumerate())
    yield
    end = time.monotonic() + 5
    while left := [*(set(threading.enumerate()) - threads), *programs()]:
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.05)


def listen(serve: Serve, port: int | None = None) -> tuple[str, Server]:
    url = f"srt://127.0.0.1:{port or free_port(socket.SOCK_DGRAM)}"
    server = serve("-f", "mpegts", f"{url}?mode=listener&passphrase={SECRET}")
    time.sleep(0.5)  # nobody can see from outside whether it listens
    return f"{url}?passphrase={SECRET}", server


def test_srt_is_read_live_with_a_passphrase_nobody_sees(serve: Serve) -> None:
    url, _ = listen(serve)
    source = UrlSource(url)
    frames = list(islice(source, 20))
    shown = programs()
    source.close()
    assert (source.live, source.info.width, source.info.height, source.info.rate) == (True, 64, 48, 20)
    assert [round(1000 * (b.time - a.time)) for a, b in pairwise(frames)] == [50] * 19
    assert knows_srt() or len(shown) == 1
    assert SECRET not in "".join(shown.values())


def test_a_caller_is_received_where_the_source_listens(serve: Serve) -> None:
    port = free_port(socket.SOCK_DGRAM)
    caller = threading.Timer(1.0, lambda: serve("-f", "mpegts", f"srt://127.0.0.1:{port}"))
    caller.start()
    source = UrlSource(f"srt://127.0.0.1:{port}?mode=listener")
    assert len(list(islice(source, 5))) == 5
    source.close()
    caller.join()


def test_closing_from_another_thread_wakes_a_blocked_read(serve: Serve) -> None:
    url, server = listen(serve)
    source = UrlSource(url, timeout=30)
    next(iter(source))
    server.pause()
    closing = closed_from_another_thread(source.close, after=1.0)
    started = time.monotonic()
    list(source)
    assert time.monotonic() - started < 10, "the reader waited for its timeout"
    closing.join()
    source.close()


def test_a_sender_that_dies_is_a_loss(serve: Serve) -> None:
    url, server = listen(serve)
    source = UrlSource(url, timeout=1)
    next(iter(source))
    server.kill()
    with pytest.raises(StreamLost, match=r"has ended|nothing for 1 seconds"):
        list(source)
    source.close()


def test_a_sender_that_comes_back_is_received_again(serve: Serve) -> None:
    url, server = listen(serve)
    said: list[str] = []
    source = Resilient(lambda: UrlSource(url, timeout=1), say=said.append, first_delay=0.1, longest_delay=0.5)
    frames = iter(source)
    next(frames)
    server.kill()
    port = int(url.partition("?")[0].rpartition(":")[2])
    back = threading.Timer(0.5, listen, (serve, port))
    back.start()
    while not any("is back" in sentence for sentence in said):
        next(frames)
    assert len(list(islice(frames, 10))) == 10
    source.close()
    back.join()
    assert SECRET not in "".join(said)


@pytest.mark.parametrize("wrong", ["nobody listens", "wrong passphrase"])
def test_no_connection_is_said_without_the_address(serve: Serve, wrong: str) -> None:
    port = free_port(socket.SOCK_DGRAM)
    if wrong == "wrong passphrase":
        port = int(listen(serve)[0].partition("?")[0].rpartition(":")[2])
    with pytest.raises(SourceError, match=rf"srt://127.0.0.1:{port} cannot be opened: nothing came; check") as caught:
        UrlSource(f"srt://127.0.0.1:{port}?passphrase=another-secret")
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(knows_srt(), reason="this PyAV speaks SRT itself")
def test_without_the_program_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="needs the program ffmpeg") as caught:
        UrlSource(f"srt://127.0.0.1:9?passphrase={SECRET}")
    assert SECRET not in str(caught.value)
    monkeypatch.undo()


@given(st.text())
def test_an_address_cannot_smuggle_in_another(rest: str) -> None:
    assert len(_playlist(f"srt://host:9?{rest}").decode().splitlines()) == 2


@pytest.mark.skipif(knows_srt(), reason="this PyAV speaks SRT itself")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_program_ends_with_the_interpreter(serve: Serve, end: signal.Signals) -> None:
    url, _ = listen(serve)
    code = f"import sys; from murai.sources.url import UrlSource; s = UrlSource({url!r}); print(flush=True); input()"
    streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", code], **streams) as child:
        assert child.stdout is not None
        child.stdout.readline()
        (pid,) = programs(child.pid)
        child.send_signal(end)
    limit = time.monotonic() + 10
    while "concat" in subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True).stdout:
        assert time.monotonic() < limit, "the program outlived murai"
        time.sleep(0.05)
