"""What every source that decodes video shares: upright RGB pictures, times that increase, reasons in words."""

import errno
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from murai.errors import MissingExtra, Say, silent
from murai.frame import Image

UNSPECIFIED = 2
"""FFmpeg's number for "this video does not say which colours it means"."""


class Converter:
    """Turns decoded frames of one stream into `Image`s, one thread at a time.

    The colours follow the frame's own matrix and range. Where it names no matrix: BT.709 from 720 lines up, BT.601
    below. The file's own rotation and flip are applied first, then `rotate` (0, 90, 180 or 270 degrees clockwise)
    and `mirror`. Pixels that are not square stay as they are.
    """

    def __init__(self, *, rotate: int = 0, mirror: bool = False) -> None:
        self._orienting = Orienting(rotate=rotate, mirror=mirror)
        self._reformatter = VideoReformatter()

    def open(self, path: Any, **options: Any) -> InputContainer:
        """The container at `path`. Raises av.FFmpegError."""
        container: InputContainer = av.open(path, **options)
        return container

    def __call__(self, frame: VideoFrame) -> Image:
        """The picture: height x width x 3, after rotation."""
        rgb = self._reformatter.reformat(frame, format="rgb24", src_colorspace=unsaid_matrix(frame), threads=1)
        # Turning whole pixels moves three bytes at once: twice as fast as turning colours.
        pixels = np.ascontiguousarray(rgb.to_ndarray()).view("V3")[..., 0]
        transposed, flipped = self._orienting(frame)
        pixels = np.flip(pixels.T if transposed else pixels, flipped)
        return np.ascontiguousarray(pixels)[..., None].view(np.uint8)


class Decoding(Protocol):
    """Opens what one stream is read from, and turns its frames into pictures."""

    def open(self, path: Any, **options: Any) -> InputContainer:
        """The container at `path`. Raises av.FFmpegError."""

    def __call__(self, frame: VideoFrame) -> Any:
        """The picture."""


def decoding(on_card: bool, say: Say = silent, *, rotate: int = 0, mirror: bool = False) -> Decoding:
    """On the card or on the CPU. Raises MissingExtra where pictures cannot be on a card."""
    if not on_card:
        return Converter(rotate=rotate, mirror=mirror)
    try:
        from murai.sources.card import CardDecoding
    except ModuleNotFoundError as error:
        raise MissingExtra("Decoding on a card", "cuda") from error
    return CardDecoding(rotate=rotate, mirror=mirror, say=say)


def unsaid_matrix(frame: VideoFrame) -> Colorspace | None:
    """What a frame that names no matrix means: BT.709 from 720 lines up, BT.601 below; None where it names one."""
    if frame.colorspace != UNSPECIFIED:
        return None
    return Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601


class Orientation(NamedTuple):
    """One of the eight ways to put a rectangle on a screen: rows and columns change places, then axes are flipped."""

    transposed: bool
    flipped: tuple[int, ...]


class Orienting:
    """How the frames of one stream are put upright: by their display matrix, then `rotate` and `mirror`."""

    def __init__(self, *, rotate: int = 0, mirror: bool = False) -> None:
        if rotate not in (0, 90, 180, 270):
            raise ValueError(f"rotate is 0, 90, 180 or 270, not {rotate}")
        self._quarters, self._mirror = rotate // 90, mirror
        self._rotation: int | None = None
        self._orientation: Orientation

    def __call__(self, frame: VideoFrame) -> Orientation:
        """For this frame, and those after it until their rotation changes."""
        if frame.rotation != self._rotation:
            # Not for every frame: one that is asked for its side data is freed late, and many of them fill the memory.
            self._rotation = frame.rotation
            self._orientation = orientation(_display_matrix(frame), self._quarters, self._mirror)
        return self._orientation


def orientation(matrix: tuple[int, int, int, int] | None, quarters: int, mirror: bool) -> Orientation:
    """The display `matrix`, then `quarters` clockwise, then left and right swapped, as one: read from four pixels."""
    pixels = np.rot90(_upright(np.arange(4).reshape(2, 2), matrix), -quarters)
    (here, right), (below, _) = pixels[:, ::-1] if mirror else pixels
    return Orientation(abs(right - here) == 2, tuple(axis for axis, next_ in ((0, below), (1, right)) if next_ < here))


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part of the display matrix that turns and flips; None where the frame is upright."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    return a, b, c, d


def _upright(pixels: NDArray[Any], matrix: tuple[int, int, int, int] | None) -> NDArray[Any]:
    """Apply the display matrix: one of the eight ways to put a rectangle on a screen."""
    if matrix is None:
        return pixels
    a, b, c, d = matrix
    if abs(b) > abs(a):
        pixels, a, d = pixels.T, c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


class Timeline:
    """Makes the times of a stream strictly increase, and leaves them exact wherever they do so already.

    A time that is missing follows the one before by its duration. A jump back, as where recordings were joined,
    shifts everything after it.
    """

    def __init__(self, step: int) -> None:
        self._step = max(1, step)
        self._shift = 0
        self._last: int | None = None

    def place(self, pts: int | None, duration: int = 0) -> int:
        """The time in ticks at which a picture stamped `pts` is shown."""
        if self._last is None:
            self._last = pts or 0
        else:
            following = self._last + (duration or self._step)
            if pts is not None and pts + self._shift <= self._last:
                self._shift = following - pts
            self._last = following if pts is None else pts + self._shift
        return self._last


def video_stream(container: InputContainer) -> VideoStream | None:
    """The stream of moving pictures to read, set up for little delay; None where there is none.

    The cover picture of a song does not count.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
            # Threads by whole frames add delay, and were seen to hang the interpreter at exit.
            stream.thread_type = "SLICE"  # type: ignore[assignment]
            return stream
    return None


def frame_rate(stream: VideoStream, default: Fraction) -> Fraction:
    """Frames a second as the container says, or `default` where that cannot be."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0 < rate <= 1000:
            return rate
    return default


def reason(error: av.FFmpegError) -> str:
    """Why FFmpeg failed, in words that fit after a colon. Never holds a file name or a URL."""
    if isinstance(error, av.error.ExitError):
        return "it did not answer in time"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "this build of PyAV does not know that kind of address"
    if isinstance(error, av.error.InvalidDataError):
        return "it sends no video that FFmpeg knows"
    if error.errno == errno.EIO:
        return "it cannot be reached"
    return str(error.strerror or error.__class__.__name__)
