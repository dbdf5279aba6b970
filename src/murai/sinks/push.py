"""A program of its own that sends H.264 to a server, started by `url.py`.

FFmpeg's network code can wait for minutes, and PyAV lets no other thread of the process run while it connects. Here it
can wait as long as it likes: whoever started this program ends it when it is late.

Standard input: one line of JSON (url, format, width, height, time_base), then for each picture `HEADER` and its bytes.
On failure the reason is one line on standard error, and nothing in it comes from the address.
"""

import json
import os
import struct
import subprocess
import sys
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.error

HEADER = struct.Struct(">qq?I")
"""Before each picture: its time and its duration in ticks, whether it is a keyframe, its length in bytes."""

OPTIONS = {
    "flv": {"flush_packets": "1", "flvflags": "no_duration_filesize"},
    "rtsp": {"rtsp_transport": "tcp"},
    "mpegts": {"flush_packets": "1"},
}
"""What each kind of stream is sent with: every picture at once."""

SERVER_WENT = 3
"""The exit code that says that standard error holds the reason."""


def push(stdin: BinaryIO) -> None:
    """Send what comes until the end of the input. Raises OSError or av.FFmpegError when the server goes."""
    head = json.loads(stdin.readline())
    if head["url"].startswith("srt:") and not knows_srt():
        with _ffmpeg(head["url"], head["format"]) as program:
            _send(stdin, head, program.stdin)
    else:
        _send(stdin, head, head["url"])


def _send(stdin: BinaryIO, head: dict[str, Any], target: Any) -> None:
    time_base = Fraction(head["time_base"])
    with av.open(target, "w", format=head["format"], container_options=OPTIONS[head["format"]]) as output:
        stream = output.add_mux_stream("h264", width=head["width"], height=head["height"], time_base=time_base)
        while len(header := stdin.read(HEADER.size)) == HEADER.size:
            pts, duration, is_keyframe, length = HEADER.unpack(header)
            packet = av.Packet(stdin.read(length))
            packet.stream, packet.time_base = stream, time_base
            packet.pts = packet.dts = pts
            packet.duration, packet.is_keyframe = duration, is_keyframe
            output.mux(packet)


def _ffmpeg(url: str, format: str) -> "subprocess.Popen[bytes]":
    """The ffmpeg program, which passes its standard input on: it speaks SRT where PyAV was built without."""
    at_once = ["-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0"]
    read = ["ffmpeg", "-loglevel", "quiet", *at_once, "-f", format, "-i", "pipe:0"]
    url, secret = _apart(url)
    # Everybody can read a command line: what encrypts the stream goes in as a file of options.
    options, ours = os.pipe()
    with open(ours, "w") as file:
        file.write(secret)
    preset = ["-fpre", f"/dev/fd/{options}"] if secret else []
    command = [*read, "-c", "copy", *preset, "-flush_packets", "1", "-f", format, url]
    program = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[options])
    os.close(options)
    return program


def _apart(url: str) -> tuple[str, str]:
    """The address without its passphrase, and that as a line of options, empty where there is none."""
    address, _, query = url.partition("?")
    options = query.split("&")
    secret = [option for option in options if option.startswith("passphrase=")]
    rest = "&".join(option for option in options if option not in secret)
    return f"{address}?{rest}" if rest else address, "\n".join(secret).replace("+", " ")


def knows_srt() -> bool:
    """Whether PyAV was built with SRT."""
    try:
        av.open("srt://")
    except av.error.ProtocolNotFoundError:
        return False
    except av.FFmpegError:
        return True
    return True


def main() -> int:
    """Run; `SERVER_WENT` where it did."""
    try:
        push(sys.stdin.buffer)
    except OSError as error:
        sys.stderr.write(error.strerror or "the connection broke")
        return SERVER_WENT
    except av.FFmpegError as error:
        sys.stderr.write(error.strerror or "")
        return SERVER_WENT
    return 0


if __name__ == "__main__":
    sys.exit(main())
