"""Pictures decoded on a card (NVDEC) that stay there: from the planes a decoder leaves to RGB tensors."""

from typing import Any

import av
import torch
import torch.nn.functional as F
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from murai.errors import Say, first_line, silent
from murai.frame import Image
from murai.sources.decoding import Converter, Orientation, Orienting, unsaid_matrix

# The shares of red and blue in brightness, by FFmpeg's number of a matrix.
WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
WEIGHTS |= {9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
FORMATS = {"nv12": 8, "p010le": 16, "p016le": 16}
"""Bits of a number in the planes of what a card decodes."""


class CardDecoding:
    """As `decoding.Converter`, but decoded on a card: a frame becomes a tensor uint8 [H, W, 3], RGB, that is there.

    Where the card does not do it, or not this codec, the CPU decodes, also from the middle of a stream on: `say` hears
    it once. The card gets the picture then, where there is one. A tensor is a copy, since a decoder wants its few
    surfaces back.
    """

    def __init__(self, *, rotate: int = 0, mirror: bool = False, say: Say = silent) -> None:
        self._on_host = Converter(rotate=rotate, mirror=mirror)
        self._orienting = Orienting(rotate=rotate, mirror=mirror)
        self._say, self._told = say, False

    def open(self, path: Any, **options: Any) -> InputContainer:
        """The container at `path`. Raises av.FFmpegError."""
        try:
            torch.zeros(1, device="cuda")  # so that this thread has torch's context, which FFmpeg is to take
            card = HWAccel("cuda", None, True, {"primary_ctx": "0", "current_ctx": "1"}, is_hw_owned=True)
            container: InputContainer = av.open(path, hwaccel=card, **options)
        except (OSError, ValueError, NotImplementedError, RuntimeError, AssertionError) as error:
            container = av.open(path, **options)  # whatever else is wrong with it is raised here
            self._tell(f"the card does not do it: {getattr(error, 'strerror', None) or first_line(error)}")
        return container

    def __call__(self, frame: VideoFrame) -> Any:
        """The picture: height x width x 3, after rotation."""
        if frame.format.name != "cuda":
            self._tell("the card does not have this codec, or gave it up")
            return self._sent(self._on_host(frame))
        if frame.sw_format is None or frame.sw_format.name not in FORMATS:
            self._tell("the card decodes it to a kind of picture that is not known here")
            return self._sent(self._on_host(frame))
        return turned(picture(frame), self._orienting(frame))

    def _sent(self, image: Image) -> Any:
        """`image` on the card, or itself where there is none; nobody waits for that."""
        if not torch.cuda.is_available():
            return image
        return torch.from_numpy(image).pin_memory().to("cuda", non_blocking=True)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._say(f"decoding on the CPU ({why}).")
        self._told = True


def turned(image: Tensor, orientation: Orientation) -> Tensor:
    """`image` put upright."""
    image = image.transpose(0, 1) if orientation.transposed else image
    return (image.flip(orientation.flipped) if orientation.flipped else image).contiguous()


def picture(frame: VideoFrame) -> Tensor:
    """RGB uint8 [H, W, 3] of a frame in NV12, P010 or P016, where its planes are. Raises ValueError for others."""
    kind = (frame.sw_format or frame.format).name if frame.format.name == "cuda" else frame.format.name
    if kind not in FORMATS:
        raise ValueError(f"a card gives {', '.join(FORMATS)}, not {kind}")
    luma, chroma = (from_dlpack(plane.__dlpack__()) for plane in frame.planes)
    matrix = int(unsaid_matrix(frame) or frame.colorspace)
    return rgb(luma, chroma, matrix, full=frame.color_range == ColorRange.JPEG, bits=FORMATS[kind])


def rgb(luma: Tensor, chroma: Tensor, matrix: int, *, full: bool, bits: int = 8) -> Tensor:
    """RGB uint8 [H, W, 3] of `luma` [H, W] and `chroma` [H / 2, W / 2, 2], by ITU-R BT.601, 709 or 2020.

    `matrix` is FFmpeg's number for it. `full` range is 0 to 255; the other is 16 to 235, and 16 to 240 for chroma.
    """
    to_eight = 2.0 ** (8 - bits)
    y, uv = luma.float() * to_eight, chroma.float() * to_eight
    uv = F.interpolate(uv.permute(2, 0, 1)[None], luma.shape, mode="bilinear", align_corners=False)[0]
    if full:
        blue, red = uv - 128
    else:
        y = (y - 16) * (255 / 219)
        blue, red = (uv - 128) * (255 / 224)
    kr, kb = WEIGHTS.get(matrix, WEIGHTS[int(Colorspace.ITU709)])
    r, b = y + 2 * (1 - kr) * red, y + 2 * (1 - kb) * blue
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    return torch.stack([r, g, b], -1).round().clamp(0, 255).to(torch.uint8)
