"""A window on the screen. The picture is written by any thread and drawn by the one that called `show`."""

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import glfw
import numpy as np
from numpy.typing import NDArray

from murai.devices import choose, listed
from murai.errors import Say, SinkError, silent
from murai.frame import Frame, Image, StreamInfo
from murai.sinks.encode import fit
from murai.sinks.surface import STRAIGHT, Surface, View

NAMES = {
    glfw.KEY_LEFT: "left",
    glfw.KEY_RIGHT: "right",
    glfw.KEY_UP: "up",
    glfw.KEY_DOWN: "down",
    glfw.KEY_SPACE: "space",
    glfw.KEY_ESCAPE: "escape",
    glfw.KEY_TAB: "tab",
    glfw.KEY_ENTER: "enter",
    glfw.KEY_BACKSPACE: "backspace",
    glfw.KEY_KP_ENTER: "enter",
    # A digit is its key, whatever that writes: on a French keyboard it writes another sign without shift.
    **{first + number: str(number) for first in (glfw.KEY_0, glfw.KEY_KP_0) for number in range(10)},
    **{glfw.KEY_F1 + number: f"f{number + 1}" for number in range(12)},
}
REPEATED = {"left", "right", "up", "down", ",", ".", "[", "]", "-", "=", "k", "l", "n", "m"}
"""Keys that go on while they are held; all others count once."""
NO_MONITOR: Any = None
DEFAULT_SIZE = (1280, 720)
OnKey = Callable[[str], object]
OnMouse = Callable[[str, float, float], object]
"""Hears "press", "move" or "release" of the left button, and where, in shares of the window from its top left."""
USUAL_RATE = 60
"""Pictures a second of a monitor that does not say."""
IDLE_SECONDS = 0.1
"""How often `until` is asked while nothing happens."""
DISPLAY_SECONDS = 1.0
"""How often a window that fills its monitor is compared with it: monitors are unplugged, come back, change mode."""


