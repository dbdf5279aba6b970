"""Network streams from real servers on localhost."""

import http.server
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.errors import SourceError, StreamLost
from murai.frame import Frame
from murai.sources.url import UrlSource, public_name
from tests.sources.kit import Server, closed_from_another_thread, free_port, grey, make_video, wait_for_port

Serve = Callable[..., Server]
LISTENING = {
    "rtmp": ("rtmp://127.0.0.1:{}/live/show", ("-f", "flv", "-listen", "1")),
    "http": ("http://127.0.0.1:{}/show.ts", ("-f", "mpegts", "-listen", "1")),
    "motion jpeg": ("http://127.0.0.1:{}/show.mjpg", ("-c:v", "mjpeg", "-f", "mpjpeg", "-listen", "1")),
}


def listen(serve: Serve, kind: str) -> tuple[str, Server]:
    port = free_port()
    pattern, arguments = LISTENING[kind]
    url = pattern.format(port)
    server = serve(*arguments, url)
    wait_for_port(port)
    return url, server


def check_times(frames: list[Frame]) -> None:
    assert all(a.pts < b.pts and a.index + 1 == b.index and a.captured <= b.captured for a, b in pairwise(frames))
    spans = sorted(b.time - a.time for a, b in pairwise(frames))
    assert spans[len(spans) // 2] == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("kind", LISTENING)
def test_a_stream_is_read_live(serve: Serve, kind: str) -> None:
    url, _ = listen(serve, kind)
    source = UrlSource(url)
    frames = list(islice(source, 30))
    source.close()
    assert (source.live, source.info.live, source.info.width, source.info.height) == (True, True, 64, 48)
    check_times(frames)


def test_udp_is_read_live(serve: Serve) -> None:
    url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    serve("-f", "mpegts", f"{url}?pkt_size=1316")
    source = UrlSource(url)
    check_times(list(islice(source, 20)))
    source.close()


@pytest.fixture
def rtsp() -> Iterator[Callable[..., str]]:
    python = shutil.which("python3", path="/usr/bin")
    servers: list[subprocess.Popen[bytes]] = []

    def start(*account: str) -> str:
        port = free_port()
        check = [python, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
        if python is None or subprocess.run(check, capture_output=True).returncode:
            pytest.skip("GStreamer's RTSP server is not installed (gir1.2-gst-rtsp-server-1.0, python3-gi)")
        servers.append(subprocess.Popen([python, str(Path(__file__).with_name("rtsp_server.py")), str(port), *account]))
        wait_for_port(port)
        return f"{':'.join(account)}{'@' if account else ''}127.0.0.1:{port}/live"

    yield start
    for server in servers:
        server.kill()
        server.wait()


def test_rtsp_is_read_live(rtsp: Callable[..., str]) -> None:
    source = UrlSource(f"rtsp://{rtsp()}")
    check_times(list(islice(source, 30)))
    source.close()


def test_rtsp_takes_a_password_and_never_repeats_it(rtsp: Callable[..., str]) -> None:
    address = rtsp("guest", "very-secret")
    source = UrlSource(f"rtsp://{address}")
    assert len(list(islice(source, 5))) == 5
    source.close()
    with pytest.raises(SourceError, match="401") as caught:
        UrlSource("rtsp://" + address.replace("very-secret", "wrong-secret"))
    assert "secret" not in str(caught.value)
    assert "guest" not in str(caught.value)


def test_the_end_of_a_live_stream_is_a_loss(serve: Serve) -> None:
    url, server = listen(serve, "rtmp")
    source = UrlSource(url)
    next(iter(source))
    server.kill()
    with pytest.raises(StreamLost, match=r"has ended|stopped"):
        list(source)
    source.close()


def test_a_stream_that_stalls_is_a_loss(serve: Serve) -> None:
    url, server = listen(serve, "rtmp")
    source = UrlSource(url, timeout=1.0)
    next(iter(source))
    server.pause()
    with pytest.raises(StreamLost, match=r"nothing for 1 seconds|stopped"):
        list(source)
    source.close()


@pytest.mark.parametrize("kind", LISTENING)
def test_closing_from_another_thread_wakes_a_blocked_read(serve: Serve, kind: str) -> None:
    url, server = listen(serve, kind)
    source = UrlSource(url, timeout=30)
    next(iter(source))
    server.pause()
    closing = closed_from_another_thread(source.close, after=1.0)
    started = time.monotonic()
    list(source)
    assert time.monotonic() - started < 10, "the reader waited for its timeout"
    closing.join()


@pytest.fixture
def mute() -> Iterator[int]:
    """A server that accepts whoever comes and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "http", "tcp"])
def test_a_server_that_never_answers_is_given_up(mute: int, scheme: str) -> None:
    with pytest.raises(SourceError, match=rf"{scheme}://127.0.0.1:{mute}/a cannot be opened"):
        UrlSource(f"{scheme}://user:secret@127.0.0.1:{mute}/a?key=secret", timeout=0.5)


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "http"])
def test_nobody_there_is_said_at_once(scheme: str) -> None:
    with pytest.raises(SourceError, match="Connection refused; check the address"):
        UrlSource(f"{scheme}://127.0.0.1:{free_port()}/a")


def test_the_interpreter_exits_while_a_read_hangs(serve: Serve) -> None:
    url, server = listen(serve, "rtmp")
    code = (
        "import sys; from murai.sources.url import UrlSource; from itertools import islice\n"
        f"s = UrlSource({url!r}, timeout=60); print(len(list(islice(s, 5)))); sys.stdout.flush()\n"
        "sys.stdin.read()"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "5\n"
    server.pause()
    time.sleep(0.3)
    child.communicate(timeout=10)
    assert child.returncode == 0


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_a_file_on_a_web_server_is_read_whole_and_ends(tmp_path: Path, web: str, ending: str) -> None:
    options = {"movflags": "faststart"} if ending == "mp4" else {}
    make_video(tmp_path / f"a.{ending}", list(range(30)), options=options)
    source = UrlSource(f"{web}/a.{ending}")
    frames = []
    for frame in source:
        time.sleep(0.002)  # a slow reader loses nothing
        frames.append(grey(frame))
    assert frames == list(range(30))
    assert not source.live


def test_what_is_not_there_or_no_video_is_said(tmp_path: Path, web: str) -> None:
    with pytest.raises(SourceError, match="404"):
        UrlSource(f"{web}/nothing.mp4")
    (tmp_path / "page.html").write_text("<html>hello</html>" * 100)
    with pytest.raises(SourceError, match="no video that FFmpeg knows"):
        UrlSource(f"{web}/page.html")
    with av.open(tmp_path / "song.wav", "w") as out:
        out.add_stream("pcm_s16le", rate=8000)
        out.start_encoding()
    with pytest.raises(SourceError, match=r"no video|ended before"):
        UrlSource(f"{web}/song.wav")


words = st.text(st.characters(categories=("Ll", "Nd")), min_size=4, max_size=12)


@given(user=words, password=words, key=words)
def test_no_message_ever_holds_a_credential(user: str, password: str, key: str) -> None:
    shown = public_name(f"rtsp://USER{user}:PASS{password}@camera.example:554/stream?token=KEY{key}#FRAG")
    assert shown == "rtsp://camera.example:554/stream"


def test_a_url_that_makes_no_sense_is_refused_without_repeating_it() -> None:
    with pytest.raises(SourceError, match="cannot be understood") as caught:
        public_name("rtsp://me:secret@host:port/x")
    assert "secret" not in str(caught.value)
