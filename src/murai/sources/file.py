"""A video or picture file as a source."""

import re
import threading
import time
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from murai.errors import Say, SourceError, silent
from murai.frame import Frame, StreamInfo
from murai.sources.decoding import Decoding, Timeline, decoding, frame_rate, reason, video_stream
from murai.sources.picture import is_picture, read_picture

USUAL_RATE = Fraction(25)


class FileSource:
    """Anything FFmpeg or Pillow reads, frame by frame, once, as fast as it is asked.

    Frames come in presentation order with the exact `pts` and `time_base` of the file; a variable rate stays
    variable. `info.width` and `info.height` hold after rotation. Pixels that are not square are left as they are.
    A picture is a video of one frame at time 0. Where the file is cut short or damaged, what can be read is given
    and `say` is told what was lost. With `on_card` a card decodes, and frames are tensors there.

    Raises SourceError at birth for a file that is missing, may not be read, or has no picture to show.
    """

    live = False

    def __init__(self, path: str | Path, *, say: Say = silent, on_card: bool = False) -> None:
        self._decoding = decoding(on_card, say)
        self.info: StreamInfo
        self._path = Path(path)
        self._say = say
        self._lock = threading.Lock()
        self._closed = threading.Event()
        _check(self._path)
        self._frames = self._picture() if is_picture(self._path) else self._video()
        self._first = next(self._frames, None)
        if self._first is None:
            raise SourceError(f"{self._path} has no frame that can be decoded; make the file again or take another.")

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        """Stop reading and free the file; a thread that is just reading it frees it when its frame is done."""
        self._closed.set()
        self._release()

    def _next(self) -> Frame | None:
        with self._lock:
            frame = None
            if not self._closed.is_set():
                frame, self._first = self._first or next(self._frames, None), None
        if self._closed.is_set():
            self._release()
            return None
        return frame

    def _release(self) -> None:
        # FFmpeg crashes when a file is freed under a thread that is reading it: whoever holds the lock frees it later.
        if self._lock.acquire(blocking=False):
            self._frames.close()
            self._lock.release()

    def _picture(self) -> Generator[Frame, None, None]:
        image = read_picture(self._path)
        frame = Frame(image, 0, 1 / USUAL_RATE, 0, duration=1)
        self.info = StreamInfo(frame.width, frame.height, USUAL_RATE, frame.time_base, frames=1)
        yield frame

    def _video(self) -> Generator[Frame, None, None]:
        with _open(self._path, self._decoding) as container:
            stream = video_stream(container)
            if stream is None or container.format.name == "tty":  # FFmpeg plays any text file as a terminal
                raise SourceError(f"{self._path} has no video that can be decoded; take another file.")
            decoder = _Decoder(container, stream)
            for index, (decoded, pts, duration, captured) in enumerate(decoder):
                frame = Frame(self._decoding(decoded), pts, decoder.tick, index, duration, captured)
                if index == 0:
                    size = frame.width, frame.height
                    self.info = StreamInfo(*size, decoder.rate, decoder.tick, path=self._path, frames=decoder.expected)
                yield frame
            if decoder.loss:
                self._say(f"{self._path} is damaged or cut short: {decoder.loss}.")


class _Decoder:
    """Decodes one stream, steps over what is damaged, and knows afterwards what was lost."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        assert stream.time_base is not None
        self._container = container
        self._stream = stream
        self._avi = container.format.name == "avi"
        self.tick = stream.time_base
        # The mean rate of an AVI is that of its ticks, of which a frame may take many.
        self.rate = (self._avi and stream.guessed_rate) or frame_rate(stream, USUAL_RATE)
        self._step = max(1, round(1 / (self.rate * self.tick)))
        self._promised = _promised_seconds(container, stream)
        self._frames = 0 if self._avi else stream.frames  # an AVI counts ticks, whether they show a new picture or not
        self._end = (stream.start_time or 0) + (stream.duration or 0)
        self.expected = self._frames or (round(self._promised * self.rate) if self._promised else None)
        self._late: int | None = None
        self._count = 0
        self._damaged = 0
        self._reached = Fraction(0)
        self._failure = ""

    def __iter__(self) -> Iterator[tuple[VideoFrame, int, int, float]]:
        """Decoded frames, each with its time and duration in ticks and the moment its packet was read."""
        timeline = Timeline(self._step)
        start = min(0, self._stream.start_time or 0)
        try:
            for packet in self._container.demux(self._stream):
                captured = time.monotonic()
                for decoded in self._decode(packet):
                    stamp, duration = self._times(decoded)
                    pts = timeline.place(stamp, duration)
                    self._count += 1
                    if self._count == self._frames and self._end > pts:
                        duration = self._end - pts  # with B-frames the decoder has that of another frame
                    self._reached = (pts + duration - start) * self.tick
                    yield decoded, pts, duration, captured
        except av.FFmpegError as error:
            self._failure = f" ({reason(error)})"

    def _times(self, decoded: VideoFrame) -> tuple[int | None, int]:
        """The time and duration of a frame as the container has them."""
        if not self._avi:
            return decoded.pts, decoded.duration or 0
        # AVI knows no presentation times, and those FFmpeg makes up run backwards around B-frames. The decoding time
        # at which a frame came out is right but for the delay of the first.
        if self._late is None:
            self._late = decoded.dts
        return None if decoded.dts is None or self._late is None else decoded.dts - self._late, self._step

    def _decode(self, packet: "av.Packet[VideoStream]") -> list[VideoFrame]:
        try:
            return packet.decode()
        except av.FFmpegError:
            self._damaged += 1
            return []

    @property
    def loss(self) -> str:
        """What could not be read, as a clause; empty when all is well. Known after the last frame."""
        all_frames = self._frames and self._count >= self._frames
        missing = 0 if all_frames or not self._promised else self._promised - float(self._reached)
        if missing > 0.1 + 2 / self.rate:
            of_frames = f"{self._count} of about {self.expected} frames"
            return (
                f"{of_frames} could be read, {float(self._reached):.1f} of {self._promised:.1f} seconds{self._failure}"
            )
        if self._failure:
            return f"it could not be read beyond {self._count} frames{self._failure}"
        return f"{self._damaged} pieces could not be decoded and were left out" if self._damaged else ""


def _promised_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the pictures last according to the container."""
    # FFmpeg shortens the duration of an AVI that was cut to what is left, but not the number in its header.
    ticks = (container.format.name == "avi" and stream.frames) or stream.duration
    if ticks and stream.time_base:
        return float(ticks * stream.time_base)
    if tag := re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d*)?)", stream.metadata.get("DURATION", "")):  # of Matroska
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def _check(path: Path) -> None:
    if path.is_dir():
        raise SourceError(f"{path} is a folder; give a video or picture file.")
    if path.is_char_device():
        raise SourceError(f"{path} is a device, not a file; for a camera write camera:{path}.")
    if not path.exists():
        raise SourceError(f"There is no file {path}; check the name.")
    if not path.is_file():
        raise SourceError(f"{path} is not an ordinary file; save the video to one first.")


def _open(path: Path, decoding: Decoding) -> InputContainer:
    try:
        return decoding.open(path, metadata_errors="replace")
    except (av.error.InvalidDataError, av.error.EOFError):
        raise SourceError(f"{path} is not a video that FFmpeg knows, or was never finished; take another.") from None
    except av.FFmpegError as error:
        raise SourceError(f"{path} cannot be opened: {reason(error)}.") from error
