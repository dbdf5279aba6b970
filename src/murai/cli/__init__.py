"""The command line: parse, build, run. No work of its own; what a command needs is imported inside it."""

import os
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError
from cyclopts.config import Dict

from murai import __version__
from murai.cli.booth import booth, measure_booth
from murai.cli.common import config_folder
from murai.cli.kiosk import install_kiosk
from murai.cli.live import live
from murai.cli.measure import measure
from murai.cli.paint import image, video
from murai.cli.publish import publish
from murai.cli.sheets import all_styles, blends, blind, boldness, changes, layers, moving
from murai.cli.slideshow import slideshow
from murai.cli.styles import styles
from murai.cli.train import train
from murai.console import say
from murai.errors import MuraiError

SETTINGS = "settings.toml"
"""In the XDG configuration folder."""

app = App(
    name="murai",
    help="Real-time neural style transfer for live video.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,
)
COMMANDS: dict[str, Any] = {
    "live": live,
    "video": video,
    "image": image,
    "train": train,
    "styles": styles,
    "measure": measure,
    "publish": publish,
    "slideshow": slideshow,
    "booth": booth,
    "install-kiosk": install_kiosk,
}
"""Every command by its name, which is that of its table in the settings file too."""
for name, command in COMMANDS.items():
    app.command(command, name=name)
for sheet in (layers, blends, boldness, changes, blind, moving):
    measure.command(sheet)
measure.command(all_styles, name="styles")
measure.command(measure_booth, name="booth")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 1 a fault of murai, 2 the user's error, 130 ended by the user.

    What is not said in `arguments` is looked for in the user's settings file, a table a command.
    """
    try:
        app.config = [Dict(_settings(file), source=str(file))] if (file := config_folder() / SETTINGS).exists() else []
        return int(app(arguments, exit_on_error=False, print_error=False, result_action="return_value") or 0)
    except KeyboardInterrupt:
        _say_once("ended.")
        return 130
    except UnusedCliTokensError as error:
        words = " ".join(error.unused_tokens or ())
        _say_once(f"murai: '{words}' is not understood here; what is, the command says with --help.")
        return 2
    except (MuraiError, CycloptsError) as error:
        _say_once(f"murai: {error}")
        return 2
    except BrokenPipeError:  # the reader of standard output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last resort: one line instead of a traceback
        if os.environ.get("MURAI_DEBUG"):
            raise
        say(f"murai: a fault of murai itself, {type(error).__name__}: {error}. MURAI_DEBUG=1 shows where.")
        return 1


def _settings(file: Path) -> dict[str, Any]:
    """What `file` sets. Raises MuraiError where it cannot be read, and for a table that no command has."""
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MuraiError(f"{file} cannot be read as settings ({error}); mend or remove it.") from error
    if unknown := [name for name in settings if name not in COMMANDS]:
        raise MuraiError(f"{file} has '{unknown[0]}', which is no command; its tables are {', '.join(COMMANDS)}.")
    return settings


def _say_once(message: str) -> None:
    """Of the processes of one run, only the first speaks."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        say(message)


def main() -> NoReturn:
    """The command `murai`."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run())
