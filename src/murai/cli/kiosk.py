"""murai install-kiosk: a show that starts with the machine and is started again when it ends."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from murai.console import say
from murai.errors import SinkError

UNIT = """\
# Written by murai install-kiosk. After a change: systemctl --user daemon-reload
[Unit]
Description=murai, painting live
After=graphical-session.target
PartOf=graphical-session.target

[Service]
Type=notify
# Where names of files begin that do not say it.
WorkingDirectory={folder}
ExecStart={command}
# Started again whatever ends it, and when nothing was painted for half a minute.
Restart=always
RestartSec=3
WatchdogSec=30
TimeoutStartSec=180
TimeoutStopSec=20
# Ended from outside, as by systemctl stop.
SuccessExitStatus=130

[Install]
WantedBy=graphical-session.target
"""


def install_kiosk(
    *options: Annotated[str, Parameter(allow_leading_hyphen=True)],
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Write a systemd user unit that runs murai live --kiosk from the start of the session on.

    Parameters
    ----------
    options
        Those of murai live, after a --, such as -- --source camera --style paintings/scream.
    out
        The unit's file; by default ~/.config/systemd/user/murai.service.
    overwrite
        Replace it if it exists.
    """
    from murai.sinks.whole import WholeFile

    _refuse(options)
    file = out or Path.home() / ".config" / "systemd" / "user" / "murai.service"
    command = [sys.executable, "-m", "murai", "live", "--kiosk", *options]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = WholeFile(file, overwrite=overwrite)
        whole.temporary.write_text(UNIT.format(folder=str(Path.cwd()).replace("%", "%%"), command=_quoted(command)))
    except OSError as error:
        raise SinkError(f"{file} cannot be written ({error.strerror}); give another --out.") from error
    whole.commit()
    say(f"wrote {file}. Start it now and with every session: systemctl --user enable --now {shlex.quote(file.name)}")
    say("what it says and how often it was started again: journalctl --user -u murai; the journal rotates by itself.")
    return 0


def _refuse(options: Sequence[str]) -> None:
    """Raise for what murai live would refuse at once: nobody would see it, and it would be tried for ever."""
    from murai.cli import app
    from murai.cli.live import Keeping, Screen, refuse
    from murai.sinks import names_file

    _, bound, _ = app.parse_args(["live", "--kiosk", *options], print_error=False, exit_on_error=False)
    given = bound.arguments
    sinks = given.get("sink") or ["window"]
    refuse(given.get("screen") or Screen(kiosk=True), given.get("keeping") or Keeping(), sinks)
    for name in sinks:
        if names_file(name):
            raise SinkError(f"{name} would be there at the second start; record with --keep and the key r instead.")
    if (painting := given.get("painting")) is not None:
        painting.refuse()


def _quoted(words: list[str]) -> str:
    """A command line as systemd takes it: quoted, with its specifiers and variables kept from meaning something."""
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") for word in words)
    return " ".join(f'"{word}"' for word in escaped)
