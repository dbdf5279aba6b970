"""Small videos, and a way to look at what was written."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from murai.frame import Frame, StreamInfo

TICK = Fraction(1, 12800)


def picture(width: int, height: int, number: int = 0) -> np.ndarray:
    """Smooth, and different for every number."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 200 // width + number, y * 200 // height + number, 0 * x + 10 * number]
    return np.stack(planes, axis=2).astype(np.uint8)


def frames(
    count: int, size: tuple[int, int] = (64, 48), *, step: int = 512, first: int = 0, tick: Fraction = TICK
) -> Iterator[Frame]:
    for number in range(count):
        yield Frame(picture(*size, number), first + number * step, tick, number, step)


def info(size: tuple[int, int] = (64, 48), **changes: Any) -> StreamInfo:
    return StreamInfo(*size, **{"rate": Fraction(25), "time_base": TICK, **changes})


def write(sink: Any, info: StreamInfo, pictures: Iterable[Frame], complete: bool = True) -> None:
    sink.open(info)
    for frame in pictures:
        sink.write(frame)
    sink.close(complete)


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def rgb(frame: av.VideoFrame) -> np.ndarray:
    """What a player shows that believes the labels."""
    return frame.to_ndarray(format="rgb24", src_colorspace=frame.colorspace)


def packets(path: Path, audio: int = 0) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=audio) if packet.size]


def probe(path: Path, *entries: str) -> list[dict[str, Any]]:
    """What ffprobe says of every stream of a file."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path), *entries]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]


@dataclass
class Film:
    """A video with sound, and its frames as a source would give them."""

    path: Path
    info: StreamInfo
    frames: list[Frame]


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


def read_film(path: Path) -> Film:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        width, height = stream.width, stream.height
        read = [
            Frame(picture.to_ndarray(format="rgb24"), picture.pts, stream.time_base, number, picture.duration)
            for number, picture in enumerate(container.decode(stream))
        ]
        assert stream.time_base
        rate = stream.average_rate or Fraction(25)
        return Film(path, StreamInfo(width, height, rate, stream.time_base, path=path), read)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """25 frames in one second, with two streams of sound, the first in stereo and half a second longer."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1"),
        *("-f", "lavfi", "-i", "aevalsrc=sin(440*2*PI*t)|cos(880*2*PI*t):d=1.5"),
        *("-f", "lavfi", "-i", "sine=220:duration=0.8"),
        *("-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
        *("-metadata:s:a:0", "language=jpn", "-c:a", "aac", path),
    )
    return read_film(path)
