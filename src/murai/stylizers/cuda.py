"""Painting on a card with torch: half precision, and one CUDA graph for each size of picture.

Pictures that are on the card stay there; those of the host are taken there and back. Where there is no card the same
code runs on the CPU, plainly and in float32, which is how it is tested there.
"""

import copy
from collections import OrderedDict, deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from murai.controls import Controls
from murai.errors import PackError, RuntimeUnsupported, Say, first_line, silent
from murai.nets import VERSION, restore
from murai.nets.base import Coefficients, StylizationNetwork
from murai.nets.graph import StyleGraph
from murai.packs import StylePack
from murai.stylizers import compose, tensors
from murai.stylizers.base import PackStylizer
from murai.stylizers.batches import Batchable

WARM_UP = 3
"""Runs before a graph is captured: the libraries choose their kernels in them."""
SHAPES = 12
"""Shapes of batches that stay captured: three sizes of 1, 2, 4 and 8 pictures."""
AHEAD = 2
"""Runs that the host may be ahead of the card, so that delay does not pile up there."""
SMALLER = 2 / 3
"""What is left of the work size, in each direction, where the card's memory does not suffice."""
SMALLEST = 64
"""Pixels a side below which it is given up."""


class TorchRuntime:
    """An architecture with torch: pictures and a style in, paintings out, nothing remembered between calls.

    `device` is "cuda", "cuda:1" ... or "cpu". On a card it calculates in float16, with its statistics in float32, on a
    stream of its own, and a size is captured as a CUDA graph when it first comes. The style is an input of the graph,
    so that another style needs no other graph. `network` says how to calculate; its weights do not count. Not for
    several threads at once.

    Raises RuntimeUnsupported without a card.
    """

    def __init__(self, network: StylizationNetwork, device: str = "cuda", *, dtype: torch.dtype | None = None) -> None:
        self.device = find_device(device)
        on_card = self.device.type == "cuda"
        self.dtype = dtype or (torch.float16 if on_card else torch.float32)
        plain = copy.deepcopy(network).eval().requires_grad_(False).to(self.device, self.dtype)
        self._paint = Painting(StyleGraph(plain, self.dtype))
        self._stream = torch.cuda.Stream(self.device) if on_card else None  # type: ignore[no-untyped-call]
        card = self.device if on_card else None
        self._clock, self._backlog = _Clock(card), _Backlog(card)
        self._shapes: OrderedDict[tuple[int, ...], _Shape] = OrderedDict()
        self.style_size = network.style_size

    def style(self, vector: NDArray[np.float32]) -> Tensor:
        """`vector` [D] on the device."""
        there = torch.from_numpy(vector)
        if self.device.type == "cuda":
            there = there.pin_memory()  # else the host would wait for the card at every step of a fade
        return there.to(self.device, non_blocking=True)

    def run(
        self, images: Tensor, style: Tensor, size: tuple[int, int] | None = None, strength: float = 1.0
    ) -> list[Tensor]:
        """Paint `images` uint8 [N, H, W, 3] on the device in the `style` float32 [D].

        The network works at `size` (width, height), both even; None is the pictures' own, made even. The result is N
        paintings [H, W, 3]. On a card they are ready for what is put on the stream that is current here. Raises
        ValueError for other shapes and types, torch.OutOfMemoryError.
        """
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != torch.uint8:
            raise ValueError(f"images are uint8 [N, H, W, 3], not {images.dtype} {tuple(images.shape)}")
        if style.shape != (self.style_size,) or style.dtype != torch.float32:
            raise ValueError(f"a style is float32 [{self.style_size}], not {style.dtype} {tuple(style.shape)}")
        height, width = images.shape[1:3]
        size = size or compose.work_size(width, height, (width, height), 1.0)
        try:
            painted = self._paint_at(images, size, style, strength)
        except torch.OutOfMemoryError:  # what was prepared for other shapes holds memory of its own
            self._shapes.clear()
            painted = self._paint_at(images, size, style, strength)
        self._backlog.add()
        return list(painted)

    def _paint_at(self, images: Tensor, size: tuple[int, int], style: Tensor, strength: float) -> Tensor:
        with torch.inference_mode(), self._clock:
            return self._shape(images, size).paint(images, style, strength)

    @property
    def seconds(self) -> float:
        """What the last run took; on a card the last one that is done, since nobody waits for one."""
        return self._clock.seconds

    def _shape(self, images: Tensor, size: tuple[int, int]) -> "_Shape":
        shape = *images.shape, *size
        if shape not in self._shapes:
            self._shapes[shape] = _Shape(self._paint, images, size, self.style_size, self._stream)
            if len(self._shapes) > SHAPES:
                self._shapes.popitem(last=False)
        self._shapes.move_to_end(shape)
        return self._shapes[shape]


class Painting(torch.nn.Module):
    """The whole way on tensors: shrink, find the coefficients, apply them to the pictures as they came."""

    def __init__(self, graph: StyleGraph) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, images: Tensor, style: Tensor, strength: Tensor, size: tuple[int, int]) -> Tensor:
        """Paint `images` uint8 [N, H, W, 3]; `strength` is [1], `size` (width, height) at which the network works."""
        whole = images.permute(0, 3, 1, 2).float() / 255
        small = images if (size[1], size[0]) == images.shape[1:3] else _shrunk(whole, size)
        found = [each.permute(0, 3, 1, 2) for each in self.graph(small, style)]
        painted = Coefficients(*found).paint(whole)
        mixed = whole + strength * (painted - whole)
        return (255 * mixed).round().to(torch.uint8).permute(0, 2, 3, 1)


