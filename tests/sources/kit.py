"""Small videos made on the spot, and servers on localhost."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from murai.frame import Frame


def picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Four flat quarters: red, green, blue, and a grey that tells the index."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (220, 30, 30)
    image[: height // 2, width // 2 :] = (30, 200, 30)
    image[height // 2 :, : width // 2] = (30, 30, 220)
    image[height // 2 :, width // 2 :] = 40 + 5 * (index % 40)
    return image


def make_video(
    path: Path,
    times: list[int],
    *,
    tick: Fraction = Fraction(1, 10),
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    sound: bool = False,
    gop: int = 10,
) -> Path:
    """A video with a frame at each of `times` (in ticks)."""
    with av.open(path, "w", options=options or {}) as out:
        stream = out.add_stream(codec, rate=round(1 / tick))
        stream.width, stream.height, stream.pix_fmt = *size, {"mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
        stream.time_base = stream.codec_context.time_base = tick
        stream.gop_size = gop
        if rotation:
            stream.set_display_rotation(rotation)
        song = out.add_stream("aac", rate=8000) if sound else None
        for index, pts in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), "rgb24")
            frame.pts, frame.time_base = pts, tick
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if song:
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.sample_rate, samples.pts = 8000, 0
            out.mux(song.encode(samples))
            out.mux(song.encode())
    return path


def grey(frame: Frame) -> int:
    """Which picture it was, by the grey of its last quarter."""
    return round((float(frame.image[-8:, -8:].mean()) - 40) / 5)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """An ffmpeg that plays a moving picture to whoever comes."""

    def __init__(self, *arguments: str, seconds: int = 30, gop: int = 10) -> None:
        picture = ["-re", "-f", "lavfi", "-i", f"testsrc2=size=64x48:rate=20:duration={seconds}"]
        encode = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(gop)]
        encode += ["-pix_fmt", "yuv420p", "-threads", "1"]
        self._process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error", *picture, *encode, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def pause(self) -> None:
        """Keep the connection and say nothing more."""
        self._process.send_signal(signal.SIGSTOP)

    @property
    def dead(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def wait_for_port(port: int, seconds: float = 10) -> None:
    """Until somebody listens at a TCP port, without connecting: an ffmpeg serves one visitor only."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens at {port}")


def closed_from_another_thread(close: Callable[[], None], after: float = 0.3) -> threading.Thread:
    """Calls `close` a little later."""
    thread = threading.Timer(after, close)
    thread.start()
    return thread
