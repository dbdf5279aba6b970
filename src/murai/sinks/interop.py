"""A pixel buffer of OpenGL that a card's pictures are copied into where they are: they never come to the host.

The only file that imports cuda-core. Its calls were not run on a card yet.
"""

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

    def fill(self, image: Tensor) -> None:
        """Copy `image` (uint8, [H, W, 3]) into the buffer, once the card has painted it; the host does not wait."""
        current = torch.cuda.current_stream(image.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream), self._resource.map(stream=self._queue) as mapped:
            from_dlpack(mapped).view(torch.uint8)[: image.numel()].copy_(image.reshape(-1), non_blocking=True)
        current.wait_stream(self._stream)  # what the picture lies in is painted into again only after that

    def close(self) -> None:
        """Give the buffer back to OpenGL."""
        self._resource.close()
