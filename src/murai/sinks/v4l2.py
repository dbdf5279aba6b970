"""A virtual camera: the pictures go to a V4L2 output device (v4l2loopback), where other programs find them.

Not run on a device yet.
"""

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from murai.errors import SinkError
from murai.frame import Frame, StreamInfo
from murai.sinks.encode import Ticks, ToYuv, host, label

PIXELS = "yuv420p"
"""What video programs take from a camera without asking."""


class V4l2Sink:
    """Shows the pictures as the camera `device`, such as "/dev/video10". Odd sizes are scaled to the next even one.

    Raises SinkError from `open` and `write` where the device is missing or does not take pictures.
    """

    lossless = False
    essential = False

    def __init__(self, device: str) -> None:
        self.device = device
        self._output: OutputContainer | None = None

    def open(self, info: StreamInfo) -> None:
        """Open the device for pictures of this size."""
        width, height = info.width + info.width % 2, info.height + info.height % 2
        self._to_yuv = ToYuv(width, height, PIXELS)
        self._ticks = Ticks(info.time_base, live=True)
        self._time_base = info.time_base
        try:
            self._output, self._stream = _open_device(self.device, width, height, info)
        except av.FFmpegError as error:
            raise self._error(error) from error

    def write(self, frame: Frame) -> None:
        """Show one frame."""
        if self._output is None:
            raise SinkError(f"{self.device} is not open.")
        picture = self._to_yuv(host(frame))
        picture.pts, picture.time_base = self._ticks(frame), self._time_base
        try:
            self._output.mux(self._stream.encode(picture))
        except av.FFmpegError as error:
            raise self._error(error) from error

    def close(self, complete: bool = True) -> None:
        """Free the device."""
        if self._output:
            self._output.close()
        self._output = None

    def _error(self, error: av.FFmpegError) -> SinkError:
        return SinkError(f"{self.device} takes no pictures ({error.strerror}): is v4l2loopback loaded?")


def _open_device(device: str, width: int, height: int, info: StreamInfo) -> tuple[OutputContainer, VideoStream]:
    output = av.open(device, "w", format="v4l2")
    stream = output.add_stream("rawvideo", rate=info.rate)
    stream.width, stream.height, stream.pix_fmt = width, height, PIXELS
    stream.time_base = stream.codec_context.time_base = info.time_base
    label(stream.codec_context)
    output.start_encoding()
    return output, stream
