"""What a login asks a person: on a terminal, where secrets are not shown, else line by line from standard input."""

import sys
import threading
from collections.abc import Callable
from getpass import getpass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, urlsplit

from murai.errors import DeliveryError, Say

LONGEST = 900.0
"""Seconds in which somebody has to agree."""
ARRIVED = b"murai is logged in; this page may be closed.\n"
HERE = ("localhost", "127.0.0.1", "::1")


def web_address(text: str) -> SplitResult:
    """The parts of an address. Raises DeliveryError where it is none."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if valid:
        return parts
    raise DeliveryError("that is no address; write it whole, such as https://example.org/pictures.")


def server_address(text: str) -> str:
    """The address of a server, https where nothing else is said. Raises DeliveryError where a password could be read
    on the way to it."""
    address = (text if "://" in text else f"https://{text}").rstrip("/")
    parts = web_address(address)
    if parts.scheme == "http" and parts.hostname not in HERE:
        raise DeliveryError(f"anybody on the way could read what is sent to {parts.hostname} by http; use https.")
    return address


class Questions:
    """Asks whoever starts murai. Raises DeliveryError where nothing is answered."""

    def __init__(self, say: Say) -> None:
        self.say = say

    def line(self, question: str, default: str = "") -> str:
        """The answer to `question`, `default` where it is empty and there is one."""
        text = f"{question} [{default}]: " if default else f"{question}: "
        return self._answer(text, lambda: input(text), default, empty=False)

    def secret(self, question: str, *, empty: bool = False) -> str:
        """An answer that the terminal does not show; `empty` where it may be."""
        return self._answer(question, lambda: getpass(f"{question}: "), "", empty=empty)

    def choice(self, question: str) -> str:
        """An answer that may be empty."""
        return self._answer(question, lambda: input(f"{question}: "), "", empty=True)

    def arrival(self, port: int) -> str:
        """The address at which the browser arrives at this machine's `port` after a login, or which is typed in."""
        arrived: SimpleQueue[str] = SimpleQueue()
        try:
            server = _listening(port, arrived.put)
        except OSError:  # somebody else has the port: the address can still be typed in
            server = None
        typing = threading.Thread(target=lambda: arrived.put(self._typed()), daemon=True)
        typing.start()
        try:
            while not (address := arrived.get(timeout=LONGEST)):
                if server is None:
                    raise DeliveryError("no address was given; log in again.")
            return address
        except Empty:
            raise DeliveryError(f"nobody agreed within {LONGEST / 60:g} minutes; log in again.") from None
        finally:
            if server is not None:
                server.shutdown()
                server.server_close()

    def _typed(self) -> str:
        return sys.stdin.readline().strip()

    def _answer(self, text: str, ask: Callable[[], str], default: str, *, empty: bool) -> str:
        try:
            given = ask() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        except EOFError:
            given = ""
        if answer := given.strip() or default:
            return answer
        if empty:
            return ""
        raise DeliveryError(f"nothing was said to '{text.strip(': ')}'; log in again.")


def _listening(port: int, arrive: Callable[[str], None]) -> ThreadingHTTPServer:
    """Hears of the one request that brings an answer."""

    class Arrival(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = "code=" in urlsplit(self.path).query or "error=" in urlsplit(self.path).query
            self.send_response(200 if asked else 404)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            if asked:
                self.wfile.write(ARRIVED)
                arrive(self.path)

        def log_message(self, format: str, *args: object) -> None:
            """The address has a code in it, which is nobody else's business."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Arrival)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
