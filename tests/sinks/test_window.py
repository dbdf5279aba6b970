"""The window, on a display of its own, seen by a screenshot and played by key presses."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

SCREEN = (800, 600)
SMALL = "small 20 640 700 750 800 400 410 420 430"
"""Another mode of the display, 640x400 at 58 Hz, as xrandr takes it."""
RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)

SHOW = """
import sys, threading, time
from fractions import Fraction
import numpy as np
from murai.frame import Frame, StreamInfo
from murai.sinks.surface import View
from murai.sinks.window import WindowSink

def flag(width, height):
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2] = (255, 0, 0)
    image[height // 2 :, : width // 2] = (0, 255, 0)
    image[height // 2 :, width // 2 :] = (0, 0, 255)
    return image

def say(*words):
    print(*words, flush=True)

window = WindowSink(**eval(sys.argv[1]))
window.on_shown = lambda frame: say("shown", frame.index)
window.open(StreamInfo(37, 35, Fraction(25), Fraction(1, 25)))
window.write(Frame(flag(37, 35), 0, Fraction(1, 25), 0))

def obey():
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "close":
            window.close()
        elif command == "look":
            window.look(**eval(" ".join(numbers)))
        elif command == "lay":
            window.lay_over(eval(" ".join(numbers)))
        elif command == "show":
            index, width, height = map(int, numbers)
            window.write(Frame(flag(width, height), index, Fraction(1, 25), index))

threading.Thread(target=obey, daemon=True).start()
ends = time.monotonic() + float(sys.argv[2])
began = time.process_time()
window.show(
    lambda name: say("key", name),
    until=lambda: time.monotonic() > ends,
    on_mouse=lambda kind, x, y: say("mouse", kind, round(x, 2), round(y, 2)),
)
window.write(Frame(flag(37, 35), 0, Fraction(1, 25), 9))  # late ones are nobody's trouble
window.close()
say("end", time.process_time() - began)
say("dropped", window.dropped)
say("presented", window.presented)
"""

CLOSE = """
# What a window manager sends when the close button is clicked.
import ctypes, sys

class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("room", ctypes.c_long * 24)]

x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
x.XInternAtom.restype = ctypes.c_ulong
display, window = ctypes.c_void_p(x.XOpenDisplay(None)), ctypes.c_ulong(int(sys.argv[1]))
atoms = [x.XInternAtom(display, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")]
event = ClientMessage(33, 0, 1, display, window, atoms[0], 32, (ctypes.c_long * 5)(atoms[1]))
assert x.XSendEvent(display, window, False, ctypes.c_long(0), ctypes.byref(event))
x.XSync(display, False)
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if missing := [name for name in ("Xvfb", "xdotool", "xrandr", "import") if shutil.which(name) is None]:
        pytest.skip(f"the window is tested with {', '.join(missing)}, not installed here")
    # Without -noreset it starts anew whenever its last client leaves, and refuses whoever comes in that moment.
    command = ["Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        try:
            name = f":{server.stdout.readline().strip()}"
            for words in (["--newmode", *SMALL.split()], ["--addmode", "screen", "small"]):
                subprocess.run(["xrandr", "--display", name, *words], check=True, timeout=20)
            yield name
        finally:
            server.terminate()


class Player:
    """A process with a window, and the hands and eyes in front of it."""

    def __init__(self, display: str, options: str = "{'size': (320, 240)}", seconds: float = 60) -> None:
        self.environment = {"DISPLAY": display, "PATH": "/usr/bin:/bin:/usr/local/bin"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SHOW, options, str(seconds)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.heard: list[str] = []
        self.hear("shown 0")

    def hear(self, wanted: str) -> str:
        assert self.process.stdout
        while line := self.process.stdout.readline().strip():
            self.heard.append(line)
            if line.startswith(wanted):
                return line
        raise AssertionError(f"the window ended, said {self.heard} and never {wanted!r}")

    def tell(self, command: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def xdotool(self, *words: str) -> str:
        return subprocess.run(
            ["xdotool", *words], env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def press(self, *keys: str) -> None:
        window = self.xdotool("search", "--name", "murai").split()[0]
        self.xdotool("windowfocus", "--sync", window)
        self.xdotool("key", "--delay", "50", *keys)

    def look(self, path: Path) -> np.ndarray:
        subprocess.run(["import", "-window", "root", path], env=self.environment, check=True, timeout=20)
        return np.asarray(PIL.Image.open(path).convert("RGB")).astype(int)

    def until_seen(self, path: Path, seen: Callable[[np.ndarray], bool]) -> np.ndarray:
        """The first screenshot that shows it. What is drawn takes a moment to be on the screen."""
        end = time.monotonic() + 15
        while not seen(screen := self.look(path)):
            assert time.monotonic() < end, f"not seen, look at {path}"
            time.sleep(0.1)
        return screen


@pytest.fixture
def player(display: str) -> Iterator[Callable[..., Player]]:
    started: list[Player] = []

    def start(*options: object) -> Player:
        started.append(Player(display, *options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def is_flag(screen: np.ndarray, left: int, top: int, width: int, height: int) -> bool:
    """Whether the flag fills that place: its middles in their colours, black outside."""
    x, y = left + width // 4, top + height // 4
    there = [
        (x, y, RED),
        (x, y + height // 2, GREEN),
        (x + width // 2, y + height // 2, BLUE),
        (left + 2, top + 2, RED),
        (left + width - 3, top + height - 3, BLUE),
        (left - 2, y, BLACK),
        (left + width + 1, y, BLACK),
        (x, top - 2, BLACK),
        (x, top + height + 1, BLACK),
    ]
    rows, columns = screen.shape[:2]
    inside = [(x, y, color) for x, y, color in there if 0 <= x < columns and 0 <= y < rows]
    return all(np.abs(screen[y, x] - color).max() <= 2 for x, y, color in inside)


def test_the_picture_fills_the_window_with_black_beside_it(player: Callable[..., Player], tmp_path: Path) -> None:
    shown = player()
    shown.until_seen(tmp_path / "screen.png", lambda screen: is_flag(screen, 33, 0, 254, 240))


def test_a_picture_of_another_size_and_shape_takes_its_place(player: Callable[..., Player], tmp_path: Path) -> None:
    shown = player()
    shown.tell("show 7 201 67")
    shown.hear("shown 7")
    shown.until_seen(tmp_path / "screen.png", lambda screen: is_flag(screen, 0, 66, 320, 107))


def test_the_size_of_the_input_is_the_size_of_the_window(player: Callable[..., Player]) -> None:
    shown = player("{}")
    window = shown.xdotool("search", "--name", "murai").split()[0]
    assert "Geometry: 37x35" in shown.xdotool("getwindowgeometry", window)


def test_keys_arrive_by_their_names(player: Callable[..., Player]) -> None:
    shown = player()
    shown.press(
        "Left", "Right", "Up", "Down", "space", "a", "c", "z", "0", "9", "ctrl+c", "F5", "XF86AudioRaiseVolume", "e"
    )
    shown.hear("key e")
    keys = [line.removeprefix("key ") for line in shown.heard if line.startswith("key")]
    assert keys == ["left", "right", "up", "down", "space", "a", "c", "z", "0", "9", "f5", "e"]


@pytest.fixture
def french(display: str) -> Iterator[None]:
    """The keyboard of a French host."""
    if shutil.which("setxkbmap") is None:
        pytest.skip("the French keyboard is tested with setxkbmap, not installed here")
    for layout in ("fr", "us"):
        subprocess.run(["setxkbmap", "-display", display, layout], check=True, timeout=20)
        if layout == "fr":
            yield


@pytest.mark.usefixtures("french")
def test_digits_are_their_keys_on_every_keyboard(player: Callable[..., Player]) -> None:
    shown = player()
    shown.press("ampersand", "eacute", "minus", "agrave", "KP_7", "KP_Enter", "z")
    shown.hear("key z")
    keys = [line.removeprefix("key ") for line in shown.heard if line.startswith("key")]
    assert keys == ["1", "2", "6", "0", "7", "enter", "z"]


def test_a_window_beside_another_leaves_it_the_keyboard(player: Callable[..., Player]) -> None:
    first = player("{'size': (320, 240)}")
    first.press("a")
    first.hear("key a")
    second = player("{'size': (320, 240), 'fullscreen': True, 'beside': True}")
    second.xdotool("key", "c")
    first.hear("key c")


def test_a_window_beside_another_ends_with_its_monitor(
    player: Callable[..., Player], change_mode: Callable[..., None]
) -> None:
    shown = player("{'fullscreen': True, 'beside': True}")
    change_mode()
    change_mode(f"{SCREEN[0]}x{SCREEN[1]}")
    assert shown.process.poll() is None
    subprocess.run(["xrandr", "--output", "screen", "--off", "--fb", "800x600"], env=shown.environment, check=True)
    shown.hear("end")


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_q_and_escape_end_the_show(player: Callable[..., Player], key: str) -> None:
    shown = player()
    shown.press(key)
    shown.hear("end")
    assert shown.process.wait(20) == 0
    assert not any(line.startswith("key") for line in shown.heard)


def test_f_fills_the_screen_and_gives_it_back(player: Callable[..., Player], tmp_path: Path) -> None:
    shown = player()
    shown.press("f")
    shown.until_seen(tmp_path / "full.png", lambda screen: is_flag(screen, 83, 0, 634, 600))
    shown.press("f")
    shown.until_seen(tmp_path / "back.png", lambda screen: is_flag(screen, 33, 0, 254, 240))


def test_a_show_can_begin_on_the_whole_screen(player: Callable[..., Player], tmp_path: Path) -> None:
    shown = player("{'fullscreen': True}")
    shown.until_seen(tmp_path / "full.png", lambda screen: is_flag(screen, 83, 0, 634, 600))


def test_a_window_closed_by_its_user_ends_the_show(player: Callable[..., Player]) -> None:
    shown = player()
    window = shown.xdotool("search", "--name", "murai").split()[0]
    subprocess.run([sys.executable, "-c", CLOSE, window], env=shown.environment, check=True, timeout=20)
    shown.hear("end")
    assert shown.process.wait(20) == 0


@pytest.fixture
def change_mode(display: str) -> Iterator[Callable[[], None]]:
    """What gives the screen another mode; at the end it gets its own back."""

    def change(mode: str = "small") -> None:
        subprocess.run(["xrandr", "--display", display, "--output", "screen", "--mode", mode], check=True, timeout=20)

    yield change
    change(f"{SCREEN[0]}x{SCREEN[1]}")


def test_a_whole_screen_follows_a_display_that_changes(
    player: Callable[..., Player], change_mode: Callable[..., None], tmp_path: Path
) -> None:
    shown = player("{'fullscreen': True, 'steady': True}")
    shown.until_seen(tmp_path / "full.png", lambda screen: is_flag(screen, 83, 0, 634, 600))
    change_mode()
    shown.until_seen(tmp_path / "small.png", lambda screen: is_flag(screen, 108, 0, 423, 400))
    change_mode(f"{SCREEN[0]}x{SCREEN[1]}")
    shown.until_seen(tmp_path / "back.png", lambda screen: len(screen) == 600 and is_flag(screen, 83, 0, 634, 600))


def test_a_window_whose_place_is_gone_comes_back_within_sight(
    player: Callable[..., Player], change_mode: Callable[..., None], tmp_path: Path
) -> None:
    shown = player()
    window = shown.xdotool("search", "--name", "murai").split()[0]
    shown.xdotool("windowmove", "--sync", window, "480", "300")
    shown.press("f")
    shown.until_seen(tmp_path / "full.png", lambda screen: is_flag(screen, 83, 0, 634, 600))
    change_mode()
    shown.until_seen(tmp_path / "small.png", lambda screen: is_flag(screen, 108, 0, 423, 400))
    shown.press("f")
    shown.until_seen(tmp_path / "back.png", lambda screen: is_flag(screen, 33, 0, 254, 240))


def test_in_a_kiosk_neither_keys_nor_the_close_button_end_it(player: Callable[..., Player], tmp_path: Path) -> None:
    shown = player("{'kiosk': True, 'fullscreen': True}")
    shown.press("q", "Escape", "f", "c")
    shown.hear("key c")
    window = shown.xdotool("search", "--name", "murai").split()[0]
    subprocess.run([sys.executable, "-c", CLOSE, window], env=shown.environment, check=True, timeout=20)
    shown.tell("show 3 37 35")
    shown.hear("shown 3")
    shown.until_seen(tmp_path / "full.png", lambda screen: is_flag(screen, 83, 0, 634, 600))
    shown.tell("close")
    shown.hear("end")


def test_close_from_another_thread_ends_the_show(player: Callable[..., Player]) -> None:
    shown = player()
    shown.tell("close")
    shown.hear("end")
    assert shown.process.wait(20) == 0


def test_the_show_ends_when_until_says_so_and_is_idle_before(player: Callable[..., Player]) -> None:
    shown = player("{'size': (320, 240)}", 3.0)
    used = float(shown.hear("end").split()[1])
    assert shown.process.wait(20) == 0
    assert used < 1.5, "it drew although nothing changed"
    assert [line for line in shown.heard if line.startswith("shown")] == ["shown 0"]


def test_a_burst_of_pictures_shows_the_last(player: Callable[..., Player]) -> None:
    shown = player()
    for index in range(1, 60):
        shown.tell(f"show {index} 64 48")
    shown.hear("shown 59")
    indices = [int(line.split()[1]) for line in shown.heard if line.startswith("shown")]
    assert indices == sorted(set(indices))


def test_no_display_is_said_in_one_sentence() -> None:
    code = "from murai.sinks.window import WindowSink\nWindowSink()"
    run = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "murai.errors.SinkError: There is no display" in run.stderr.splitlines()[-1]


def seen(colors: list[tuple[int, int, tuple[int, int, int]]]) -> Callable[[np.ndarray], bool]:
    return lambda screen: all(np.abs(screen[y, x] - color).max() <= 3 for x, y, color in colors)


def test_it_is_mirrored_turned_and_filled_as_asked(player: Callable[..., Player], tmp_path: Path) -> None:
    shown, picture = player("{'size': (300, 300)}"), tmp_path / "screen.png"
    shown.tell("look {'view': View(mirror=True, fill=True)}")
    shown.until_seen(picture, seen([(10, 10, RED), (10, 290, BLUE), (290, 290, GREEN)]))
    shown.tell("look {'view': View(turn=90, fill=True)}")
    shown.until_seen(picture, seen([(10, 10, GREEN), (10, 290, BLUE), (290, 150, RED)]))
    shown.tell("look {'view': View()}")
    shown.until_seen(picture, seen([(10, 10, RED), (10, 200, GREEN), (290, 200, BLUE), (10, 299, BLACK)]))


def test_it_is_warped_masked_and_faded_as_asked(player: Callable[..., Player], tmp_path: Path) -> None:
    shown, picture = player("{'size': (300, 300)}"), tmp_path / "screen.png"
    shown.tell("look {'view': View(warp=lambda p: 0.5 * p + (0.5, 0), fill=True)}")
    shown.until_seen(picture, seen([(160, 10, RED), (160, 140, GREEN), (290, 140, BLUE), (140, 10, BLACK)]))
    shown.tell("look {'view': View(fill=True, masks=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),))}")
    shown.until_seen(picture, seen([(10, 10, BLACK), (140, 290, BLACK), (160, 10, RED), (160, 290, BLUE)]))
    shown.tell("look {'view': View(fill=True, fade=0.5)}")
    shown.until_seen(picture, seen([(0, 0, BLACK), (150, 75, (128, 0, 0)), (150, 0, BLACK)]))
    shown.tell("look {'view': View(fill=True, brightness=0.25, gamma=2.0)}")
    shown.until_seen(picture, seen([(10, 10, (128, 0, 0)), (10, 290, (0, 128, 0))]))


def test_a_card_takes_the_place_of_pictures_and_gives_it_back(player: Callable[..., Player], tmp_path: Path) -> None:
    shown, picture = player("{'size': (300, 300)}"), tmp_path / "screen.png"
    shown.tell("look {'view': View(fill=True), 'card': np.full((2, 2, 3), 200, np.uint8)}")
    shown.tell("show 1 20 20")
    shown.hear("shown 1")
    shown.until_seen(picture, seen([(10, 10, (200, 200, 200)), (290, 290, (200, 200, 200))]))
    shown.tell("look {'view': View(fill=True)}")
    shown.until_seen(picture, seen([(10, 10, RED), (290, 290, BLUE)]))


def test_what_is_laid_over_lies_on_the_top_left_pixel_for_pixel(player: Callable[..., Player], tmp_path: Path) -> None:
    shown, picture = player("{'size': (300, 300)}"), tmp_path / "screen.png"
    shown.tell("lay np.repeat(np.array([[[255] * 4], [[0, 0, 255, 128]]], np.uint8), 8, 0).repeat(20, 1)")
    shown.until_seen(picture, seen([(0, 0, (255, 255, 255)), (19, 7, (255, 255, 255)), (10, 12, (127, 0, 128))]))
    screen = shown.until_seen(picture, seen([(20, 4, BLACK), (10, 16, RED)]))
    assert (screen[:8, :20] == 255).all()
    shown.tell("lay None")
    shown.until_seen(picture, seen([(0, 4, BLACK), (10, 12, RED)]))


def test_the_mouse_is_heard_in_shares_of_the_window(player: Callable[..., Player]) -> None:
    shown = player("{'size': (300, 200)}")
    window = shown.xdotool("search", "--name", "murai").split()[0]
    shown.xdotool("mousemove", "--window", window, "150", "50", "mousedown", "1")
    shown.hear("mouse press 0.5 0.25")
    shown.xdotool("mousemove", "--window", window, "30", "180", "mouseup", "1")
    shown.hear("mouse move 0.1 0.9")
    shown.hear("mouse release 0.1 0.9")


def test_steady_it_draws_at_the_rate_of_the_monitor(player: Callable[..., Player]) -> None:
    shown = player("{'steady': True}", 3.0)
    shown.hear("end")
    presented = int(shown.hear("presented").split()[1])
    assert 10 < presented < 200, "three seconds at 60 a second, on a machine that may be busy"


@pytest.mark.parametrize("monitor", ["7", "attic"])
def test_a_monitor_that_is_not_there_is_said(display: str, monitor: str) -> None:
    code = f"from murai.sinks.window import WindowSink\nWindowSink(monitor={monitor!r})"
    environment = {"DISPLAY": display}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert f"There is no monitor {monitor}; there are: 1 (" in run.stderr.splitlines()[-1]


def test_a_picture_that_was_replaced_or_never_shown_is_counted_as_dropped(player: Callable[..., Player]) -> None:
    shown = player()
    for index in range(1, 40):
        shown.tell(f"show {index} 37 35")
    shown.hear("shown 39")
    shown.tell("close")
    seen = sum(line.startswith("shown") for line in shown.heard)
    shown.hear("end")  # by then one more was written that nobody saw
    assert shown.hear("dropped") == f"dropped {41 - seen}"
