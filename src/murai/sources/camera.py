"""A camera as a source: V4L2 on Linux, AVFoundation on macOS, DirectShow on Windows.

Not run on hardware yet: everything above `open_device` and `list_cameras` is tested with recordings in place of a
camera.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import av
from av.container import InputContainer

from murai.errors import CameraError, Say, SourceError, silent
from murai.frame import Frame, StreamInfo
from murai.sources.decoding import decoding
from murai.sources.live import FIRST_PICTURE, LiveSource, NoPicture

Options = dict[str, str]

LAYERS: dict[str, tuple[str, tuple[Options, ...]]] = {
    "linux": ("v4l2", ({"input_format": "mjpeg"}, {"input_format": "h264"}, {"input_format": "yuyv422"})),
    "darwin": ("avfoundation", ({"pixel_format": "nv12"}, {"pixel_format": "uyvy422"})),
    "win32": ("dshow", ({"vcodec": "mjpeg"}, {"vcodec": "h264"}, {"pixel_format": "yuyv422"})),
}
"""By platform: FFmpeg's camera layer, and what to ask of it in turn.

Motion JPEG first: every picture is whole and it keeps 30 frames a second at 1280x720. H.264 may wait seconds for a
keyframe. Plain YUYV is ten frames a second at that size over USB 2.
"""


@dataclass(frozen=True, slots=True)
class CameraDevice:
    """A camera as the system lists it: the name to open it by, and what a person calls it."""

    name: str
    description: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.description})" if self.description else self.name


Opener = Callable[[str, str, Options], InputContainer]
"""Opens (device, FFmpeg input format, options)."""


def open_device(
    device: str, layer: str, options: Options, open_container: Callable[..., InputContainer] = av.open
) -> InputContainer:
    """The one place that touches a camera. Raises av.FFmpegError."""
    return open_container(device, format=layer, options=options)


def list_cameras(platform: str = sys.platform) -> list[CameraDevice]:
    """The cameras this machine knows, in the system's order. Some may not open: a webcam often lists two devices."""
    layer, _ = _layer(platform)
    try:
        devices = av.enumerate_input_devices(layer)
    except (av.FFmpegError, ValueError):  # no camera subsystem at all, as in a container
        return []
    return [CameraDevice(d.name, d.description) for d in devices if not d.media_types or "video" in d.media_types]


class CameraSource:
    """Frames of a camera; live.

    device   a name of `list_cameras`, or a number on Linux and macOS; None takes the first camera that opens
    size     width and height to ask for, before rotation; `info` says what the camera gives
    rate     frames a second to ask for
    mirror   swap left and right, as in a mirror
    rotate   0, 90, 180 or 270 degrees clockwise
    on_card  a card decodes what the camera sends coded, and frames are tensors there

    Raises CameraError when none opens, with each device and its reason; StreamLost while iterating when it is
    unplugged or falls silent.
    """

    live = True

    def __init__(
        self,
        device: str | None = None,
        *,
        size: tuple[int, int] = (1280, 720),
        rate: int = 30,
        mirror: bool = True,
        rotate: int = 0,
        on_card: bool = False,
        say: Say = silent,
        opener: Opener | None = None,
        lister: Callable[[str], list[CameraDevice]] = list_cameras,
        platform: str = sys.platform,
        patience: float = FIRST_PICTURE,
    ) -> None:
        layer, formats = _layer(platform)
        wish = {"video_size": f"{size[0]}x{size[1]}", "framerate": str(rate)}
        attempts = (*({**wish, **format_} for format_ in formats), wish, {})

        def start(camera: CameraDevice, options: Options) -> LiveSource:
            decode = decoding(on_card, say, rotate=rotate, mirror=mirror)  # an attempt before may still be at it
            open_ = opener or partial(open_device, open_container=decode.open)
            return LiveSource(
                f"Camera {camera}",
                lambda: open_(_address(camera.name, platform), layer, options),
                rate=Fraction(rate),
                patience=patience,
                decoding=decode,
                say=say,
            )

        cameras = [CameraDevice(device)] if device is not None else lister(platform)
        self._source = _first_that_opens(cameras, attempts, start)

    @property
    def info(self) -> StreamInfo:
        """What the camera gives, after rotation."""
        return self._source.info

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)

    def close(self) -> None:
        """Let the camera go."""
        self._source.close()


def _first_that_opens(
    cameras: list[CameraDevice], attempts: tuple[Options, ...], start: Callable[[CameraDevice, Options], LiveSource]
) -> LiveSource:
    if not cameras:
        raise CameraError("No camera was found; connect one, or try --source clip.")
    reasons = []
    for camera in cameras:
        for options in attempts:
            try:
                return start(camera, options)
            except SourceError as error:
                # The last attempt asks for nothing special, so its reason is the one that counts.
                failure = error
                if isinstance(error, NoPicture):  # the device may still be held, and asking again would take as long
                    break
        reasons.append(str(failure).removesuffix("."))
    raise CameraError(f"{'; '.join(reasons)}. Close other programs that use a camera, or connect another.")


def _layer(platform: str) -> tuple[str, tuple[Options, ...]]:
    if platform not in LAYERS:
        raise CameraError(f"Cameras are not supported on {platform}; use a file or a stream.")
    return LAYERS[platform]


def _address(name: str, platform: str) -> str:
    """What FFmpeg calls the device."""
    if platform == "linux" and name.isdigit():
        return f"/dev/video{name}"
    return f"video={name}" if platform == "win32" else name
