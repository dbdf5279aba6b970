"""What a login asks: on a real terminal, from standard input, and by the browser."""

import io
import os
import pty
import sys
import threading
import time

import httpx
import pytest

from murai.errors import DeliveryError
from murai.publish import login
from murai.publish.login import Questions, server_address

from .kit import free_port

ASK = """
from murai.publish.login import Questions
ask = Questions(print)
print("got", ask.line("The server", "https://bsky.social"), ask.secret("The app password"))
"""


def told(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return Questions(lambda _: None)


def test_line_by_line_from_standard_input(monkeypatch):
    ask = told(monkeypatch, "one\n\n  two  \n\n")
    assert ask.line("First") == "one"
    assert ask.line("Second", "usual") == "usual"
    assert ask.secret("Third") == "two"
    assert ask.choice("Fourth") == ""
    assert ask.secret("Fifth", empty=True) == ""
    with pytest.raises(DeliveryError, match="'Sixth'"):
        ask.secret("Sixth")


def test_a_terminal_does_not_show_a_secret():
    child, terminal = pty.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    seen = b""
    try:
        for prompt, answer in ((b"bsky.social]: ", b"\n"), (b"password: ", b"correct-horse\n"), (b"got", b"")):
            while prompt not in seen:
                seen += os.read(terminal, 1000)
            time.sleep(0.1)
            os.write(terminal, answer)
        time.sleep(0.1)
        seen += os.read(terminal, 1000) if b"horse" not in seen.partition(b"got")[2] else b""
    except OSError:  # the child has gone
        pass
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    before, _, after = seen.partition(b"got")
    assert b"horse" not in before
    assert b"https://bsky.social correct-horse" in after


@pytest.fixture
def silent_input(monkeypatch):
    """A terminal on which nobody types."""
    reading, writing = os.pipe()
    stdin = os.fdopen(reading)
    monkeypatch.setattr(sys, "stdin", stdin)
    typed = os.fdopen(writing, "w")
    yield typed
    typed.close()


def test_the_browser_arrives(silent_input):
    port, ask = free_port(), Questions(lambda _: None)

    def browse():
        for _ in range(200):
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/favicon.ico").status_code == 404
                break
            except httpx.ConnectError:
                time.sleep(0.02)
        assert httpx.get(f"http://127.0.0.1:{port}/?state=a&code=b").status_code == 200

    browser = threading.Thread(target=browse)
    browser.start()
    assert ask.arrival(port) == "/?state=a&code=b"
    browser.join()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")


def test_the_address_is_typed_in(silent_input):
    silent_input.write("http://127.0.0.1:8459/?state=a&code=b\n")
    silent_input.flush()
    assert Questions(lambda _: None).arrival(free_port()) == "http://127.0.0.1:8459/?state=a&code=b"


def test_servers_are_spoken_to_in_secret():
    assert server_address("mastodon.social/") == server_address("https://mastodon.social") == "https://mastodon.social"
    for here in ("http://localhost:3000", "http://127.0.0.1:80", "http://[::1]"):
        assert server_address(here) == here
    for wrong in ("http://mastodon.social", "http://[x", "ftp://a.org", "http://a:b", ""):
        with pytest.raises(DeliveryError, match=r"use https|no address"):
            server_address(wrong)


def test_nobody_agrees(silent_input, monkeypatch):
    monkeypatch.setattr(login, "LONGEST", 0.05)
    with pytest.raises(DeliveryError, match="nobody agreed"):
        Questions(lambda _: None).arrival(free_port())


def test_somebody_else_has_the_port(silent_input, between):
    port = int(between().url.rpartition(":")[2])
    silent_input.write("\n")
    silent_input.flush()
    with pytest.raises(DeliveryError, match="no address"):
        Questions(lambda _: None).arrival(port)
