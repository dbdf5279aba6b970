"""Motion JPEG, looked at by FFmpeg, by a plain HTTP client, and by one who does not look."""

import socket
import threading
import urllib.error
import urllib.request
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import PIL.Image
import pytest

from murai.errors import SinkError
from murai.frame import Frame, StreamInfo
from murai.sinks import open_sink
from murai.sinks.mjpeg import MjpegSink
from tests.shows import eventually

INFO = StreamInfo(64, 48, Fraction(10), Fraction(1, 10), live=True)


def frame(index):
    return Frame(np.full((48, 64, 3), 10 * index, np.uint8), index, Fraction(1, 10), index)


@pytest.fixture
def sink():
    sink = MjpegSink("0")
    sink.open(INFO)
    yield sink
    sink.close()


def keep_writing(sink, until):
    """Frames 1, 2, 3 ... until the event comes."""

    def write():
        index = 0
        while not until.wait(0.02):
            index = index % 20 + 1
            sink.write(frame(index))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_ffmpeg_plays_it(sink):
    enough = threading.Event()
    keep_writing(sink, enough)
    with av.open(f"http://127.0.0.1:{sink.port}/", format="mpjpeg") as stream:
        pictures = [p.to_ndarray(format="rgb24") for p, _ in zip(stream.decode(video=0), range(5), strict=False)]
    enough.set()
    assert [p.shape for p in pictures] == [(48, 64, 3)] * 5
    assert all(p.std() < 2 for p in pictures)
    assert len({round(p.mean() / 10) for p in pictures}) >= 4


def test_the_still_is_the_newest_picture(sink):
    for index in (3, 7):
        sink.write(frame(index))
    with urllib.request.urlopen(f"http://127.0.0.1:{sink.port}/still.jpg", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        picture = np.asarray(PIL.Image.open(BytesIO(answer.read())))
    assert picture.shape == (48, 64, 3)
    assert abs(picture.mean() - 70) < 2


def test_other_paths_are_not_there(sink):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{sink.port}/../etc/passwd", timeout=10)


def test_nothing_is_compressed_while_nobody_looks_and_each_picture_once_for_all(sink, monkeypatch):
    made = []
    monkeypatch.setattr("murai.sinks.mjpeg._compressed", lambda frame: made.append(frame.index) or b"jpeg")
    for index in range(10):
        sink.write(frame(index))
    assert made == []
    address = f"http://127.0.0.1:{sink.port}/still.jpg"
    answers = [urllib.request.urlopen(address, timeout=10).read() for _ in range(3)]
    assert answers == [b"jpeg"] * 3
    assert made == [9]


def test_who_does_not_read_holds_up_nobody(sink):
    with socket.create_connection(("127.0.0.1", sink.port)) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(b"GET / HTTP/1.0\r\n\r\n")
        for index in range(2000):
            sink.write(frame(index % 20))  # would block for ever if it waited for the viewer
        with urllib.request.urlopen(f"http://127.0.0.1:{sink.port}/still.jpg", timeout=10) as answer:
            assert answer.status == 200


def test_who_leaves_is_forgotten(sink):
    enough = threading.Event()
    keep_writing(sink, enough)
    before = set(threading.enumerate())
    with socket.create_connection(("127.0.0.1", sink.port)) as viewer:
        viewer.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert viewer.recv(12) == b"HTTP/1.0 200"
    eventually(lambda: set(threading.enumerate()) <= before)
    enough.set()


def test_close_ends_every_viewer_and_frees_the_port():
    sink = MjpegSink("0")
    sink.open(INFO)
    port = sink.port
    sink.write(frame(1))
    stream = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
    assert stream.readline() == b"--picture\r\n"
    sink.close()
    assert stream.read().endswith(b"--picture--\r\n")
    again = MjpegSink(str(port))
    again.open(INFO)
    again.close()


def test_a_port_in_use_is_one_sentence(sink):
    with pytest.raises(SinkError, match="give another port"):
        MjpegSink(str(sink.port)).open(INFO)


@pytest.mark.parametrize("address", ["", "door", ":80", "70000", "host:"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SinkError, match="mjpeg:PORT"):
        open_sink(f"mjpeg:{address}")


def test_only_this_machine_sees_it_unless_asked():
    sink = open_sink("mjpeg:0")
    sink.open(INFO)
    assert sink._server.server_address[0] == "127.0.0.1"
    sink.close()
