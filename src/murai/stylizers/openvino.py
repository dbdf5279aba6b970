"""Painting on the CPU with OpenVINO."""

from collections import OrderedDict
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from murai.errors import PackError, RuntimeUnsupported, Say, silent
from murai.frame import Image
from murai.packs import StylePack, refuse_external_data
from murai.stylizers import compose
from murai.stylizers.apply import apply
from murai.stylizers.base import PackStylizer
from murai.stylizers.calm import Calm
from murai.stylizers.core import core, ov, prepared, read_graph, reason

Precision = Literal["auto", "f32", "bf16"]
TURNS = 4
"""Runs of each precision before one is chosen; the first of each is slow and does not count."""
CACHED = 8
"""Sizes that stay compiled."""
PORTS = {"image": "u8 of rank 4", "style": "f32 of rank 1", "strokes": "f32 of rank 4", "matrix": "f32 of rank 4"}


class OpenVINORuntime:
    """A pack's graph on the CPU: a picture and a style in, its painting out, nothing remembered between calls.

    `precision` "auto" becomes "f32" or "bf16" with the first pictures: where the CPU has bf16 both are timed and the
    faster stays, since some CPUs that have it are slower with it; `say` hears which. `threads`: None is all cores.
    `name` is for messages.
    Not for several threads at once. Raises PackError for a graph that is not a pack's, RuntimeUnsupported.
    """

    def __init__(
        self,
        model: bytes,
        *,
        precision: Precision = "auto",
        threads: int | None = None,
        name: str = "the network",
        say: Say = silent,
    ) -> None:
        self._model = _read(model, name)
        self._name = name
        self._threads, self._settings = threads, {} if threads is None else {"INFERENCE_NUM_THREADS": threads}
        self._say = say
        self._requests: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        bf16 = has_bf16()
        if precision == "bf16" and not bf16:
            raise RuntimeUnsupported("this CPU cannot calculate in bf16; use the precision f32 or auto.")
        self.precision: Precision = precision if bf16 else "f32"
        self.seconds = 0.0
        self.style_size = int(self._model.input("style").partial_shape[0].get_length())

    def run(
        self, image: Image, style: NDArray[np.float32], size: tuple[int, int] | None = None, strength: float = 1.0
    ) -> Image:
        """Paint `image` uint8 [H, W, 3] in `style` float32 [D]: uint8 [H, W, 3].

        The network works at `size` (width, height), both even; None is the picture's own, made even. At a `strength`
        below 1 the painting is mixed with the picture.
        """
        height, width = image.shape[:2]
        size = size or compose.work_size(width, height, (width, height), 1.0)
        return apply(image, *self.coefficients(compose.shrink(image, *size), style), strength, self._threads)

    def coefficients(self, image: Image, style: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How to paint `image` uint8 [h, w, 3], even sides, in `style` float32 [D].

        The results are strokes [h, w, 3] and matrix [h / 2, w / 2, 9], float32, valid until the next call.

        The first call with a size prepares the network for it. `seconds` is what the last one took, but for that.
        Raises ValueError for other shapes and types, PackError and RuntimeUnsupported where the network cannot be
        prepared.
        """
        if (
            image.ndim != 3
            or image.shape[2] != 3
            or image.dtype != np.uint8
            or image.shape[0] % 2
            or image.shape[1] % 2
        ):
            raise ValueError(f"an image is uint8 [h, w, 3] with even sides, not {image.dtype} {image.shape}")
        if style.shape != (self.style_size,) or style.dtype != np.float32:
            raise ValueError(f"a style is float32 [{self.style_size}], not {style.dtype} {style.shape}")
        inputs: dict[str, NDArray[Any]] = {"image": np.ascontiguousarray(image[None]), "style": style}
        request = self._request(inputs)
        start = perf_counter()
        try:
            found = request.infer(inputs, share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            raise PackError(f"{self._name} fails while it paints ({reason(error)}); get the pack again.") from error
        self.seconds = perf_counter() - start
        return found["strokes"][0], found["matrix"][0]

    def _request(self, inputs: dict[str, NDArray[Any]]) -> Any:
        shape = inputs["image"].shape
        if shape in self._requests:
            self._requests.move_to_end(shape)
        else:
            choose = self.precision == "auto"
            self._requests[shape] = self._fastest(inputs) if choose else self._compile(shape, self.precision)
            if len(self._requests) > CACHED:
                self._requests.popitem(last=False)
        return self._requests[shape]

    def _fastest(self, inputs: dict[str, NDArray[Any]]) -> Any:
        names: tuple[Precision, ...] = ("f32", "bf16")
        requests = {name: self._compile(inputs["image"].shape, name) for name in names}
        times = _take_turns(requests, inputs)
        self.precision = min(names, key=times.__getitem__)
        figures = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in times.items())
        self._say(f"painting in {self.precision}, the faster on this CPU ({figures}).")
        return requests[self.precision]

    def _compile(self, shape: tuple[int, ...], precision: Precision) -> Any:
        model = self._model.clone()
        try:
            model.reshape({"image": list(shape), "style": [self.style_size]})
        except RuntimeError as error:
            raise PackError(
                f"{self._name} does not take pictures of {shape[2]}x{shape[1]}; use another pack."
            ) from error
        wanted = {"strokes": list(shape), "matrix": [1, shape[1] // 2, shape[2] // 2, 9]}
        if any(model.output(name).partial_shape != ov.PartialShape(sides) for name, sides in wanted.items()):
            raise PackError(f"{self._name} paints {shape[2]}x{shape[1]} pictures at another size; use another pack.")
        try:
            return prepared(model, precision, **self._settings)
        except RuntimeError as error:
            raise RuntimeUnsupported(
                f"OpenVINO cannot prepare {self._name} on this CPU, which may lack AVX2 or SSE4.2; try another machine "
                f"({reason(error)})."
            ) from error


class OpenVINOStylizer(PackStylizer):
    """Paints one stream with a pack on the CPU, see `PackStylizer`. Pictures are numpy arrays.

    Raises PackError, RuntimeUnsupported.
    """

    def __init__(
        self,
        pack: StylePack,
        *,
        size: tuple[int, int] | None = None,
        precision: Precision = "auto",
        threads: int | None = None,
        say: Say = silent,
    ) -> None:
        name = f"the network of {pack.path}"
        self.runtime = OpenVINORuntime(pack.model, precision=precision, threads=threads, name=name, say=say)
        if self.runtime.style_size != pack.manifest.style_size:
            raise PackError(f"{pack.path}: its network takes other styles than it holds; get the pack again.")
        super().__init__(pack, size, Calm())

    @property
    def about(self) -> str:
        """Where and how large it paints, for a read-out."""
        return f"{self._works_at[0]}x{self._works_at[1]} on the CPU in {self.runtime.precision}"

    def _run(self, image: Image, vector: NDArray[np.float32], size: tuple[int, int], strength: float) -> Image:
        painted = self.runtime.run(image, vector, size, strength)
        self.network_seconds = self.runtime.seconds
        return painted


def has_bf16() -> bool:
    """Whether this CPU calculates in bf16."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _read(data: bytes, name: str) -> Any:
    """The graph, checked to be one that takes and gives what a pack's does. Raises PackError."""
    refuse_external_data(data, name)
    model = read_graph(data, name, "get the pack again")
    ports = [(name, port) for port in (*model.inputs, *model.outputs) for name in port.names]
    found = {name: f"{port.element_type.to_string()} of rank {port.partial_shape.rank}" for name, port in ports}
    if len(model.inputs) != 2 or not PORTS.items() <= found.items():
        raise PackError(f"{name} is not a style pack's: its inputs and outputs are {found}; get the pack again.")
    if model.input("style").partial_shape[0].is_dynamic:
        raise PackError(f"{name} does not say how long a style is; export the pack again.")
    return model


def _take_turns(requests: Mapping[Precision, Any], inputs: dict[str, NDArray[Any]]) -> dict[Precision, float]:
    """Seconds for the best run of each: in turns, so that whatever else the machine does slows all alike."""
    times: dict[Precision, list[float]] = {name: [] for name in requests}
    for _ in range(TURNS):
        for name, request in requests.items():
            start = perf_counter()
            request.infer(inputs, share_inputs=True)
            times[name].append(perf_counter() - start)
    return {name: min(took) for name, took in times.items()}