def _shrunk(whole: Tensor, size: tuple[int, int]) -> Tensor:
    small = F.interpolate(whole, (size[1], size[0]), mode="bilinear", antialias=True, align_corners=False)
    return (255 * small).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


class _Clock:
    """Times what is done inside a `with`: on a `card` by its events, which are looked at once they have happened."""

    def __init__(self, card: torch.device | None) -> None:
        self._card, self._start, self.seconds = card, 0.0, 0.0
        self._running: Any = None
        self._timed: Any = None

    def __enter__(self) -> None:
        self._start = perf_counter()
        if self._card and self._timed is None:
            self._running = [torch.cuda.Event(enable_timing=True) for _ in range(2)]  # type: ignore[no-untyped-call]
            self._running[0].record(torch.cuda.current_stream(self._card))

    def __exit__(self, *_: object) -> None:
        if self._card is None:
            self.seconds = perf_counter() - self._start
            return
        if self._timed is None:
            self._running[1].record(torch.cuda.current_stream(self._card))
            self._timed = self._running
        if self._timed[1].query():
            self.seconds = self._timed[0].elapsed_time(self._timed[1]) / 1000
            self._timed = None


class _Backlog:
    """What a `card` has still to do. The host waits only where it is more than AHEAD runs."""

    def __init__(self, card: torch.device | None) -> None:
        self._card = card
        self._ends: deque[Any] = deque()

    def add(self) -> None:
        """Another run was given to the card."""
        if self._card is None:
            return
        self._ends.append(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
        self._ends[-1].record(torch.cuda.current_stream(self._card))
        if len(self._ends) > AHEAD and not (oldest := self._ends.popleft()).query():
            oldest.synchronize()


class _Shape:
    """The way for pictures of one shape at one work size: its inputs and its output lie at fixed places."""

    def __init__(
        self,
        paint: Painting,
        images: Tensor,
        size: tuple[int, int],
        style_size: int,
        stream: "torch.cuda.Stream | None",
    ) -> None:
        self._stream = stream
        self._images, self._output = torch.empty_like(images), torch.empty_like(images)
        self._style, self._strength = (images.new_zeros(n, dtype=torch.float32) for n in (style_size, 1))

        def run() -> object:
            return self._output.copy_(paint(self._images, self._style, self._strength, size))

        self._run = run
        self._replay: Callable[[], object] | None = None if stream else run

    def paint(self, images: Tensor, style: Tensor, strength: float) -> Tensor:
        """A painting of its own; on a card for what is put on the stream that is current here."""
        if self._stream is None:
            self._fill(images, style, strength)
            return self._output.clone()
        current = torch.cuda.current_stream(images.device)
        self._stream.wait_stream(current)  # each waits for the other, the host for neither
        with torch.cuda.stream(self._stream):
            self._fill(images, style, strength)
        current.wait_stream(self._stream)
        return self._output.clone()

    def _fill(self, images: Tensor, style: Tensor, strength: float) -> None:
        self._images.copy_(images, non_blocking=True)
        self._style.copy_(style, non_blocking=True)
        self._strength.fill_(strength)
        self._replay = self._replay or self._captured()
        self._replay()

    def _captured(self) -> Callable[[], object]:
        """The network as a CUDA graph: one launch instead of one for each kernel."""
        for _ in range(WARM_UP):
            self._run()
        graph = torch.cuda.CUDAGraph()
        # Other threads decode, draw and encode meanwhile: only this one has to keep to what can be captured.
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            self._run()
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
        return f"{self._works_at[0]}x{self._works_at[1]} on {self.runtime.device} in {kind}"

    def _painting(self, image: Any, controls: Controls, vector: Tensor) -> Any:
        if isinstance(image, Tensor):
            while True:
                try:
                    return super()._painting(image, controls, vector)
                except torch.OutOfMemoryError:
                    self._shrink(*compose.fit(image.shape[1], image.shape[0], self.size))
        there = torch.tensor(np.ascontiguousarray(image), device=self.runtime.device)
        return self._painting(there, controls, vector).cpu().numpy()

    def _there(self, vector: NDArray[np.float32]) -> Tensor:
        return self.runtime.style(vector)

    def _run(self, image: Tensor, vector: Tensor, size: tuple[int, int], strength: float) -> Tensor:
        painted = self.runtime.run(image[None], vector, size, strength)[0]
        self.network_seconds = self.runtime.seconds
        return painted

    def _shrink(self, width: int, height: int) -> None:
        """Take a smaller `size` than that. Raises RuntimeUnsupported where nothing could be seen in it."""
        width, height = round(SMALLER * width), round(SMALLER * height)
        if min(self._works_at) * SMALLER < SMALLEST:
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
            f"there is no card '{name}' that torch can use here ({first_line(error)}); "
            "use --device cpu or leave --device out."
        ) from error
    return device


def network_of(pack: StylePack) -> StylizationNetwork:
    """The network of `pack`, in its first style. Raises PackError where it is not one that murai has."""
    architecture = pack.manifest.architecture
    try:
        if architecture.version != VERSION:
            raise ValueError("it was taught for an older calculation")
        return restore(architecture.name, architecture.arguments, torch.from_numpy(pack.vector({pack.names[0]: 1.0})))
    except ValueError as error:
        raise PackError(f"{pack.path}: a card cannot paint with its weights ({error}); use --device cpu.") from error
