"""Painting one stream with a pack: all but where the network runs."""

from dataclasses import replace
from typing import Any, ClassVar

from murai.controls import Controls
from murai.packs import StylePack
from murai.stylizers import compose


class PackStylizer:
    """Paints one stream with a pack. Pictures are uint8 [H, W, 3] RGB.

    Each is painted by itself, unless the control `calm` holds back the noise of what stands still, see `Calm`.

    The network works at a share of the picture's size, see `compose.fit`, and finds coefficients, by which the picture
    is painted at its own size. `size` (width, height) asks for a work size, `None` for the usual one.
    `network_seconds` is what the network took for the last picture, on a card with all that is done there.

    Subclasses say how to `_run` a runtime, and by which `_arithmetic`, functions called as those of `compose`,
    pictures are worked on where it runs. `calm` is a `Calm` for such pictures.
    """

    _arithmetic: ClassVar[Any] = compose
    _now: tuple[Controls, Any]

    def __init__(self, pack: StylePack, size: tuple[int, int] | None, calm: Any) -> None:
        if size is not None and min(size) < 1:
            raise ValueError(f"a work size is at least 1x1, not {size[0]}x{size[1]}")
        self.pack, self.size, self._calm = pack, size, calm
        self._works_at = (0, 0)
        self.network_seconds = 0.0
        self.use(Controls())

    @property
    def mix(self) -> dict[str, float]:
        """The weights of the styles painted now."""
        return dict(self._now[0].mix)

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on; an empty mix is the pack's first style. Raises UnknownStyle."""
        controls = replace(controls, mix=controls.mix or {self.pack.names[0]: 1.0})
        same = hasattr(self, "_now") and self._style(controls) == self._style(self._now[0])
        vector = self._now[1] if same else self._there(self.pack.vector(controls.mix, controls.boldness))
        self._now = controls, vector  # one assignment, as another thread may be painting

    def reset(self) -> None:
        """Forget the pictures before."""
        self._calm.reset()

    def __call__(self, image: Any) -> Any:
        """The painting of `image`, same shape; `image` itself at strength 0. Raises ValueError for another kind."""
        if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape or str(image.dtype).rpartition(".")[2] != "uint8":
            raise ValueError(f"a picture is uint8 [height, width, 3], RGB, not {image.dtype} {list(image.shape)}")
        controls, vector = self._now
        self.network_seconds = 0.0
        return image if controls.strength == 0 else self._painting(image, controls, vector)

    def _painting(self, image: Any, controls: Controls, vector: Any) -> Any:
        height, width = image.shape[:2]
        self._works_at = compose.work_size(width, height, self.size, controls.stroke_size)
        image = self._calm(image, controls.calm, max(1, round(width / self._works_at[0])))
        painted = self._run(image, vector, self._works_at, controls.strength)
        return self._arithmetic.keep_colors(image, painted) if controls.keep_colors else painted

    @staticmethod
    def _style(controls: Controls) -> tuple[Any, ...]:
        """What decides the weights."""
        return dict(controls.mix), controls.boldness

    def _there(self, vector: Any) -> Any:
        """A style [D] where the network runs."""
        return vector

    def _run(self, image: Any, vector: Any, size: tuple[int, int], strength: float) -> Any:
        """The painting of `image` found at the work size `size`; sets `network_seconds`."""
        raise NotImplementedError
