"""Telling systemd that the show goes on, so that it is started again where it does not (sd_notify)."""

import socket
import time
from collections.abc import Callable


def notify(address: str, message: str) -> None:
    """Send `message` to the service manager at `address`, as NOTIFY_SOCKET has it; no one there is no trouble."""
    place = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(message.encode(), place)
        except OSError:
            return


class Watchdog:
    """Tells the manager at `address` at most every `seconds` that the show goes on: when `progress` has changed.

    `progress` is anything that differs from one sign of life to the next, such as how many pictures were painted.
    """

    def __init__(self, address: str, seconds: float, progress: Callable[[], object]) -> None:
        self._address, self._seconds, self._progress = address, seconds, progress
        self._last: object = None
        self._next = 0.0

    def tick(self) -> None:
        """To be called again and again."""
        now = time.monotonic()
        if now < self._next or (alive := self._progress()) == self._last:
            return
        notify(self._address, "READY=1" if self._last is None else "WATCHDOG=1")
        self._last, self._next = alive, now + self._seconds
