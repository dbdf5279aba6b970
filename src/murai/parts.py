"""What a show is made of: anything of these shapes is a source, a sink or a stylizer."""

from collections.abc import Iterator
from typing import Any, Protocol

from murai.controls import Controls
from murai.frame import Frame, StreamInfo


class Source(Protocol):
    """Gives frames. `close` may come from another thread, twice, and wakes a blocked read."""

    @property
    def live(self) -> bool:
        """True where a late frame is worthless."""

    @property
    def info(self) -> StreamInfo:
        """Known before the first frame."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Free the device, file or socket."""


class Sink(Protocol):
    """Takes painted frames. `open` comes from the caller's thread, `write` and `close` after it from one other.

    lossless   every frame counts (a recording), also from a live source
    essential  its failure ends the show
    """

    lossless: bool
    essential: bool

    def open(self, info: StreamInfo) -> None:
        """Get ready for pictures like these. Frames of another size may follow after a change of source."""

    def write(self, frame: Frame) -> None:
        """Show, store or send one frame."""

    def close(self, complete: bool = True) -> None:
        """Finish. `complete` is False when the run failed: an output that is not whole must not appear."""


class Stylizer(Protocol):
    """Paints one stream, picture after picture."""

    def __call__(self, image: Any) -> Any:
        """The painting of `image`: same shape, same type."""

    def use(self, controls: Controls) -> None:
        """Paint like this from the next picture on."""

    def reset(self) -> None:
        """Forget the pictures before: a new source, size or scene."""
