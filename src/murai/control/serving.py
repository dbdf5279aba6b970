"""A web application at an address of this machine, in a thread of its own. The only file that imports uvicorn."""

import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from murai.control.access import Address, listening

LARGEST = 65_536
"""Bytes of a request or a message, above which it is refused."""


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
