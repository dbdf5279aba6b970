"""From a frame to what an encoder takes: bytes on the host, one size, YUV with its colours labelled, rising times."""

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from murai.frame import Frame, Image, on_host


def host(frame: Frame) -> Image:
    """The picture of `frame` as numpy on the host. A picture on a card is waited for and copied."""
    return on_host(frame.image)


def fit(width: int, height: int, inside: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where a `width` x `height` picture goes in a larger or smaller one: left, top, width, height in pixels.

    The shape of the picture is kept, it touches two sides, and it is centred.
    """
    scale = min(Fraction(inside[0], width), Fraction(inside[1], height))
    new_width = min(inside[0], max(1, round(width * scale)))
    new_height = min(inside[1], max(1, round(height * scale)))
    return (inside[0] - new_width) // 2, (inside[1] - new_height) // 2, new_width, new_height


def label(context: VideoCodecContext) -> None:
    """Say in the stream that its colours are BT.709 in the limited range."""
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG


class ToYuv:
    """Pictures of any size to YUV frames of one size, BT.709, limited range.

    A picture of another size is scaled to fit, with black bars.
    """

    def __init__(self, width: int, height: int, format: str) -> None:
        self._size = (width, height)
        self._format = format
        self._scaler = VideoReformatter()
        self._converter = VideoReformatter()

    def __call__(self, image: Image) -> av.VideoFrame:
        """`image` (H x W x 3, uint8, RGB) as a frame ready to be encoded, but for its time."""
        if (image.shape[1], image.shape[0]) != self._size:
            image = self._boxed(image)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        return self._converter.reformat(
            picture,
            format=self._format,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation="BICUBIC",
        )

    def _boxed(self, image: Image) -> Image:
        left, top, width, height = fit(image.shape[1], image.shape[0], self._size)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        canvas = np.zeros((self._size[1], self._size[0], 3), np.uint8)
        scaled = self._scaler.reformat(picture, width, height, interpolation="BICUBIC")
        canvas[top : top + height, left : left + width] = scaled.to_ndarray()
        return canvas


class Ticks:
    """The times of frames in ticks of one time base, each later than the one before.

    The times of a file stay what they are, less `start` seconds; a time that does not rise is moved by one tick.
    A live clock begins at 0, and where it jumps back (another source) it goes on from where it was.
    """

    def __init__(self, time_base: Fraction, *, live: bool, start: Fraction = Fraction(0)) -> None:
        self._time_base = time_base
        self._live = live
        self._shift = None if live else -round(start / time_base)
        self._last: int | None = None

    def __call__(self, frame: Frame) -> int:
        """The time of `frame`, which must be the next one."""
        tick = round(frame.pts * frame.time_base / self._time_base)
        if self._shift is None:
            self._shift = -tick
        tick += self._shift
        if self._last is not None and tick <= self._last:
            tick, late = self._last + 1, self._last + 1 - tick
            self._shift += late if self._live else 0
        self._last = tick
        return tick

    def duration(self, frame: Frame) -> int:
        """How many ticks `frame` is shown, 0 where nobody knows."""
        return round(frame.duration * frame.time_base / self._time_base)
