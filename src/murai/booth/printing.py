"""Printing by CUPS, through its own commands: lp, lpstat, cancel."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from murai.errors import BoothError

PATIENCE = 10.0
"""Seconds that a command may take."""
LOOK_EVERY = 0.2
"""Seconds between two looks at a job."""
MOST = 20
"""Copies of one picture, whoever asks for them."""
JOB = re.compile(r"request id is (\S+-\d+)")
OPTION = re.compile(r"[\w.-]+(=[\w.,:+/ -]*)?")
FINE = ("none", "job-printing", "job-queued")
"""What a printer says of itself that is no trouble. What only warns ends in -report, and is none either."""


@dataclass(frozen=True, slots=True)
class PrinterState:
    """How a printer is.

    ready     whether it takes a picture now and can print it
    printing  whether it does
    reasons   why not, as IPP names them, such as "media-empty-error"
    message   what it says of that itself
    jobs      those that wait or are being printed
    """

    ready: bool
    printing: bool
    reasons: tuple[str, ...]
    message: str
    jobs: tuple[str, ...]


class Printer:
    """The printer called `name`; where that is empty, the system's default one, or the only one there is.

    options   for `lp`, such as "media=w288h432" or "fit-to-page"
    copies    at most so many of one picture

    Raises BoothError here and in all methods: without CUPS, for a printer that is not there, for what CUPS refuses.
    """

    def __init__(self, name: str = "", *, options: Sequence[str] = ("fit-to-page",), copies: int = 1) -> None:
        for option in options:
            if not OPTION.fullmatch(option):
                raise BoothError(f"'{option}' is no option of a printer; write NAME=VALUE, such as media=A6.")
        if not 1 <= copies <= MOST:
            raise BoothError(f"a picture is printed 1 to {MOST} times, not {copies}.")
        self.name = _chosen(name)
        self._options, self._copies = tuple(options), copies

    def print(self, file: Path, copies: int = 1, title: str = "murai") -> str:
        """Queue a picture, JPEG or PDF; returns the job. It may be removed from the disk once this returns."""
        if not 1 <= copies <= self._copies:
            raise BoothError(f"at most {self._copies} copies of a picture are printed, not {copies}.")
        if not file.is_file():
            raise BoothError("the picture to print is not there any more.")
        options = [word for option in self._options for word in ("-o", option)]
        said = _run("lp", "-d", self.name, "-n", str(copies), "-t", title, *options, "--", str(file.resolve()))
        job = JOB.search(said)
        if job is None:
            raise BoothError(f"the printer {self.name} did not take the picture: {said.strip() or 'it says nothing'}.")
        return job[1]

    def state(self) -> PrinterState:
        """How it is now."""
        lines = _run("lpstat", "-l", "-p", self.name).splitlines() or [""]
        alerts = next((line.partition(":")[2] for line in lines if line.strip().startswith("Alerts:")), "none")
        # A printer that rejects jobs still says that it is idle.
        rejects = "not accepting" in _run("lpstat", "-a", self.name)
        reasons = tuple(word for word in alerts.split() if word not in FINE and not word.endswith("-report"))
        message = lines[1].strip() if len(lines) > 1 and ":" not in lines[1] else ""
        stopped = " disabled " in lines[0] or rejects
        return PrinterState(
            ready=not stopped and not reasons,
            printing="now printing" in lines[0],
            reasons=reasons or (("rejecting",) if rejects else ("stopped",) if stopped else ()),
            message=message,
            jobs=tuple(self.jobs()),
        )

    def jobs(self) -> list[str]:
        """What waits or is being printed, the oldest first."""
        return [line.split()[0] for line in _run("lpstat", "-W", "not-completed", "-o", self.name).splitlines() if line]

    def wait(self, job: str, seconds: float) -> bool:
        """Whether `job` left the queue within that time: printed, or cancelled by somebody."""
        end = time.monotonic() + seconds
        while job in self.jobs():
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_EVERY)
        return True

    def cancel(self, job: str) -> None:
        """Take `job` out of the queue; one that is printed already is no trouble."""
        if job in self.jobs():
            _run("cancel", job)


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
