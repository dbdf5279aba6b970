"""Many streams through one network: what waits together is painted together."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

MOST = 8
"""Pictures in a batch."""


class Batchable(Protocol):
    """A network that paints several pictures at once, such as a `TorchRuntime`."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""

    @property
    def dtype(self) -> torch.dtype:
        """What it calculates in."""

    @property
    def seconds(self) -> float:
        """What the last run took."""

    def run(self, images: Tensor, styles: Tensor) -> list[Tensor]:
        """Paint `images` uint8 [N, H, W, 3], each with its row of `styles` float32 [N, D]."""


@dataclass(eq=False)
class _Request:
    images: Tensor
    styles: Tensor
    painted: list[Tensor] = field(default_factory=list)
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return bool(self.painted or self.error)


class Batches:
    """`runtime` for several streams, each in a thread of its own; called as `runtime` is.

    There is no clock: while one batch is painted others wait, and those of one size become the next batch. So a stream
    alone waits for nobody, and none waits for more than the batch before, and those of other sizes that came earlier.
    Batches are of 1, 2, 4 or 8 pictures, as each number needs memory of its own on a card.
    """

    def __init__(self, runtime: Batchable) -> None:
        self._runtime = runtime
        self.device, self.dtype = runtime.device, runtime.dtype
        self._waiting: deque[_Request] = deque()
        self._turn = threading.Lock()

    @property
    def seconds(self) -> float:
        """What the last run took, for all its pictures."""
        return self._runtime.seconds

    def run(self, images: Tensor, styles: Tensor) -> list[Tensor]:
        """As the runtime's own. Raises what that raises."""
        mine = _Request(images, styles)
        self._waiting.append(mine)
        with self._turn:
            while not mine.done:
                self._serve()
        if mine.error:
            raise mine.error
        return mine.painted

    def _serve(self) -> None:
        """Paint those that came first, of one size."""
        batch = self._batch()
        try:
            painted = iter(
                self._runtime.run(
                    torch.cat([request.images for request in batch]), torch.cat([request.styles for request in batch])
                )
            )
            for request in batch:
                request.painted = [next(painted) for _ in request.images]
        except Exception as error:
            for request in batch:
                request.error = error

    def _batch(self) -> list[_Request]:
        shape = self._waiting[0].images.shape
        alike = [request for request in list(self._waiting) if request.images.shape == shape]
        most = max(1, MOST // shape[0])
        batch = alike[: 1 << (min(len(alike), most).bit_length() - 1)]
        for request in batch:
            self._waiting.remove(request)
        return batch
