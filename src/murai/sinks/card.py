"""Encoding on a card (NVENC): pictures that are there are written without coming to the host.

No card has encoded with it yet: the arithmetic was run on a processor, and so was the way back to its encoder.
"""

from typing import Any

import av
import numpy as np
import torch
import torch.nn.functional as F
from av.video.frame import CudaContext
from torch import Tensor

from murai.errors import first_line
from murai.sinks.encode import fit

KR, KB = 0.2126, 0.0722
"""The shares of red and blue in brightness, BT.709."""
ENCODER = "h264_nvenc"
OPTIONS = {"preset": "p4", "tune": "hq", "rc": "vbr", "cq": "20", "g": "250"}
"""For a file: as good as x264 does it by default here, about."""
LIVE_OPTIONS = {"preset": "p1", "tune": "ull", "rc": "vbr", "cq": "22", "g": "120", "zerolatency": "1"}
"""For a live show: soon, and with keyframes that its tuning would leave out."""
PITCH = 256
"""Bytes of which a line is a multiple, as the encoder wants it."""


def options(live: bool) -> dict[str, str]:
    """What the encoder is asked for."""
    return LIVE_OPTIONS if live else OPTIONS


def refusal(width: int, height: int, options: dict[str, str]) -> str:
    """Why the card does not encode pictures of this size like that, in words; nothing where it does: it was tried."""
    try:
        context: Any = av.CodecContext.create(ENCODER, "w")
        context.width, context.height, context.pix_fmt = width, height, "cuda"
        context.framerate, context.options, context.max_b_frames = 30, options, 0
        frame = ToCardYuv(width, height)(np.zeros((height, width, 3), np.uint8))
        frame.pts = 0
        context.encode(frame)
        context.encode(None)
    except (av.FFmpegError, ValueError, OSError, RuntimeError, AssertionError) as error:
        return f"it does not encode, or not this size: {first_line(error)}"
    return ""


class ToCardYuv:
    """As `encode.ToYuv`, but on a `device`: a frame in NV12 lies there, and so may its picture.

    Sizes are even. The card converts on its default stream and encodes on one of its own; nobody waits for the latter.
    """

    def __init__(self, width: int, height: int, device: str = "cuda") -> None:
        self._size, self._device = (width, height), device
        self._stream: Any = None
        self._context: CudaContext | None = None

    def __call__(self, picture: Any) -> av.VideoFrame:
        """`picture` (H x W x 3, uint8, RGB, tensor or array) as a frame ready to be encoded, but for its time."""
        image = torch.as_tensor(picture, device=self._device)
        if (image.shape[1], image.shape[0]) != self._size:
            image = boxed(image, *self._size)
        planes = nv12(image)
        if image.device.type != "cuda":
            return av.VideoFrame.from_dlpack(planes, format="nv12")
        if self._stream is None:
            self._stream = torch.cuda.Stream(image.device)  # type: ignore[no-untyped-call]
            # torch's own context, which this thread has by now: FFmpeg would want the flags of another.
            queue = self._stream.cuda_stream
            self._context = CudaContext(image.device.index or 0, False, True, queue)
        self._stream.wait_stream(torch.cuda.current_stream(image.device))
        for plane in planes:
            plane.record_stream(self._stream)  # its memory is free again only when the encoder has read it
        return av.VideoFrame.from_dlpack(planes, format="nv12", cuda_context=self._context)


def nv12(image: Tensor) -> tuple[Tensor, Tensor]:
    """Brightness [H, W] and colour [H / 2, W / 2, 2] of `image`, BT.709 in the limited range, for even H and W.

    Both lie in one piece of memory, the colour below the brightness, since an encoder is told only where that begins.
    """
    height, width = image.shape[:2]
    red, green, blue = image.float().unbind(-1)
    y = KR * red + (1 - KR - KB) * green + KB * blue
    away = torch.stack([(blue - y) / (2 * (1 - KB)), (red - y) / (2 * (1 - KR))])
    pitch = -(-width // PITCH) * PITCH
    memory = torch.empty(height * 3 // 2, pitch, dtype=torch.uint8, device=image.device)
    luma, chroma = memory[:height, :width], memory[height:, :width].view(height // 2, width // 2, 2)
    luma.copy_((16 + y * (219 / 255)).round())
    chroma.copy_((128 + F.avg_pool2d(away, 2) * (224 / 255)).round().permute(1, 2, 0))
    return luma, chroma


def boxed(image: Tensor, width: int, height: int) -> Tensor:
    """`image` at its own shape inside `width` x `height`, black around it."""
    left, top, wide, high = fit(image.shape[1], image.shape[0], (width, height))
    planes = image.permute(2, 0, 1)[None].float()
    scaled = F.interpolate(planes, (high, wide), mode="bilinear", antialias=True, align_corners=False)[0]
    canvas = F.pad(scaled, (left, width - wide - left, top, height - high - top))
    return canvas.permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)
