"""A pixel buffer of OpenGL that a card's pictures are copied into where they are: they never come to the host.

The only file that imports cuda-core. Its calls were not run on a card yet.
"""

from collections import deque

import torch
from cuda.core import Device, GraphicsResource, Stream
from torch import Tensor
from torch.utils.dlpack import from_dlpack


class SharedBuffer:
    """The OpenGL buffer `name` of the context that is current on this thread, registered once, written by `device`.

    All methods belong to the thread that draws. Raises whatever CUDA does where another card draws, or none.
    """

    def __init__(self, name: int, device: torch.device) -> None:
        if device.type != "cuda":
            raise ValueError(f"the pictures are on {device}, which is no card")
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        Device(self._stream.device.index).set_current()
        self._queue = Stream.from_handle(self._stream.cuda_stream)
        self._resource = GraphicsResource.from_gl_buffer(name, flags="write_discard")
        self._underway: deque[tuple[Tensor, torch.cuda.Event]] = deque()  # pictures that are being copied

    def fill(self, image: Tensor) -> None:
        """Copy `image` (uint8, [H, W, 3]) into the buffer, once the card has painted it; the host does not wait."""
        self._stream.wait_stream(torch.cuda.current_stream(image.device))
        with torch.cuda.stream(self._stream), self._resource.map(stream=self._queue) as mapped:
            from_dlpack(mapped).view(torch.uint8)[: image.numel()].copy_(image.reshape(-1), non_blocking=True)
        self._underway.append((image, self._stream.record_event()))
        while len(self._underway) > 1 and self._underway[0][1].query():  # type: ignore[no-untyped-call]
            self._underway.popleft()  # its memory may be used again only now

    def close(self) -> None:
        """Give the buffer back to OpenGL."""
        self._resource.close()
