"""Painting on a card with torch: half precision, and one CUDA graph for each size of picture.

Pictures that are on the card stay there; those of the host are taken there and back. Where there is no card the same
code runs on the CPU, plainly and in float32, which is how it is tested there.
"""

import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from murai.controls import Controls
from murai.errors import PackError, RuntimeUnsupported, Say, silent
from murai.nets import VERSION, plain_copy, restore
from murai.nets.base import StylizationNetwork
from murai.nets.pixels import PixelGraph
from murai.packfiles import WEIGHTS
from murai.packs import StylePack
from murai.stylizers import compose, tensors
from murai.stylizers.base import PackStylizer
from murai.stylizers.batches import Batchable

WARM_UP = 3
"""Runs before a graph is captured: the libraries choose their kernels in them."""
SIZES = 8
"""Sizes and numbers of pictures that stay captured."""
AHEAD = 2
"""Runs that the host may be ahead of the card, so that delay does not pile up there."""
SMALLER = 2 / 3
"""What is left of the work size, in each direction, where the card's memory does not suffice."""
SMALLEST = 64
"""Pixels a side below which it is given up."""


class TorchRuntime:
    """A `network` with torch: pictures and style vectors in, paintings out, nothing remembered between calls.

    `device` is "cuda", "cuda:1" ... or "cpu". On a card it calculates in float16, with its statistics in float32, on a
    stream of its own, and a size is captured as a CUDA graph when it first comes. The style vectors are inputs of the
    graph, so that another style needs no other graph. Not for several threads at once.

    Raises RuntimeUnsupported without a card.
    """

    def __init__(self, network: StylizationNetwork, device: str = "cuda", *, dtype: torch.dtype | None = None) -> None:
        self.device = find_device(device)
        on_card = self.device.type == "cuda"
        self.dtype = dtype or (torch.float16 if on_card else torch.float32)
        plain = plain_copy(network).eval().requires_grad_(False).to(self.device, self.dtype)
        self._paint = PixelGraph(plain.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
        self._stream = torch.cuda.Stream(self.device) if on_card else None  # type: ignore[no-untyped-call]
        self._clock, self._backlog = _Clock(on_card), _Backlog(on_card)
        self._rings: OrderedDict[tuple[int, ...], _Ring] = OrderedDict()
        self.style_size = network.style_size

    def run(self, images: Tensor, styles: Tensor) -> list[Tensor]:
        """Paint `images` uint8 [N, H, W, 3] on the device, each with its row of `styles` float32 [N, D].

        The paintings, N of [H, W, 3], lie in one of a ring of buffers, which is painted into again once nobody holds
        any of them. On a card they are ready for what is put on the stream that is current here. Raises ValueError for
        other shapes and types, torch.OutOfMemoryError.
        """
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != torch.uint8:
            raise ValueError(f"images are uint8 [N, H, W, 3], not {images.dtype} {tuple(images.shape)}")
        if styles.shape != (len(images), self.style_size) or styles.dtype != torch.float32:
            wanted = f"float32 [{len(images)}, {self.style_size}]"
            raise ValueError(f"styles are {wanted}, not {styles.dtype} {tuple(styles.shape)}")
        with torch.inference_mode(), self._clock:
            painted = self._ring(images, styles).paint(images, styles)
        self._backlog.add()
        return painted

    @property
    def seconds(self) -> float:
        """What the last run took; on a card the last one that is done, since nobody waits for one."""
        return self._clock.seconds

    def _ring(self, images: Tensor, styles: Tensor) -> "_Ring":
        shape = tuple(images.shape)
        if shape not in self._rings:
            self._rings[shape] = _Ring(self._paint, images, styles, self._stream)
            if len(self._rings) > SIZES:
                self._rings.popitem(last=False)
        self._rings.move_to_end(shape)
        return self._rings[shape]


class _Clock:
    """Times what is done inside a `with`: on a card by its own events, which are looked at once they have happened."""

    def __init__(self, on_card: bool) -> None:
        self._on_card, self._start, self.seconds = on_card, 0.0, 0.0
        self._running: Any = None
        self._timed: Any = None

    def __enter__(self) -> None:
        self._start = perf_counter()
        if self._on_card and self._timed is None:
            self._running = [torch.cuda.Event(enable_timing=True) for _ in range(2)]  # type: ignore[no-untyped-call]
            self._running[0].record()

    def __exit__(self, *_: object) -> None:
        if not self._on_card:
            self.seconds = perf_counter() - self._start
            return
        if self._timed is None:
            self._running[1].record()
            self._timed = self._running
        if self._timed[1].query():
            self.seconds = self._timed[0].elapsed_time(self._timed[1]) / 1000
            self._timed = None


class _Backlog:
    """What a card has still to do. The host waits only where it is more than AHEAD runs."""

    def __init__(self, on_card: bool) -> None:
        self._on_card = on_card
        self._ends: deque[Any] = deque()

    def add(self) -> None:
        """Another run was given to the card."""
        if not self._on_card:
            return
        self._ends.append(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
        self._ends[-1].record()
        if len(self._ends) > AHEAD and not (oldest := self._ends.popleft()).query():
            oldest.synchronize()


@dataclass
class _Place:
    """One buffer of a ring: what fills it, and who holds it."""

    output: Tensor
    fill: Callable[[], object]
    holders: Sequence["weakref.ref[Tensor]"] = ()

    @property
    def free(self) -> bool:
        return all(holder() is None for holder in self.holders)

    def paintings(self) -> list[Tensor]:
        """Its pictures; while one of them is held, it is not free."""
        paintings = list(self.output)
        self.holders = [weakref.ref(painting) for painting in paintings]
        return paintings


class _Ring:
    """The network for one shape: its inputs at fixed places, and as many outputs as are held at once.

    All outputs of a card share one pool of memory for what lies between input and output.
    """

    def __init__(self, paint: PixelGraph, images: Tensor, styles: Tensor, stream: "torch.cuda.Stream | None") -> None:
        self._paint, self._stream = paint, stream
        self._images, self._styles = torch.empty_like(images), torch.empty_like(styles)
        self._pool = torch.cuda.graph_pool_handle() if stream else None
        self.places: list[_Place] = []

    def paint(self, images: Tensor, styles: Tensor) -> list[Tensor]:
        """Into a buffer that nobody holds; a new one where all are held."""
        if self._stream is None:
            place = self._fill(images, styles)
        else:  # each waits for the other, the host for neither
            current = torch.cuda.current_stream(images.device)
            self._stream.wait_stream(current)
            with torch.cuda.stream(self._stream):
                place = self._fill(images, styles)
            current.wait_stream(self._stream)
        return place.paintings()

    def _fill(self, images: Tensor, styles: Tensor) -> _Place:
        self._images.copy_(images, non_blocking=True)
        self._styles.copy_(styles, non_blocking=True)
        place = next((place for place in self.places if place.free), None)
        if place is None:
            place = self._add()
        place.fill()
        return place

    def _add(self) -> _Place:
        output = torch.empty_like(self._images)

        def run() -> object:
            return output.copy_(self._paint(self._images, self._styles))

        self.places.append(_Place(output, run if self._stream is None else self._captured(run)))
        return self.places[-1]

    def _captured(self, run: Callable[[], object]) -> Callable[[], object]:
        """`run` as a CUDA graph: one launch instead of one for each kernel."""
        for _ in range(WARM_UP):
            run()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            run()
        return graph.replay


class TorchStylizer(PackStylizer):
    """Paints one stream with a pack on a card, see `PackStylizer`. Pictures are tensors there, or numpy arrays.

    Where the card's memory does not suffice the work size becomes smaller, and `say` hears it. Streams of one pack may
    share a `runtime`, see `Batches`. Raises PackError, RuntimeUnsupported.
    """

    _arithmetic: ClassVar[Any] = tensors

    def __init__(
        self,
        pack: StylePack,
        *,
        device: str = "cuda",
        size: tuple[int, int] | None = None,
        runtime: Batchable | None = None,
        say: Say = silent,
    ) -> None:
        self.runtime, self._say = runtime or TorchRuntime(network_of(pack), device), say
        super().__init__(pack, size, tensors.Calm())

    @property
    def about(self) -> str:
        """Where and how large it paints, for a read-out."""
        kind = str(self.runtime.dtype).removeprefix("torch.")
        return f"{self._painted_at[0]}x{self._painted_at[1]} on {self.runtime.device} in {kind}"

    def _painting(self, image: Any, controls: Controls, vector: Tensor) -> Any:
        if not isinstance(image, np.ndarray):
            return super()._painting(image, controls, vector)
        there = torch.tensor(np.ascontiguousarray(image), device=self.runtime.device)
        return super()._painting(there, controls, vector).cpu().numpy().copy()  # not the memory of the ring

    def _painted(self, image: Tensor, controls: Controls, vector: Tensor) -> tuple[Tensor, Tensor]:
        while True:
            try:
                return super()._painted(image, controls, vector)
            except torch.OutOfMemoryError:
                self._shrink(*compose.fit(image.shape[1], image.shape[0], self.size))

    def _there(self, vector: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(vector).to(self.runtime.device)

    def _run(self, image: Tensor, vector: Tensor) -> Tensor:
        painted = self.runtime.run(image[None], vector)[0]
        self.network_seconds = self.runtime.seconds
        return painted

    def _shrink(self, width: int, height: int) -> None:
        """Take a smaller work size than that. Raises RuntimeUnsupported where it would be too small to see."""
        width, height = round(SMALLER * width), round(SMALLER * height)
        if min(self._painted_at) * SMALLER < SMALLEST:
            raise RuntimeUnsupported(
                f"the memory of {self.runtime.device} does not suffice to paint; end what else uses the card, or use "
                "--device cpu."
            )
        self.size = width, height
        self._say(f"painting at {width}x{height}, since the memory of {self.runtime.device} does not suffice for more.")


def find_device(name: str) -> torch.device:
    """The device of that name. Raises RuntimeUnsupported where it is not there."""
    try:
        device = torch.device(name)
        if device.type == "cuda":
            torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        raise RuntimeUnsupported(
            f"there is no card '{name}' that torch can use here ({str(error).splitlines()[0].rstrip('.')}); "
            "use --device cpu or leave --device out."
        ) from error
    return device


def network_of(pack: StylePack) -> StylizationNetwork:
    """The network of `pack`. Raises PackError where its weights are not those of one that murai has."""
    architecture = pack.manifest.architecture
    weights = {name: torch.from_numpy(array.copy()) for name, array in pack.tensors.items()}
    try:
        if architecture.version != VERSION:
            raise ValueError("they were taught for an older calculation")
        return restore(architecture.name, architecture.arguments, weights)
    except ValueError as error:
        raise PackError(
            f"{pack.path}: a card cannot paint with its weights, see {WEIGHTS} ({error}); use --device cpu."
        ) from error
