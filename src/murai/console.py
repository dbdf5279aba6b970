"""How the command line speaks: sentences and progress on standard error, results on standard output."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Patient(Console):
    def on_broken_pipe(self) -> None:
        """Go on: who listens no more does not end the work."""
        self.forget()

    def forget(self) -> None:
        """What could not be written would be written again and again."""
        del self._buffer[:]


_console = _Patient(stderr=True, highlight=False, soft_wrap=True)


class Advance(Protocol):
    """Tells a progress bar how far the work is, and what else to show."""

    def __call__(self, done: int, note: str = "") -> None:
        """`done` units are done."""


def say(message: str) -> None:
    """One sentence for the user, above any progress bar. Where nobody hears it any more, the work goes on."""
    try:
        _console.print(message, markup=False)
    except OSError:  # a full disk, a closed terminal
        _console.forget()


def plain(text: str) -> str:
    """`text` from elsewhere without control characters, which could play tricks with the terminal."""
    return "".join(c for c in text if c.isprintable() or c == "\n")


def show_json(value: Any) -> None:
    """Print `value` as JSON on standard output, and nothing else."""
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Units a second."""
        return Text(f"{task.speed or 0:.1f} {self._unit}/s")


@contextmanager
def progress(title: str, total: int | None, unit: str) -> Iterator[Advance]:
    """A bar with the rate and the time left while the block runs; nothing where standard error is not a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}" if total else "{task.completed}"),
        _Rate(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=_console, disable=not _console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total, note="")
        yield lambda done, note="": bar.update(task, completed=done, note=note)
