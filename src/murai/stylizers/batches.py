"""Many streams through one network: what waits together is painted together."""

import hashlib
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
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

    def style(self, vector: NDArray[np.float32]) -> Tensor:
        """`vector` [D] on the device."""

    def run(self, images: Tensor, style: Tensor, size: tuple[int, int] | None, strength: float) -> list[Tensor]:
        """Paint `images` uint8 [N, H, W, 3] in the `style` float32 [D]."""


@dataclass(eq=False)
class _Request:
    images: Tensor
    style: Tensor
    size: tuple[int, int] | None
    strength: float
    painted: list[Tensor] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return bool(self.painted or self.error)

    @property
    def kind(self) -> tuple[object, ...]:
        """What goes together has the same."""
        return self.images.shape, self.images.dtype, self.style.data_ptr(), self.size, self.strength


class Batches:
    """`runtime` for several streams, each in a thread of its own; called as `runtime` is.

    There is no clock: while one batch is painted others wait, and those of one shape and in one style, the same tensor,
    become the next batch. So a stream alone waits for nobody, and of several each waits for those that came before it
    and no others. Batches are of 1, 2, 4 or 8 pictures, as each number needs memory of its own on a card. All streams
    use the default stream of the card.
    """

    def __init__(self, runtime: Batchable) -> None:
        self._runtime = runtime
        self.device, self.dtype = runtime.device, runtime.dtype
        self._waiting: deque[_Request] = deque()
        self._turn = threading.Lock()
        self._styles: WeakValueDictionary[bytes, Tensor] = WeakValueDictionary()

    @property
    def seconds(self) -> float:
        """What the last run took, for all its pictures."""
        return self._runtime.seconds

    def style(self, vector: NDArray[np.float32]) -> Tensor:
        """As the runtime's own; streams in one style have the same tensor, by which `run` knows them."""
        key = hashlib.blake2b(vector.tobytes()).digest()
        there = self._styles.get(key)
        return self._styles.setdefault(key, self._runtime.style(vector)) if there is None else there

    def run(
        self, images: Tensor, style: Tensor, size: tuple[int, int] | None = None, strength: float = 1.0
    ) -> list[Tensor]:
        """As the runtime's own. Raises what that raises, and ValueError for no picture at all."""
        if len(images) == 0:
            raise ValueError("a batch has at least one picture")
        mine = _Request(images, style, size, strength)
        self._waiting.append(mine)
        with self._turn:
            while not mine.done:
                self._serve()
        if mine.error:
            raise mine.error
        return mine.painted

    def _serve(self) -> None:
        """Paint those that came first, of one kind."""
        batch = self._batch()
        try:
            self._paint(batch)
        except ValueError:  # of one of them, and the others shall not suffer
            for request in batch:
                try:
                    self._paint([request])
                except ValueError as error:
                    request.error = error
        except BaseException as error:
            for request in batch:
                request.error = error

    def _paint(self, batch: list[_Request]) -> None:
        first = batch[0]
        images = first.images if len(batch) == 1 else torch.cat([request.images for request in batch])
        painted = iter(self._runtime.run(images, first.style, first.size, first.strength))
        for request in batch:
            request.painted = [next(painted) for _ in request.images]

    def _batch(self) -> list[_Request]:
        kind, size = self._waiting[0].kind, len(self._waiting[0].images)
        alike = [request for request in list(self._waiting) if request.kind == kind]
        most = max(1, min(len(alike), MOST // size))
        batch = alike[: 1 << (most.bit_length() - 1)]
        for request in batch:
            self._waiting.remove(request)
        return batch
