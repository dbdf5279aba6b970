"""Painting one stream with a pack: all but where the network runs."""

from dataclasses import replace
from typing import Any, ClassVar

from murai.controls import Controls
from murai.packs import StylePack
from murai.stylizers import compose


class PackStylizer:
    """Paints one stream with a pack. Pictures are uint8 [H, W, 3] RGB.

    Each is painted by itself, unless the control `calm` holds back the noise of what stands still, see `Calm`.

    `size` (width, height) is the network's work size: larger pictures are shrunk to fit in it, and the painting is
    brought back with the picture as a guide to its edges. A strength below 1 moves the style vector towards that of the
    unpainted picture, or, where the pack has none, mixes pixels. `network_seconds` is what the network alone took for
    the last picture.

    Subclasses say how to `_run` the network, and by which `_arithmetic`, functions called as those of `compose`,
    pictures are worked on where it runs. `calm` is a `Calm` for such pictures.
    """

    _arithmetic: ClassVar[Any] = compose

    def __init__(self, pack: StylePack, size: tuple[int, int] | None, calm: Any) -> None:
        if size is not None and min(size) < 1:
            raise ValueError(f"a work size is at least 1x1, not {size[0]}x{size[1]}")
        self.pack, self.size, self._calm = pack, size, calm
        self._painted_at = (0, 0)
        self.network_seconds = 0.0
        self.use(Controls())

    @property
    def mix(self) -> dict[str, float]:
        """The weights of the styles painted now."""
        return dict(self._now[0].mix)

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on; an empty mix is the pack's first style. Raises UnknownStyle."""
        controls = replace(controls, mix=controls.mix or {self.pack.names[0]: 1.0})
        vector = self._there(self.pack.vector(controls.mix, controls.strength)[None])
        self._now = controls, vector  # one assignment, as another thread may be painting

    def reset(self) -> None:
        """Forget the pictures before."""
        self._calm.reset()

    def __call__(self, image: Any) -> Any:
        """The painting of `image`, same shape; `image` itself at strength 0."""
        controls, vector = self._now
        self.network_seconds = 0.0
        return image if controls.strength == 0 else self._painting(image, controls, vector)

    def _painting(self, image: Any, controls: Controls, vector: Any) -> Any:
        small, painted = self._painted(image, controls, vector)
        by_vector = self.pack.photograph is not None
        edges = compose.EDGES * (1 - controls.calm)  # the picture's detail has the noise that calm holds back
        edges = max(edges, 1 - controls.strength if by_vector else 0)
        painted = self._arithmetic.enlarge(painted, small, image, edges)
        if controls.keep_colors:
            painted = self._arithmetic.keep_colors(image, painted)
        return painted if by_vector else self._arithmetic.mix(image, painted, controls.strength)

    def _painted(self, image: Any, controls: Controls, vector: Any) -> tuple[Any, Any]:
        """The picture at the work size, and its painting."""
        height, width = image.shape[:2]
        stroke_size = round(2 * controls.stroke_size) / 2  # each size is prepared, so there are few
        at = (max(1, round(side / stroke_size)) for side in compose.fit(width, height, self.size))
        small = self._arithmetic.shrink(image, *at)
        self._painted_at = small.shape[1], small.shape[0]
        return small, self._run(self._calm(small, controls.calm), vector)

    def _there(self, vector: Any) -> Any:
        """Style vectors [1, D] where the network runs."""
        return vector

    def _run(self, image: Any, vector: Any) -> Any:
        """The painting of `image` by the network alone; sets `network_seconds`."""
        raise NotImplementedError
