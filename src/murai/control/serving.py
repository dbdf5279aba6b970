"""A web application at an address of this machine, in a thread of its own. The only file that imports uvicorn."""

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from murai.control.access import Address, listening

LARGEST = 65_536
"""Bytes of a request or a message, above which it is refused."""
MOST, MOST_OF_ONE = 500, 300
"""Connections at once, of all and of one address, behind which a whole room may be; the next one is closed."""
PATIENCE = 10.0
"""Seconds in which a whole request has to arrive."""


class Server:
    """Serves `app` at `address` from construction to `close`; `kind` is what it is called where that cannot be.

    `port` is the one it listens at, also where `address` leaves that open. Raises ControlError where the port cannot be
    had.
    """

    def __init__(self, app: ASGIApp, address: Address, kind: str) -> None:
        listener = _listener(address, kind)
        self.port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            app,
            http=_Connection,
            log_config=None,
            log_level="critical",  # who sends garbage is answered, and fills no log
            access_log=False,
            lifespan="off",
            server_header=False,
            ws_max_size=LARGEST,
        )
        self._server = uvicorn.Server(config)
        name = f"murai {kind.lower()}"
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()


class _Connection(H11Protocol):
    """One of a bounded number: whoever opens more than that does not take the files away from the rest of us.

    Nor does who opens one and says nothing: it is closed unless a whole request arrives in time.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        of_one = sum(_who(other) == _who(self) for other in self.connections)
        if of_one > MOST_OF_ONE or len(self.connections) > MOST:
            transport.abort()
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()

    def handle_websocket_upgrade(self, event: Any) -> None:
        super().handle_websocket_upgrade(event)
        self._stop()

    def _wait(self) -> None:
        """For the next request."""
        self._stop()
        self._late = self.loop.call_later(PATIENCE, self._give_up)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()

    def _give_up(self) -> None:
        asked = self.cycle
        if asked is None or asked.more_body or asked.response_complete:
            self.transport.abort()


def _who(connection: object) -> str:
    """The address at the other end."""
    return str((getattr(connection, "client", None) or ("",))[0])


def _listener(address: Address, kind: str) -> socket.socket:
    # TCP is named, or asyncio would not send at once what is small: each answer would take 40 ms.
    listener = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listening(kind, address):
        try:
            listener.bind((address.host, address.port))
            listener.listen(64)
        except OSError:
            listener.close()
            raise
    return listener
