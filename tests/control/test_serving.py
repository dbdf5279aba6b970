"""The server: its port, and who opens too many connections."""

import asyncio
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

pytest.importorskip("starlette")
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect

from murai.control import serving
from murai.control.access import Address
from murai.control.serving import MOST_OF_ONE, Server
from murai.errors import ControlError


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(PlainTextResponse("here"), Address("127.0.0.1", 0), "A page")
    yield server
    server.close()


def is_open(connection: socket.socket, seconds: float = 0.2) -> bool:
    connection.settimeout(seconds)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def test_whoever_opens_too_many_connections_does_not_keep_others_out(server: Server) -> None:
    where = ("127.0.0.1", server.port)
    kept = [socket.create_connection(where, 5) for _ in range(MOST_OF_ONE)]
    refused = [socket.create_connection(where, 5) for _ in range(5)]
    try:
        assert not any(is_open(connection) for connection in refused)
        assert is_open(kept[0])
        assert is_open(kept[-1])
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
            assert other.get(f"http://127.0.0.1:{server.port}").text == "here"
    finally:
        for connection in kept + refused:
            connection.close()
    for _ in range(100):
        try:
            assert httpx.get(f"http://127.0.0.1:{server.port}").text == "here"
            return
        except httpx.TransportError:  # the last ones are not closed yet
            time.sleep(0.02)
    pytest.fail("nobody is let in any more")


async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    await asyncio.sleep(0.8)
    if scope["type"] == "websocket":
        return await send({"type": "websocket.send", "text": "here"})
    await PlainTextResponse("here")(scope, receive, send)


REQUEST = b"POST / HTTP/1.1\r\nHost: booth\r\n"


@pytest.mark.parametrize("said", [b"", REQUEST, REQUEST + b"Content-Length: 9\r\n\r\n1234"])
def test_whoever_opens_a_connection_and_sends_no_whole_request_is_sent_away(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(serving, "PATIENCE", 0.3)
    server = Server(slowly, Address("127.0.0.1", 0), "A page")
    try:
        with socket.create_connection(("127.0.0.1", server.port), 5) as silent:
            silent.sendall(said)
            assert not is_open(silent, 5)
        with httpx.Client() as patient:  # who asks in time waits as long as the answer takes, and may ask again
            for _ in range(2):
                assert patient.get(f"http://127.0.0.1:{server.port}").text == "here"
        with connect(f"ws://127.0.0.1:{server.port}") as listening:
            assert listening.recv(5) == "here"
    finally:
        server.close()


def test_a_port_that_is_taken_and_one_that_is_free_again(server: Server) -> None:
    with pytest.raises(ControlError, match="A page cannot listen at"):
        Server(PlainTextResponse(""), Address("127.0.0.1", server.port), "A page")
    server.close()
    again = Server(PlainTextResponse("again"), Address("127.0.0.1", server.port), "A page")
    assert httpx.get(f"http://127.0.0.1:{again.port}").text == "again"
    again.close()
