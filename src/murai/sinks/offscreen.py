"""A screen that nobody sees: what a window draws, into the memory of the card (EGL)."""

import moderngl
import numpy as np

from murai.errors import Say, SinkError, silent
from murai.frame import Frame, Image, StreamInfo
from murai.sinks.surface import Surface


class OffscreenSink:
    """Draws every frame as a window does, without a display; `write` returns once it is drawn.

    size   width and height of the screen in pixels; by default those of the input
    say    hears where pictures on a card have to go through the host

    Raises SinkError from the first `write` where there is no OpenGL 3.3 by EGL.
    """

    lossless = False
    essential = True

    def __init__(self, size: tuple[int, int] | None = None, *, say: Say = silent) -> None:
        self._size, self._say = size, say
        self._surface: Surface | None = None

    def open(self, info: StreamInfo) -> None:
        """Take the size of the input where none was given."""
        self._size = self._size or (info.width, info.height)

    def write(self, frame: Frame) -> None:
        """Draw `frame`."""
        assert self._size is not None
        surface = self._surface or self._start(self._size)
        surface.upload(frame.image)
        surface.draw(*self._size)
        self._context.finish()

    def read(self) -> Image:
        """What is on the screen. Only by the thread that writes."""
        pixels = np.frombuffer(self._screen.read(), np.uint8).reshape(*self._screen.size[::-1], 3)
        return np.ascontiguousarray(pixels[::-1])

    def close(self, complete: bool = True) -> None:
        """Free what is on the card."""
        if self._surface is not None:
            self._surface.close()
        self._surface = None

    def _start(self, size: tuple[int, int]) -> Surface:
        """On the thread that draws, to which a context belongs."""
        try:
            self._context = moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
        except Exception as error:  # moderngl raises Exception itself
            raise SinkError(f"Nothing can be drawn without a display here ({error}); install EGL.") from error
        self._screen = self._context.simple_framebuffer(size, 3)
        self._surface = Surface(self._say, context=self._context, screen=self._screen)
        return self._surface
