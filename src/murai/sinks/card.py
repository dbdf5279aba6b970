"""Encoding on a card (NVENC): pictures that are there are written without coming to the host.

No card has encoded with it yet: the arithmetic was run on a processor, and so was the way back to its encoder.
"""

from typing import Any

import av
import torch
import torch.nn.functional as F
from av.video.frame import CudaContext
from torch import Tensor

from murai.sinks.encode import fit

KR, KB = 0.2126, 0.0722
"""The shares of red and blue in brightness, BT.709."""
OPTIONS = {"preset": "p4", "tune": "hq", "rc": "vbr", "cq": "20", "b": "0"}
LIVE_OPTIONS = {"preset": "p1", "tune": "ull", "rc": "vbr", "cq": "22", "b": "0", "zerolatency": "1"}


ENCODER = "h264_nvenc"


def refusal() -> str:
    """Why the card does not encode, in words; nothing where it does."""
    try:
        context: Any = av.CodecContext.create(ENCODER, "w")
        context.width, context.height, context.pix_fmt = 256, 256, "nv12"
        context.framerate = 30
        context.open()
    except (av.FFmpegError, ValueError, OSError) as error:
        return f"it has no encoder, or its driver is too old: {getattr(error, 'strerror', None) or error}"
    return ""


class ToCardYuv:
    """As `encode.ToYuv`, but on a `device`: a frame in NV12 lies there, and so may its picture.

    Sizes are even. A card converts and encodes on one stream of its own, for which nobody waits.
    """

    def __init__(self, width: int, height: int, device: str = "cuda") -> None:
        self._size, self._device = (width, height), device
        self._stream: Any = None
        self._context: CudaContext | None = None

    def __call__(self, picture: Any) -> av.VideoFrame:
        """`picture` (H x W x 3, uint8, RGB, tensor or array) as a frame ready to be encoded, but for its time."""
        image = torch.as_tensor(picture, device=self._device)
        if image.device.type != "cuda":
            return av.VideoFrame.from_dlpack(self._planes(image), format="nv12")
        if self._stream is None:
            self._stream = torch.cuda.Stream(image.device)  # type: ignore[no-untyped-call]
            self._context = CudaContext(image.device.index or 0, cuda_stream=self._stream.cuda_stream)
        current = torch.cuda.current_stream(image.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            frame = av.VideoFrame.from_dlpack(self._planes(image), format="nv12", cuda_context=self._context)
        current.wait_stream(self._stream)  # what the picture lies in is painted into again only after that
        return frame

    def _planes(self, image: Tensor) -> tuple[Tensor, Tensor]:
        if (image.shape[1], image.shape[0]) != self._size:
            image = boxed(image, *self._size)
        return nv12(image)


def nv12(image: Tensor) -> tuple[Tensor, Tensor]:
    """Brightness [H, W] and colour [H / 2, W / 2, 2] of `image`, BT.709 in the limited range, for even H and W."""
    red, green, blue = image.float().unbind(-1)
    y = KR * red + (1 - KR - KB) * green + KB * blue
    away = torch.stack([(blue - y) / (2 * (1 - KB)), (red - y) / (2 * (1 - KR))])
    colour = 128 + F.avg_pool2d(away, 2) * (224 / 255)
    return _levels(16 + y * (219 / 255)), _levels(colour.permute(1, 2, 0))


def boxed(image: Tensor, width: int, height: int) -> Tensor:
    """`image` at its own shape inside `width` x `height`, black around it."""
    left, top, wide, high = fit(image.shape[1], image.shape[0], (width, height))
    planes = image.permute(2, 0, 1)[None].float()
    scaled = F.interpolate(planes, (high, wide), mode="bilinear", antialias=True, align_corners=False)[0]
    canvas = F.pad(scaled, (left, width - wide - left, top, height - high - top))
    return _levels(canvas.permute(1, 2, 0))


def _levels(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8).contiguous()
