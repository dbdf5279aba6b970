"""The stream sink against real servers: ffmpeg listening on this machine."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from murai.errors import SinkError
from murai.frame import Frame
from murai.sinks.url import PATIENCE, UrlSink
from tests.sinks.conftest import TICK, decoded, info, picture, probe, rgb

SECRET = "s3cret"
SIZE = (64, 48)
COLOR = (200, 120, 40)


def speaks(protocol: str) -> bool:
    program = shutil.which("ffmpeg")
    if program is None or protocol == "rtsp":  # which ffmpeg counts among its formats and always has
        return program is not None
    return protocol in subprocess.check_output([program, "-v", "quiet", "-protocols"], text=True)


def free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        return int(probing.getsockname()[1])


def listen(arguments: list[str], out: Path) -> "subprocess.Popen[bytes]":
    """A server that keeps what it gets, frame by frame."""
    at_once = ["-analyzeduration", "300000", "-probesize", "20000"]
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        *at_once,
        *arguments,
        "-c",
        "copy",
        "-flush_packets",
        "1",
        "-f",
        "mpegts",
        str(out),
    ]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def rtmp(port: int, out: Path) -> "subprocess.Popen[bytes]":
    server = listen(["-listen", "1", "-f", "flv", "-i", f"rtmp://127.0.0.1:{port}/live/{SECRET}"], out)
    # It serves one caller only, so that it cannot be asked: the system can.
    while f":{port:04X} 00000000:0000 0A" not in Path("/proc/net/tcp").read_text():
        assert server.poll() is None
        time.sleep(0.02)
    return server


def srt(port: int, out: Path) -> "subprocess.Popen[bytes]":
    return listen(["-f", "mpegts", "-i", f"srt://127.0.0.1:{port}?mode=listener"], out)


def rtsp(port: int, out: Path) -> "subprocess.Popen[bytes]":
    return listen(["-rtsp_flags", "listen", "-i", f"rtsp://127.0.0.1:{port}/live"], out)


def udp(port: int, out: Path) -> "subprocess.Popen[bytes]":
    return listen(["-f", "mpegts", "-timeout", "3000000", "-i", f"udp://127.0.0.1:{port}"], out)


def stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


class Show:
    """Frames at 25 a second, as long as they are wanted."""

    def __init__(self, sink: UrlSink) -> None:
        self.sink = sink
        self.sent = 0
        self.random = np.random.default_rng(0)
        self.slowest = 0.0

    def run(self, until: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "it never came to pass"
            image = self.random.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)  # many bytes, so that they move soon
            image[:16] = COLOR
            began = time.monotonic()
            self.sink.write(Frame(image, self.sent * 512, TICK, self.sent, 512))
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.sent += 1
            time.sleep(0.04)


def holds(path: Path, size: int = 40_000) -> Callable[[], bool]:
    """Whether a server has kept so many bytes."""
    return lambda: path.exists() and path.stat().st_size > size


ADDRESSES = {
    "rtmp": (rtmp, "rtmp://127.0.0.1:{port}/live/" + SECRET),
    "srt": (srt, "srt://127.0.0.1:{port}"),
    "rtsp": (rtsp, "rtsp://127.0.0.1:{port}/live"),
    "udp": (udp, "udp://127.0.0.1:{port}?pkt_size=1316"),
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_server_gets_the_pictures(tmp_path: Path, kind: str) -> None:
    if not speaks(kind):
        pytest.skip(f"the ffmpeg here does not speak {kind}")
    receive, address = ADDRESSES[kind]
    port, kept = free_port(), tmp_path / "kept.ts"
    server = receive(port, kept)
    sink = UrlSink(address.format(port=port))
    sink.open(info(SIZE, live=True))
    show = Show(sink)
    try:
        show.run(holds(kept))
    finally:
        sink.close()
        stop(server)
    read = decoded(kept)
    assert len(read) > 8
    assert np.abs(rgb(read[-1])[2:12, 2:-2].astype(int) - COLOR).max() <= 12
    steps = {round((after.pts - before.pts) * after.time_base * 1000) for before, after in pairwise(read[5:])}
    assert steps <= {40, 80}
    (stream,) = probe(kept)
    assert stream["codec_name"] == "h264"
    assert stream["color_space"] == stream["color_primaries"] == "bt709"
    assert stream["color_range"] == "tv"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="command lines are seen in /proc")
def test_an_encrypted_stream_is_sent_and_no_command_line_shows_its_passphrase(tmp_path: Path) -> None:
    if not speaks("srt"):
        pytest.skip("the ffmpeg here does not speak srt")
    port, kept, secret = free_port(), tmp_path / "kept.ts", SECRET * 3
    address = f"srt://127.0.0.1:{port}?passphrase={secret}"
    server = listen(["-f", "mpegts", "-i", f"{address}&mode=listener"], kept)
    sink = UrlSink(f"{address}&pbkeylen=16")
    sink.open(info(SIZE, live=True))
    shown = {str(server.pid)}
    try:
        Show(sink).run(holds(kept))
        shown |= {path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if secret in seen_in(path)}
    finally:
        sink.close()
        stop(server)
    assert shown == {str(server.pid)}, "only the server of this test shows it"
    assert len(decoded(kept)) > 8


def seen_in(path: Path) -> str:
    """A command line, empty where the process has ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_a_server_that_dies_and_comes_back_gets_the_pictures_again(tmp_path: Path) -> None:
    port, said = free_port(), list[str]()
    server = rtmp(port, tmp_path / "first.ts")
    sink = UrlSink(f"rtmp://user:{SECRET}@127.0.0.1:{port}/live/{SECRET}", say=said.append)
    sink.open(info(SIZE, live=True))
    show = Show(sink)
    try:
        show.run(holds(tmp_path / "first.ts"))
        server.kill()
        server.wait()
        show.run(lambda: sink.dropped > 10)
        server = rtmp(port, tmp_path / "second.ts")
        show.run(holds(tmp_path / "second.ts"))
        show.run(lambda: any("again," in sentence and "runs" in sentence for sentence in said))
    finally:
        sink.close()
        stop(server)
    assert len(decoded(tmp_path / "second.ts")) > 5
    assert len(said) == 2
    assert f"rtmp://127.0.0.1:{port} stopped" in said[0]
    assert f"{sink.dropped} pictures were dropped" in said[1]
    assert SECRET not in "".join(said)


