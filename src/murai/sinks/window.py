"""A window on the screen. The picture is written by any thread and drawn by the one that called `show`."""

import threading
from collections.abc import Callable
from typing import Any

import glfw

from murai.errors import SinkError
from murai.frame import Frame, StreamInfo
from murai.sinks.encode import fit, host
from murai.sinks.surface import Surface

NAMES = {
    glfw.KEY_LEFT: "left",
    glfw.KEY_RIGHT: "right",
    glfw.KEY_UP: "up",
    glfw.KEY_DOWN: "down",
    glfw.KEY_SPACE: "space",
    glfw.KEY_ESCAPE: "escape",
    **{glfw.KEY_F1 + number: f"f{number + 1}" for number in range(12)},
}
REPEATED = {"left", "right", "up", "down", ",", ".", "[", "]", "-", "="}
"""Keys that go on while they are held; all others count once."""
NO_MONITOR: Any = None
DEFAULT_SIZE = (1280, 720)
OnKey = Callable[[str], object]
IDLE_SECONDS = 0.1
"""How often `until` is asked while nothing happens."""


class WindowSink:
    """Shows the newest picture, as large as it fits, black around it.

    `write` and `close` may be called from any thread. `show` is called by the main thread and owns the window: it
    returns when the window is closed, when q or Escape is pressed, after `close`, or once `until()` is true.
    `on_shown` is called with each frame after it has been swapped onto the screen. `dropped` counts those that were
    replaced by a newer one before that, or still waited at `close`.

    size   width and height of the window in screen units; by default those of the input, within the monitor

    Raises SinkError at construction where there is no display, from `show` where it has no OpenGL 3.3.
    """

    lossless = False
    essential = False

    def __init__(self, title: str = "murai", *, fullscreen: bool = False, size: tuple[int, int] | None = None) -> None:
        self.on_shown: Callable[[Frame], None] | None = None
        self.dropped = 0
        self._title = title
        self._fullscreen = fullscreen
        self._size = size
        self._place = (0, 0, *DEFAULT_SIZE)
        self._lock = threading.Lock()
        self._waiting = False
        self._newest: Frame | None = None
        self._closed = False
        self._stale = True
        _start()

    def open(self, info: StreamInfo) -> None:
        """Take the size of the input as the size of a window that is not open yet."""
        self._size = self._size or (info.width, info.height)

    def write(self, frame: Frame) -> None:
        """Show `frame` next, instead of any that was not shown yet."""
        with self._lock:
            self.dropped += self._newest is not None
            self._newest = frame
            self._wake()

    def close(self, complete: bool = True) -> None:
        """Make `show` return."""
        with self._lock:
            self._closed = True
            self.dropped += self._newest is not None
            self._newest = None
            self._wake()

    def show(self, on_key: OnKey | None = None, until: Callable[[], bool] | None = None) -> None:
        """Open the window, draw and listen until the end. Keys but q, Escape and f go to `on_key` by name."""
        _start()
        window = self._create()
        try:
            glfw.set_key_callback(window, lambda *event: self._key(on_key, *event))
            glfw.set_framebuffer_size_callback(window, self._expose)
            glfw.set_window_refresh_callback(window, self._expose)
            if self._fullscreen:
                self._enter_fullscreen(window)
            self._loop(window, until)
        finally:
            with self._lock:
                self._waiting = False
            glfw.terminate()

    def _loop(self, window: Any, until: Callable[[], bool] | None) -> None:
        surface = Surface()
        with self._lock:
            self._waiting = True
        while not (self._closed or glfw.window_should_close(window) or (until is not None and until())):
            with self._lock:
                frame, self._newest = self._newest, None
            if frame is not None:
                surface.upload(host(frame))
            if frame is not None or self._stale:
                self._stale = False
                surface.draw(*glfw.get_framebuffer_size(window))
                glfw.swap_buffers(window)
            if frame is not None and self.on_shown is not None:
                self.on_shown(frame)
            glfw.wait_events_timeout(IDLE_SECONDS)
        surface.close()

    def _create(self) -> Any:
        monitor = glfw.get_video_mode(glfw.get_primary_monitor()).size
        wanted = self._size or DEFAULT_SIZE
        if wanted[0] > monitor.width or wanted[1] > monitor.height:
            wanted = fit(*wanted, (monitor.width, monitor.height))[2:]
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
        window = glfw.create_window(*wanted, self._title, None, None)
        if not window:
            glfw.terminate()
            raise SinkError("The window needs OpenGL 3.3, which this display does not offer: use another sink.")
        glfw.make_context_current(window)
        glfw.swap_interval(1)
        return window

    def _wake(self) -> None:
        if self._waiting:
            glfw.post_empty_event()

    def _expose(self, window: Any, *size: int) -> None:
        self._stale = True

    def _key(self, on_key: OnKey | None, window: Any, key: int, code: int, act: int, mods: int) -> None:
        name = _name(key, code)
        if act == glfw.RELEASE or name is None or mods & (glfw.MOD_CONTROL | glfw.MOD_ALT | glfw.MOD_SUPER):
            return
        if act == glfw.REPEAT and name not in REPEATED:
            return
        if name in ("q", "escape"):
            glfw.set_window_should_close(window, True)
        elif name == "f":
            self._toggle_fullscreen(window)
        elif on_key is not None:
            on_key(name)

    def _toggle_fullscreen(self, window: Any) -> None:
        if glfw.get_window_monitor(window):
            glfw.set_window_monitor(window, NO_MONITOR, *self._place, glfw.DONT_CARE)
            glfw.set_input_mode(window, glfw.CURSOR, glfw.CURSOR_NORMAL)
        else:
            self._enter_fullscreen(window)

    def _enter_fullscreen(self, window: Any) -> None:
        self._place = (*glfw.get_window_pos(window), *glfw.get_window_size(window))
        monitor = _monitor_of(window)
        mode = glfw.get_video_mode(monitor)
        glfw.set_window_monitor(window, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate)
        glfw.set_input_mode(window, glfw.CURSOR, glfw.CURSOR_HIDDEN)


def _start() -> None:
    """Connect to the display."""
    glfw.set_error_callback(_ignore)  # instead of a warning on standard error: what matters is raised
    if not glfw.init():
        raise SinkError("There is no display to open a window on: use another sink, a file or an address.")


def _ignore(code: int, text: str) -> None: ...


def _name(key: int, code: int) -> str | None:
    """A plain name for a key, by the letter it has in the user's layout where that is a plain one."""
    if key in NAMES:
        return NAMES[key]
    letter = glfw.get_key_name(key, code)
    if letter and letter.isascii() and letter.isprintable():
        return str(letter.lower())
    return chr(key).lower() if chr(key).isalnum() and key < 128 else None


def _monitor_of(window: Any) -> Any:
    """The monitor that holds the middle of the window."""
    (left, top), (width, height) = glfw.get_window_pos(window), glfw.get_window_size(window)
    x, y = left + width // 2, top + height // 2
    for monitor in glfw.get_monitors():
        (x0, y0), mode = glfw.get_monitor_pos(monitor), glfw.get_video_mode(monitor)
        if x0 <= x < x0 + mode.size.width and y0 <= y < y0 + mode.size.height:
            return monitor
    return glfw.get_primary_monitor()
