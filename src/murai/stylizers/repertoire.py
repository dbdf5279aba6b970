"""Every style of every pack behind one stylizer, so that a show can walk through them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from murai.controls import Controls
from murai.errors import PackError, RuntimeUnsupported, UnknownStyle
from murai.frame import Image
from murai.packs import StylePack
from murai.parts import Stylizer


class Repertoire:
    """Paints with any of `packs`: in a mix, PACK/NAME changes to that pack and NAME stays in the one in use.

    Of packs with one name the first counts, but `current`, which paints first, before all. A pack is opened by
    `open_pack` when it is first asked for, and stays open.
    """

    def __init__(self, packs: Sequence[StylePack], current: StylePack, open_pack: Callable[[StylePack], Stylizer]):
        self._packs: dict[str, StylePack] = {}
        for pack in packs:
            self._packs.setdefault(pack.name, pack)
        self._packs[current.name] = current
        self._open_pack = open_pack
        self._open = {current.name: open_pack(current)}
        self._current = current.name
        self._ready: tuple[int, int] | None = None
        self._size: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """The work size of all packs, where it was changed; None is what `open_pack` gave them."""
        return self._size

    @size.setter
    def size(self, size: tuple[int, int] | None) -> None:
        self._size = size
        for stylizer in self._open.values():
            stylizer.size = size  # type: ignore[attr-defined]

    @property
    def names(self) -> tuple[str, ...]:
        """PACK/NAME of every style."""
        return tuple(f"{pack.name}/{name}" for pack in self._packs.values() for name in pack.names)

    @property
    def network_seconds(self) -> float:
        """What the network alone took for the last picture, where its stylizer tells; 0 where it does not."""
        return float(getattr(self._open[self._current], "network_seconds", 0.0))

    @property
    def about(self) -> str:
        """The pack that paints, where and how large."""
        return f"{self._current}, {getattr(self._open[self._current], 'about', 'nothing known')}"

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on.

        Raises UnknownStyle, also for a blend across packs and a pack that does not open; all stays as it was then.
        """
        name, mix = self._place(controls.mix)
        if name not in self._open:
            self._open[name] = self._opened(name)
        self._open[name].use(replace(controls, mix=mix))
        if name != self._current:
            self._open[name].reset()  # what it painted last is another scene by now
        self._current = name

    def reset(self) -> None:
        """Forget the pictures before."""
        self._open[self._current].reset()

    def __call__(self, image: Image) -> Image:
        """The painting of `image`: uint8, same shape."""
        self._ready = image.shape[0], image.shape[1]
        painted: Image = self._open[self._current](image)
        return painted

    def prepare(self, width: int, height: int) -> None:
        """Get ready for pictures of this size, so that the first is not late. Raises PackError, RuntimeUnsupported."""
        self._ready = height, width
        _prepare(self._open[self._current], self._ready)

    def _opened(self, name: str) -> Stylizer:
        try:
            stylizer = self._open_pack(self._packs[name])
            if self._size is not None:
                stylizer.size = self._size  # type: ignore[attr-defined]
            if self._ready:
                _prepare(stylizer, self._ready)
            return stylizer
        except (PackError, RuntimeUnsupported) as error:
            raise UnknownStyle(f"the pack '{name}' cannot be used: {error}") from error

    def _place(self, mix: Mapping[str, float]) -> tuple[str, dict[str, float]]:
        places = {key.rpartition("/")[0] or self._current for key in mix} or {self._current}
        if len(places) > 1:
            raise UnknownStyle(f"a blend stays inside one pack, not {', '.join(sorted(places))}.")
        name = places.pop()
        if name not in self._packs:
            raise UnknownStyle(f"there is no pack '{name}'; there are {', '.join(self._packs)}.")
        return name, {key.rpartition("/")[2]: weight for key, weight in mix.items()}


def _prepare(stylizer: Stylizer, size: tuple[int, int]) -> None:
    """Paint a black picture of `size` (height, width): what a network needs for a size, it makes with the first."""
    stylizer(np.zeros((*size, 3), np.uint8))
