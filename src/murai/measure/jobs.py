"""Measurements one after the other: what is in the cache is not made again, and the rest shows how far it is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from murai.errors import Say, silent
from murai.measure.cache import Cache, Figures


class Advance(Protocol):
    """Hears how far a job is."""

    def __call__(self, done: int, note: str = "") -> None:
        """`done` pictures are painted."""


Progress = Callable[[str, int, str], AbstractContextManager[Advance]]
"""Shows a bar: title, how many units there are, and what one is called."""


@contextmanager
def no_progress(title: str, total: int, unit: str) -> Iterator[Advance]:
    """The `Progress` that shows nothing."""
    yield lambda done, note="": None


@dataclass(frozen=True)
class Job:
    """A measurement: its name for people, its key in the cache, how many pictures it paints, and how it is made."""

    title: str
    key: str
    pictures: int
    run: Callable[[Advance], Figures]


def finish(jobs: Sequence[Job], cache: Cache, *, progress: Progress = no_progress, say: Say = silent) -> list[Figures]:
    """The figures of every job, in order. Each is in the cache as soon as it is made, so Ctrl-C loses one at most."""
    known = {job.key: figures for job in jobs if (figures := cache.load(job.key)) is not None}
    left = {job.key: job for job in jobs if job.key not in known}
    if known:
        say(f"{len(known)} of {len(known) + len(left)} measurements are there already, in {cache.folder}.")
    done = 0
    with progress("measuring", sum(job.pictures for job in left.values()), "pictures") as advance:
        for job in left.values():
            advance(done, job.title)
            known[job.key] = job.run(_after(done, job.title, advance))
            cache.save(job.key, known[job.key])
            done += job.pictures
            say(f"measured {job.title}")
    return [known[job.key] for job in jobs]


def _after(before: int, title: str, advance: Advance) -> Advance:
    return lambda done, note="": advance(before + done, f"{title} {note}")
