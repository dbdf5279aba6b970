"""Motion JPEG over HTTP: what any browser, OBS and many players show from an address, without a server program."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from socket import AF_INET, AF_INET6
from typing import Any

import PIL.Image

from murai.errors import SinkError
from murai.frame import Frame, StreamInfo
from murai.sinks.encode import host

QUALITY = 85
BOUNDARY = "picture"
STALLED = 5.0
"""Seconds after which one who takes no more pictures is let go."""


class MjpegSink:
    """Serves the pictures at `address`, [HOST:]PORT: /, the moving picture, and /still.jpg, the newest.

    Only this machine sees it where no host is given; 0.0.0.0 shows it to everybody who reaches the machine. Each viewer
    gets the newest picture as fast as it takes them, so a slow one holds up nobody. Nothing is compressed while nobody
    looks. `port` is where it listens, also for port 0, any that is free.

    Raises SinkError at birth for what is no address, from `open` where the port cannot be had.
    """

    lossless = False
    essential = False

    def __init__(self, address: str) -> None:
        host, colon, port = address.rpartition(":")
        if not port.isdigit() or int(port) > 65535 or (colon and not host):
            raise SinkError(f"mjpeg:{address} is no place to serve at; write mjpeg:PORT or mjpeg:HOST:PORT.")
        self._address = host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)
        self._server: ThreadingHTTPServer | None = None
        self._news = threading.Condition()  # guards the next four
        self._frame: Frame | None = None
        self._number = 0
        self._jpeg, self._made = b"", 0
        self._closed = False

    @property
    def port(self) -> int:
        """Where it listens, once it is open."""
        return int(self._server.server_address[1]) if self._server else self._address[1]

    def open(self, info: StreamInfo) -> None:
        """Begin to serve."""
        handler = type("Handler", (_Handler,), {"sink": self, "timeout": STALLED})
        kind = AF_INET6 if ":" in self._address[0] else AF_INET
        server = type("Server", (ThreadingHTTPServer,), {"address_family": kind, "daemon_threads": True})
        try:
            self._server = server(self._address, handler)
        except OSError as error:
            place = f"{self._address[0]}:{self._address[1]}"
            raise SinkError(f"mjpeg cannot serve at {place} ({error.strerror}); give another port.") from error
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="murai mjpeg", daemon=True).start()

    def write(self, frame: Frame) -> None:
        """Show `frame` to who looks."""
        with self._news:
            self._frame, self._number = frame, self._number + 1
            self._news.notify_all()

    def close(self, complete: bool = True) -> None:
        """Serve no more."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def newer(self, than: int) -> tuple[int, bytes]:
        """The number and the JPEG of a picture newer than number `than`; waits for it. Number 0 is the end."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._number > than)
            if self._closed or self._frame is None:
                return 0, b""
            if self._made != self._number:
                self._jpeg, self._made = _compressed(self._frame), self._number
            return self._number, self._jpeg


def _compressed(frame: Frame) -> bytes:
    file = BytesIO()
    PIL.Image.fromarray(host(frame)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


class _Handler(BaseHTTPRequestHandler):
    """One who looks, in a thread of its own."""

    sink: MjpegSink

    def do_GET(self) -> None:
        try:
            if self.path == "/still.jpg":
                self._still()
            elif self.path == "/":
                self._moving()
            else:
                self.send_error(404)
        except OSError:  # gone, or too slow for too long
            self.close_connection = True

    def _still(self) -> None:
        number, jpeg = self.sink.newer(0)
        if not number:
            return self.send_error(503)
        self._head("image/jpeg", {"Content-Length": str(len(jpeg))})
        self.wfile.write(jpeg)

    def _moving(self) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}", {"Connection": "close"})
        number, jpeg = self.sink.newer(0)
        while number:
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            number, jpeg = self.sink.newer(number)
        self.wfile.write(f"--{BOUNDARY}--\r\n".encode())

    def _head(self, kind: str, more: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Cache-Control": "no-store", **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing: a show has no log of its viewers."""