class WindowSink:
    """Shows the newest picture, as large as it fits, black around it.

    `write` and `close` may be called from any thread. `show` is called by the main thread and owns the window: it
    returns when the window is closed, when q or Escape is pressed, after `close`, or once `until()` is true. On the
    whole screen it follows its monitor to another mode, and goes to another monitor while that one is gone.
    `on_shown` is called with each frame after it has been swapped onto the screen. `dropped` counts those that were
    replaced by a newer one before that, or still waited at `close`.

    size      width and height of the window in screen units; by default those of the input, within the monitor
    monitor   the number, from 1, or a part of the name of the monitor to open on; None is the first
    kiosk     no pointer over the picture, and no key or button of the window ends it
    beside    it stands beside the window of another program: it leaves the keyboard to that, and ends where the monitor
              it fills is gone
    steady    draw at the rate of the monitor, whether there is a new picture or not
    say       hears where pictures on a card have to go through the host

    `presented` counts what was swapped onto the screen, the same picture again with `steady`. `size_now` is the size
    in pixels of what is drawn into.

    Raises SinkError at construction where there is no display or no such monitor, from `show` where there is no
    OpenGL 3.3.
    """

    lossless = False
    essential = False

    def __init__(
        self,
        title: str = "murai",
        *,
        fullscreen: bool = False,
        size: tuple[int, int] | None = None,
        monitor: str | None = None,
        steady: bool = False,
        kiosk: bool = False,
        beside: bool = False,
        say: Say = silent,
    ) -> None:
        self._say = say
        self.on_shown: Callable[[Frame], None] | None = None
        self.dropped = self.presented = 0
        self.size_now = (0, 0)
        self._title = title
        self._monitor, self._steady, self._kiosk, self._beside = monitor, steady, kiosk, beside
        self._fullscreen = fullscreen
        self._hidden = False  # the pointer
        self._home = ""  # the name of the monitor that the window is to fill
        self._filled: tuple[str, int, int] | None = None  # the one it fills, as it was then
        self._size = size
        self._place = (0, 0, *DEFAULT_SIZE)
        self._lock = threading.Lock()
        self._waiting = False
        self._newest: Frame | None = None
        self._closed = False
        self._stale = True
        self._view = STRAIGHT
        self._card: Image | None = None
        self._overlay: NDArray[np.uint8] | None = None
        self._picture: Any = None
        self._shown: Any = None  # what the surface holds
        self._laid: object = None
        _start()
        _choose(monitor)

    def look(self, view: View, card: Image | None = None) -> None:
        """Show pictures like `view` from now on; where there is a `card`, it is shown in place of them."""
        with self._lock:
            self._view, self._card, self._stale = view, card, True
            self._wake()

    def lay_over(self, overlay: NDArray[np.uint8] | None) -> None:
        """Draw `overlay` (H x W x 4, uint8, RGBA) over the top left of the window, pixel for pixel."""
        with self._lock:
            self._overlay, self._stale = overlay, True
            self._wake()

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

    def show(
        self,
        on_key: OnKey | None = None,
        until: Callable[[], bool] | None = None,
        on_mouse: OnMouse | None = None,
    ) -> None:
        """Open the window, draw and listen until the end. Keys but q, Escape and f go to `on_key` by name.

        `until` is asked again and again, ten times a second and more.
        """
        _start()
        window = self._create()
        try:
            glfw.set_key_callback(window, lambda *event: self._key(on_key, *event))
            if on_mouse is not None:
                _listen_to_mouse(window, on_mouse)
            glfw.set_framebuffer_size_callback(window, self._expose)
            glfw.set_window_refresh_callback(window, self._expose)
            if self._fullscreen:
                self._enter_fullscreen(window)
            with closing(Surface(self._say)) as surface:
                self._loop(surface, window, until)
        finally:
            with self._lock:
                self._waiting = False
            glfw.terminate()

    def _loop(self, surface: Surface, window: Any, until: Callable[[], bool] | None) -> None:
        beat, next_look = _Beat(window) if self._steady else None, 0.0
        with self._lock:
            self._waiting = True
        while not (self._closed or self._left(window) or (until is not None and until())):
            with self._lock:
                frame, self._newest = self._newest, None
                stale, self._stale = self._stale, False
            if frame is not None or stale or beat:
                self._draw(surface, window, frame)
            if frame is not None and self.on_shown is not None:
                self.on_shown(frame)
            beat.wait() if beat else glfw.wait_events_timeout(IDLE_SECONDS)
            if glfw.get_time() >= next_look:
                self._follow_monitor(window)
                if beat:
                    beat.follow(window)
                next_look = glfw.get_time() + DISPLAY_SECONDS

    def _left(self, window: Any) -> bool:
        """Whether its user closed the window, or it lost the monitor that it does not leave."""
        if self._beside and self._filled and not glfw.get_window_monitor(window):
            return True
        if self._kiosk:
            glfw.set_window_should_close(window, False)
        return bool(glfw.window_should_close(window))

    def _draw(self, surface: Surface, window: Any, frame: Frame | None) -> None:
        with self._lock:
            view, card, overlay = self._view, self._card, self._overlay
        if frame is not None:
            self._picture = frame.image
        shown = self._picture if card is None else card
        if shown is not None and (frame is not None or shown is not self._shown):
            surface.upload(shown)
            self._shown = shown
        if overlay is not self._laid:
            surface.lay_over(overlay)
            self._laid = overlay
        self._point(window, bool(self._filled or self._kiosk) and card is None and overlay is None)
        self.size_now = glfw.get_framebuffer_size(window)
        surface.draw(*self.size_now, view)
        glfw.swap_buffers(window)
        self.presented += 1

    def _point(self, window: Any, hidden: bool) -> None:
        """Show the pointer, or hide it: on a whole screen it is there where something can be played or laid with it."""
        if hidden != self._hidden:
            glfw.set_input_mode(window, glfw.CURSOR, glfw.CURSOR_HIDDEN if hidden else glfw.CURSOR_NORMAL)
            self._hidden = hidden

    def _create(self) -> Any:
        chosen = _choose(self._monitor)
        monitor = glfw.get_video_mode(chosen).size
        wanted = self._size or DEFAULT_SIZE
        if wanted[0] > monitor.width or wanted[1] > monitor.height:
            wanted = fit(*wanted, (monitor.width, monitor.height))[2:]
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
        glfw.window_hint(glfw.AUTO_ICONIFY, False)  # a whole screen stays when its user works on another one
        glfw.window_hint(glfw.FOCUSED, not self._beside)
        glfw.window_hint(glfw.FOCUS_ON_SHOW, not self._beside)
        window = glfw.create_window(*wanted, self._title, None, None)
        if not window:
            glfw.terminate()
            raise SinkError("The window needs OpenGL 3.3, which this display does not offer: use another sink.")
        if self._monitor is not None:
            left, top = glfw.get_monitor_pos(chosen)
            glfw.set_window_pos(window, left, top)
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
        elif name == "f" and not self._kiosk:
            self._toggle_fullscreen(window)
        elif on_key is not None:
            on_key(name)

    def _toggle_fullscreen(self, window: Any) -> None:
        if self._filled:
            self._filled = None
            glfw.set_window_monitor(window, NO_MONITOR, *_within_sight(*self._place), glfw.DONT_CARE)
        else:
            self._enter_fullscreen(window)

    def _enter_fullscreen(self, window: Any) -> None:
        monitor = _monitor_of(window)
        if monitor is None:
            return
        self._place = (*glfw.get_window_pos(window), *glfw.get_window_size(window))
        self._home = _described(monitor)[0]
        self._fill(window, monitor)

    def _fill(self, window: Any, monitor: Any) -> None:
        mode = glfw.get_video_mode(monitor)
        glfw.set_window_monitor(window, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate)
        self._filled = _described(monitor)

    def _follow_monitor(self, window: Any) -> None:
        """Fill the monitor again where it has changed, and another one while it is gone."""
        monitors = glfw.get_monitors()
        if not self._filled or not monitors:
            return
        now = glfw.get_window_monitor(window)
        try:
            known = ([now] if now else []) + monitors  # first its own: two monitors may have one name
            home = (each for each in known if _described(each)[0] == self._home)
            monitor = next(home, None) or _monitor_of(window)
            if not now or _described(monitor) != self._filled:
                self._fill(window, monitor)
        except ValueError:
            return  # a monitor was just unplugged, and has no mode any more: at the next look it is not listed