def test_a_server_that_is_not_there_is_said_once_and_costs_little_time() -> None:
    said: list[str] = []
    sink = UrlSink(f"rtmp://127.0.0.1:{free_port()}/live/{SECRET}", say=said.append)
    sink.open(info(SIZE, live=True))
    show = Show(sink)
    show.run(lambda: sink.dropped > 60)
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < PATIENCE + 2
    assert show.slowest < PATIENCE + 2
    assert len(said) == 1
    assert "Connection refused" in said[0]
    assert SECRET not in said[0]


def test_a_server_that_takes_the_call_and_nothing_more_blocks_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        sink = UrlSink(f"rtmp://127.0.0.1:{deaf.getsockname()[1]}/live/{SECRET}")
        sink.open(info((320, 240), live=True))
        random = np.random.default_rng(0)
        began = time.monotonic()
        for number in range(200):
            image = random.integers(0, 255, (240, 320, 3), np.uint8)
            sink.write(Frame(image, number * 512, TICK, number, 512))
        sink.close()
        assert time.monotonic() - began < 6 * PATIENCE
    assert sink.dropped > 0


def test_a_keyframe_comes_every_two_seconds_of_the_show(tmp_path: Path) -> None:
    port, kept = free_port(), tmp_path / "kept.ts"
    server = rtmp(port, kept)
    sink = UrlSink(f"rtmp://127.0.0.1:{port}/live/{SECRET}")
    sink.open(info(SIZE, live=True))
    try:
        for number in range(30):  # five frames a second where 25 were promised
            sink.write(Frame(picture(*SIZE, number), number * 2560, TICK, number, 2560))
            time.sleep(0.03)
        sink.close()
        server.wait(20)
    finally:
        stop(server)
    keys = [frame.pts * frame.time_base for frame in decoded(kept) if frame.key_frame]
    assert [after - before for before, after in pairwise(keys)] == [Fraction(2)] * 2


def test_an_odd_size_is_sent_as_the_next_even_one(tmp_path: Path) -> None:
    port, kept = free_port(), tmp_path / "kept.ts"
    server = rtmp(port, kept)
    sink = UrlSink(f"rtmp://127.0.0.1:{port}/live/{SECRET}")
    sink.open(info((35, 37), live=True))
    try:
        for number in range(10):
            sink.write(Frame(picture(35, 37, number), number * 512, TICK, number, 512))
        sink.close()
        server.wait(20)
    finally:
        stop(server)
    assert {(frame.width, frame.height) for frame in decoded(kept)} == {(36, 38)}


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "rtmp://", "rtmp:///live/key", "udp://host", "rtmp://host:99999/x", "rtmp://[::1/x"]
)
def test_an_address_nothing_can_be_sent_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(SinkError, match="HOST:PORT"):
        UrlSink(url)
