"""Printing by CUPS, through its own commands: lp, lpstat."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from murai.booth.settings import PageSize
from murai.errors import BoothError

MEDIA: Mapping[PageSize, str] = {
    "4x6": "na_index-4x6_4x6in",
    "5x7": "na_5x7_5x7in",
    "6x8": "na_index-4x6-ext_6x8in",
    "a5": "iso_a5_148x210mm",
    "a4": "iso_a4_210x297mm",
    "letter": "na_letter_8.5x11in",
}
"""What IPP calls the pages."""
PATIENCE = 10.0
"""Seconds that a command may take."""
JOB = re.compile(r"request id is (\S+-\d+)")
FINE = re.compile(
    r"none|job-(printing|queued)|.*-report|.*-(low|almost-empty|almost-full)(-warning)?"
    r"|cups-(waiting-for-job-completed|remote-(pending|processing|completed)|.*-filter-warning)"
)
"""What a printer says of itself that is no trouble: what it only reports, and what will be used up before long."""
REACHING = "connecting-to-device"
"""What it says at the start of a job; that is trouble only where it stays."""
SETTLES = 6.0
"""Seconds after which a job that is still under way is taken for one that is being printed."""
LOOKS_EVERY = 0.3
"""Seconds between two looks at a job."""


@dataclass(frozen=True, slots=True)
class PrinterState:
    """How a printer is.

    ready     whether it takes a picture now and can print it
    printing  whether it does
    reasons   why not, as IPP names them, such as "media-empty-error"
    message   what it says of that itself
    """

    ready: bool
    printing: bool
    reasons: tuple[str, ...]
    message: str

    @property
    def words(self) -> str:
        """The same in words: what it wants comes first."""
        if self.reasons:
            return ", ".join(self.reasons) + (f" ({self.message})" if self.message else "")
        return self.message or ("printing" if self.printing else "ready")


class Printer:
    """The printer called `name`; where that is empty, the system's default one, or the only one there is.

    Raises BoothError here and in all methods: without CUPS, for a printer that is not there, for what CUPS refuses.
    `later` says that it may not be there yet: nothing is raised here then.
    """

    def __init__(self, name: str = "", *, later: bool = False) -> None:
        self.name = name if later else _chosen(name)

    def print(self, file: Path, page: PageSize = "4x6") -> None:
        """Queue a picture, JPEG or PDF, for such a page. It may be removed from the disk once this returns."""
        if not file.is_file():
            raise BoothError("the picture to print is not there any more.")
        how = ("-t", "murai", "-o", f"media={MEDIA[page]}", "-o", "fit-to-page")
        said = _run("lp", "-d", self.name, *how, "--", str(file.resolve()))
        if not JOB.search(said):
            raise BoothError(f"the printer {self.name} did not take the picture: {said.strip() or 'it says nothing'}.")

    def settled(self) -> PrinterState:
        """How it is once what was queued is printed or stuck: without paper, say, it begins all the same."""
        end = time.monotonic() + SETTLES
        while True:
            state = self.state()
            if not state.printing or set(state.reasons) - {REACHING} or time.monotonic() > end:
                return state
            time.sleep(LOOKS_EVERY)

    def state(self) -> PrinterState:
        """How it is now."""
        lines = _run("lpstat", "-l", "-p", self.name).splitlines() or [""]
        alerts = next((line.partition(":")[2] for line in lines if line.strip().startswith("Alerts:")), "none")
        # A printer that rejects jobs still says that it is idle.
        rejects = "not accepting" in _run("lpstat", "-a", self.name)
        reasons = tuple(word for word in alerts.split() if not FINE.fullmatch(word))
        message = lines[1].strip() if len(lines) > 1 and ":" not in lines[1] else ""
        stopped = " disabled " in lines[0] or rejects
        return PrinterState(
            ready=not stopped and not reasons,
            printing="now printing" in lines[0],
            reasons=reasons or (("rejecting",) if rejects else ("stopped",) if stopped else ()),
            message=message,
        )


def printers() -> list[str]:
    """The names of all printers that CUPS knows, those that announce themselves on the network too."""
    return sorted(_run("lpstat", "-e").split())


def _chosen(name: str) -> str:
    known = printers()
    if name:
        if name not in known:
            raise BoothError(f"there is no printer '{name}'; CUPS knows: {', '.join(known) or 'none yet'}.")
        return name
    default = _run("lpstat", "-d").rpartition(": ")[2].strip()
    if default in known:
        return default
    if len(known) != 1:
        raise BoothError(f"name the printer; CUPS knows: {', '.join(known) or 'none yet, add one to it first'}.")
    return known[0]


def _run(command: str, *arguments: str) -> str:
    """What a command of CUPS says, in English. Never through a shell."""
    program = shutil.which(command)
    if program is None:
        raise BoothError(f"printing needs CUPS, of which '{command}' is missing: install cups and cups-client.")
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise BoothError(f"CUPS does not answer within {PATIENCE:.0f} seconds; see whether it runs.") from error
    except OSError as error:
        raise BoothError(f"'{command}' cannot be run: {error.strerror}.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().partition("\n")[0].rstrip(".")
        raise BoothError(f"CUPS refuses: {said or f'{command} failed'}; see `lpstat -t`.")
    return done.stdout