def _described(monitor: Any) -> tuple[str, int, int]:
    """Name, width and height. What the window says of itself is in other units on some systems."""
    size = glfw.get_video_mode(monitor).size
    return _text(glfw.get_monitor_name(monitor)), size.width, size.height


class _Beat:
    """The rate of the monitor of `window`, where the driver itself does not wait for it."""

    def __init__(self, window: Any) -> None:
        self._seconds = 1 / USUAL_RATE
        self.follow(window)
        self._next = glfw.get_time()

    def follow(self, window: Any) -> None:
        """Take the rate that the monitor has now."""
        with suppress(ValueError):  # one was just unplugged
            monitor = _monitor_of(window)
            self._seconds = 1 / ((monitor and glfw.get_video_mode(monitor).refresh_rate) or USUAL_RATE)

    def wait(self) -> None:
        """Handle events until it is time to draw again."""
        self._next = max(self._next + self._seconds, glfw.get_time())
        glfw.poll_events()
        while (left := self._next - glfw.get_time()) > 0:
            glfw.wait_events_timeout(left)


def _listen_to_mouse(window: Any, on_mouse: OnMouse) -> None:
    at = [*glfw.get_cursor_pos(window)]  # as the events tell it: asked for, it would be where the mouse is by now

    def place() -> tuple[float, float]:
        width, height = glfw.get_window_size(window)
        return at[0] / max(1, width), at[1] / max(1, height)

    def pressed(_: Any, button: int, act: int, mods: int) -> None:
        if button == glfw.MOUSE_BUTTON_LEFT:
            on_mouse("press" if act == glfw.PRESS else "release", *place())

    def moved(_: Any, x: float, y: float) -> None:
        at[:] = x, y
        on_mouse("move", *place())

    glfw.set_mouse_button_callback(window, pressed)
    glfw.set_cursor_pos_callback(window, moved)


def _text(name: Any) -> str:
    """What GLFW gives as bytes."""
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _choose(monitor: str | None) -> Any:
    """The monitor of that number or name. Raises SinkError."""
    monitors = glfw.get_monitors()
    if monitor is None and monitors:
        return glfw.get_primary_monitor()
    names = [_text(glfw.get_monitor_name(each)) for each in monitors]
    place = None if monitor is None else choose(monitor, names)
    if place is None:
        raise SinkError(f"There is no monitor {monitor}; there are: {listed(names)}.")
    return monitors[place]


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
    return chr(key).lower() if 0 <= key < 128 and chr(key).isalnum() else None


def _monitor_of(window: Any) -> Any:
    """The monitor that holds the middle of the window, else the first; None where there is none."""
    return _monitor_at(*glfw.get_window_pos(window), *glfw.get_window_size(window)) or glfw.get_primary_monitor()


def _within_sight(left: int, top: int, width: int, height: int) -> tuple[int, int, int, int]:
    """That place, or one on the first monitor where its own is gone."""
    if _monitor_at(left, top, width, height) is None and (first := glfw.get_primary_monitor()):
        left, top = glfw.get_monitor_pos(first)
    return left, top, width, height


def _monitor_at(left: int, top: int, width: int, height: int) -> Any:
    """The monitor that holds the middle of that place; None where there is none."""
    x, y = left + width // 2, top + height // 2
    for monitor in glfw.get_monitors():
        (x0, y0), mode = glfw.get_monitor_pos(monitor), glfw.get_video_mode(monitor)
        if x0 <= x < x0 + mode.size.width and y0 <= y < y0 + mode.size.height:
            return monitor
    return None
