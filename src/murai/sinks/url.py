"""A live stream to a server: RTMP, RTSP, SRT or UDP."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from fractions import Fraction
from urllib.parse import urlsplit

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from murai.errors import Say, SinkError, silent
from murai.frame import Frame, StreamInfo
from murai.sinks import push
from murai.sinks.encode import Ticks, ToYuv, host, label

FORMATS = {"rtmp": "flv", "rtmps": "flv", "rtsp": "rtsp", "srt": "mpegts", "udp": "mpegts"}
"""The kinds of address, and what is sent there."""

KEYFRAME_SECONDS = 2.0
PATIENCE = 2.0
"""Seconds a write or a close waits for a server that does not take the pictures."""
FAREWELL = 0.5
"""Seconds a lost connection gets to say why."""
STEADY = 3.0
"""Seconds a connection must last to count as one."""
FIRST_DELAY, LAST_DELAY = 0.5, 15.0
"""Seconds before the first new attempt, doubled up to the last."""


class UrlSink:
    """Sends H.264 with little delay, a keyframe every 2 s, BT.709 limited range, without sound.

    When the server goes, or is not there yet, the pictures are dropped and counted in `dropped`, which is said once,
    and the connection is made anew with growing delays. No call waits longer than `PATIENCE` and `FAREWELL`. An odd
    width or height is scaled to the next even one. The user hears of the server by its scheme, host and port only: the
    rest of the address may be a password or a stream key. Nor does a command line show it, but for the `streamid` of
    SRT where PyAV was built without.

    Raises SinkError at construction for an address of another kind, and where nothing on the machine speaks SRT.
    """

    lossless = False
    essential = False

    def __init__(self, url: str, *, say: Say = silent) -> None:
        scheme, self.name = _public(url)
        self.dropped = 0
        if scheme == "srt" and not push.knows_srt() and shutil.which("ffmpeg") is None:
            raise SinkError(f"{self.name} needs the program ffmpeg, which speaks SRT: install it, or use rtmp://.")
        self._url = url
        self._format = FORMATS[scheme]
        self._say = say
        self._link: _Link | None = None
        self._lost = False
        self._delay = FIRST_DELAY
        self._next_try = 0.0
        self._unsaid = 0

    def open(self, info: StreamInfo) -> None:
        """Get ready. The connection is made with the first frame."""
        self._info = info
        self._size = (info.width + info.width % 2, info.height + info.height % 2)
        self._to_yuv = ToYuv(*self._size, "yuv420p")

    def write(self, frame: Frame) -> None:
        """Send one frame, or drop it while there is no server."""
        if self._link is None and time.monotonic() >= self._next_try:
            self._link = _Link(self._head(), self._encoder(), self._info)
        if self._link is None:
            self._drop()
            return
        try:
            self._link.send(frame, self._to_yuv(host(frame)))
        except OSError:
            self._lose()
            return
        if self._link.age > STEADY:
            self._hold()

    def close(self, complete: bool = True) -> None:
        """End the stream; a server that does not answer is left after `PATIENCE` seconds."""
        if self._link:
            self._link.close(PATIENCE)
        self._link = None

    def _lose(self) -> None:
        assert self._link is not None
        reason = self._link.close(FAREWELL)
        self._link = None
        self._drop()
        if not self._lost:
            self._say(
                f"The stream to {self.name} stopped ({reason}): trying again, its pictures are dropped meanwhile."
            )
        self._lost = True
        self._next_try = time.monotonic() + self._delay
        self._delay = min(2 * self._delay, LAST_DELAY)

    def _hold(self) -> None:
        if self._lost:
            self._say(f"The stream to {self.name} runs again, {self._unsaid} pictures were dropped.")
        self._lost, self._unsaid, self._delay = False, 0, FIRST_DELAY

    def _drop(self) -> None:
        self.dropped += 1
        self._unsaid += 1

    def _head(self) -> dict[str, object]:
        size = {"width": self._size[0], "height": self._size[1]}
        return {"url": self._url, "format": self._format, "time_base": str(self._info.time_base), **size}

    def _encoder(self) -> VideoCodecContext:
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height = self._size
        encoder.pix_fmt = "yuv420p"
        encoder.time_base, encoder.framerate = self._info.time_base, self._info.rate
        # Enough for painted pictures, and bounded: 3.3 Mbit/s at 1280x720 and 30 frames a second.
        most = str(max(500_000, round(0.12 * self._size[0] * self._size[1] * self._info.rate)))
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "forced-idr": "1"}
        encoder.options |= {"maxrate": most, "bufsize": most}
        label(encoder)
        return encoder


class _Link:
    """One connection: an encoder, and the program that sends what it makes."""

    def __init__(self, head: dict[str, object], encoder: VideoCodecContext, info: StreamInfo) -> None:
        self._encoder = encoder
        self._time_base = info.time_base
        self._ticks = Ticks(info.time_base, live=True)
        self._keyframe: Fraction | None = None
        self._began = time.monotonic()
        self._socket, theirs = socket.socketpair()
        with theirs:
            # -P: a file of the user's folder must not stand in for a library. A session of its own: Ctrl-C is ours.
            self._program = subprocess.Popen(
                [sys.executable, "-P", push.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._socket.settimeout(PATIENCE)
        self._unsent = json.dumps(head).encode() + b"\n"

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def send(self, frame: Frame, picture: av.VideoFrame) -> None:
        """Encode and send. Raises OSError when the connection has gone or is stuck."""
        picture.pts, picture.time_base = self._ticks(frame), self._time_base
        now = picture.pts * self._time_base
        if self._keyframe is None or now - self._keyframe >= KEYFRAME_SECONDS:
            picture.pict_type = PictureType.I
            self._keyframe = now
        for packet in self._encoder.encode(picture):
            data = bytes(packet)
            header = push.HEADER.pack(packet.pts, self._ticks.duration(frame), packet.is_keyframe, len(data))
            self._socket.sendall(self._unsent + header + data)
            self._unsent = b""

    def close(self, patience: float) -> str:
        """End the program, by force after `patience` seconds. Gives the reason it stopped, as far as it is known."""
        self._socket.close()
        try:
            self._program.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self._program.pid, signal.SIGKILL)
            self._program.wait()
        assert self._program.stderr is not None
        with self._program.stderr as stderr:
            reason = stderr.read().decode(errors="replace").strip()
        return reason if self._program.returncode == push.SERVER_WENT and reason else "no answer"


def _public(url: str) -> tuple[str, str]:
    """The scheme of an address, and as much of it as may be shown. Raises SinkError for one nothing can be sent to."""
    scheme = url.partition("://")[0].lower()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if scheme not in FORMATS or not host or (scheme in ("udp", "srt") and port is None):
        kinds = ", ".join(f"{name}://" for name in FORMATS)
        raise SinkError(f"This {scheme}:// address cannot be sent to: give HOST:PORT after one of {kinds}.")
    return scheme, f"{scheme}://{host}" + (f":{port}" if port else "")
