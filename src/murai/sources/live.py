"""What a camera and a network stream share: decoding that never blocks whoever waits for it."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from murai.errors import Say, SourceError, StreamLost, silent
from murai.frame import Frame, StreamInfo
from murai.sources.background import Background
from murai.sources.decoding import Converter, Decoding, Timeline, frame_rate, reason, video_stream

FIRST_PICTURE = 15.0
"""Seconds a source may take to its first whole picture: some cameras send one in ten seconds."""

CLOCK = Fraction(1, 1000)
"""The ticks of a source whose frames carry no time: milliseconds since the first."""

UNTIMED = ("mpjpeg", "mjpeg", "h264", "hevc")
"""Formats without times: what FFmpeg makes up for them runs away from the clock."""


class NoPicture(SourceError):
    """A source showed nothing in time, whether it hung while opening or later."""


class LiveSource:
    """Frames of a camera or stream, as it sends them.

    name             how messages call it; holds no password
    open_container   opens it; runs in a thread of its own
    release          called first by `close`: ends a blocked read, where there is a way to
    advice           what to do when it does not open: a clause that follows the reason
    may_be_file      whether something with an end, such as a file on a web server, counts as not live
    stall            seconds without a frame after which it counts as lost
    patience         seconds to wait for the first whole picture
    decoding         turns frames into pictures; None: on the CPU

    `info` is exact: the first frame is decoded before the constructor returns. Times are the sender's own, or
    milliseconds since the first frame where it sends none.

    Raises SourceError when it cannot be opened, NoPicture when it shows nothing, StreamLost while iterating when it
    stops.
    """

    def __init__(
        self,
        name: str,
        open_container: Callable[[], AbstractContextManager[InputContainer]],
        *,
        release: Callable[[], None] = lambda: None,
        rate: Fraction = Fraction(30),
        advice: str = "",
        may_be_file: bool = False,
        stall: float = 5.0,
        patience: float = FIRST_PICTURE,
        decoding: Decoding | None = None,
        say: Say = silent,
    ) -> None:
        self.info: StreamInfo
        self._name = name
        self._rate = rate
        self._convert = decoding or Converter()
        self._advice = advice
        self._may_be_file = may_be_file
        self._stall = stall
        self._release = release
        self._closed = False
        self._background = Background(self._read(open_container), name=f"read {name}")
        try:
            self._first = self._wait_for_first(patience, say)
        except BaseException:  # also Ctrl-C: the device must not stay open behind a source nobody has
            self.close()
            raise

    @property
    def live(self) -> bool:
        """False for a file that is only fetched from elsewhere."""
        return self.info.live

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        """Wake a waiting reader and let the device or socket go."""
        self._closed = True
        self._release()
        self._background.close()

    def _next(self) -> Frame | None:
        frame, self._first = self._first, None
        if self._closed or frame is not None:
            return None if self._closed else frame
        try:
            frame = self._background.get(self._stall)
        except TimeoutError:
            raise StreamLost(f"{self._name} has sent nothing for {self._stall:g} seconds.") from None
        if frame is None and self.live and not self._closed:
            raise StreamLost(f"{self._name} has ended.")
        return frame

    def _wait_for_first(self, patience: float, say: Say) -> Frame | None:
        try:
            first = self._background.get(min(1.0, patience))
        except TimeoutError:
            say(f"{self._name}: waiting for a first whole picture.")
            try:
                first = self._background.get(patience)
            except TimeoutError:
                raise NoPicture(f"{self._name} shows no picture after {patience:g} seconds.") from None
        if first is None:
            raise SourceError(f"{self._name} ended before its first picture.")
        return first

    def _read(
        self, open_container: Callable[[], AbstractContextManager[InputContainer]]
    ) -> Generator[Frame | None, None, None]:
        with ExitStack() as stack:
            try:
                container = stack.enter_context(open_container())
            except av.FFmpegError as error:
                raise SourceError(f"{self._name} cannot be opened: {reason(error)}{self._advice}.") from error
            try:
                yield from self._frames(container)
            except av.FFmpegError as error:
                raise StreamLost(f"{self._name} stopped: {reason(error)}.") from error

    def _frames(self, container: InputContainer) -> Generator[Frame | None, None, None]:
        stream = video_stream(container)
        if stream is None:
            raise SourceError(f"{self._name} sends no video that can be decoded.")
        stream.codec_context.flags |= av.codec.context.Flags.low_delay
        index = 0
        for packet in container.demux(stream):
            captured = time.monotonic()
            for decoded in _decode(packet):
                image = self._convert(decoded)
                if index == 0:
                    started = captured
                    clocked = container.format.name in UNTIMED
                    timeline = self._begin(image, container, stream, clocked)
                stamp = round((captured - started) / self.info.time_base) if clocked else decoded.pts
                pts = timeline.place(stamp)
                yield Frame(image, pts, self.info.time_base, index, 0 if clocked else decoded.duration or 0, captured)
                index += 1
            yield None  # alive, so that a close is noticed while packets come without pictures

    def _begin(self, image: Any, container: InputContainer, stream: VideoStream, clocked: bool) -> Timeline:
        height, width = image.shape[:2]
        rate = frame_rate(stream, self._rate)
        tick = CLOCK if clocked or stream.time_base is None else stream.time_base
        live = not (self._may_be_file and _is_file(container))
        self.info = StreamInfo(width, height, rate, tick, live=live)
        return Timeline(round(1 / (rate * tick)))


def _decode(packet: "av.Packet[VideoStream]") -> list[VideoFrame]:
    try:
        return packet.decode()
    except av.FFmpegError:  # damaged on the way, or before the first keyframe: the next one may be whole
        return []


def _is_file(container: InputContainer) -> bool:
    """True for what has an end: a known length in time, or in bytes where those are the pictures themselves."""
    return bool(container.duration) or (container.size > 0 and container.format.name != "hls")
