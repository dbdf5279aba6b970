"""Where painted pictures go: a window, a file, a stream, a virtual camera, or nowhere.

Every sink keeps the contract of `murai.pipeline.Sink`. None knows another, and each imports its library only when used.
"""

from pathlib import Path
from typing import Protocol

from murai.errors import Say, SinkError, silent
from murai.frame import Frame, StreamInfo

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


class AnySink(Protocol):
    """What every sink of this package offers."""

    lossless: bool
    essential: bool

    def open(self, info: StreamInfo) -> None:
        """Get ready."""

    def write(self, frame: Frame) -> None:
        """Take one frame."""

    def close(self, complete: bool = True) -> None:
        """Finish."""


def names_file(spec: str) -> bool:
    """Whether `spec` is that of a file."""
    return spec not in ("window", "null") and not spec.startswith(("v4l2:", "mjpeg:")) and "://" not in spec


def open_sink(spec: str, *, overwrite: bool = False, on_card: bool = False, say: Say = silent) -> AnySink:
    """The sink that `spec` names: "window", "null", "v4l2:/dev/videoN", "mjpeg:[HOST:]PORT", an address such as
    rtmp://..., or a file.

    `overwrite` lets a file be replaced, and `on_card` has a card encode it. Raises SinkError or OutputExists for what
    cannot be opened.
    """
    if spec == "window":
        from murai.sinks.window import WindowSink

        return WindowSink()
    if spec == "null":
        from murai.sinks.null import NullSink

        return NullSink()
    if spec.startswith("v4l2:"):
        from murai.sinks.v4l2 import V4l2Sink

        return V4l2Sink(spec.removeprefix("v4l2:"))
    if spec.startswith("mjpeg:"):
        from murai.sinks.mjpeg import MjpegSink

        return MjpegSink(spec.removeprefix("mjpeg:"))
    if "://" in spec:
        from murai.sinks.url import UrlSink

        return UrlSink(spec, say=say)
    if Path(spec).suffix.lower() in PICTURES:
        raise SinkError(f"{spec} is a picture and the sink takes a video: use `murai image` to paint one picture.")
    from murai.sinks.file import FileSink

    return FileSink(spec, overwrite=overwrite, on_card=on_card, say=say)
