"""What the booth remembers beside its pictures: how much was done on which day."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from murai.database import Database
from murai.errors import Say, silent

COUNTED = ("visits", "pictures", "shared", "prints")
"""What is counted; styles and kinds as "style:TITLE" and "kind:NAME"."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS counts (
    day TEXT NOT NULL, what TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (day, what)
);
"""


class Ledger:
    """The book of the booth in `file`, whose folder has to be there. Any thread may use it.

    Where the file was damaged, and its owner may `mend` it, nothing was counted before. Raises MuraiError where the
    disk refuses.
    """

    def __init__(
        self, file: Path, say: Say = silent, clock: Callable[[], float] = time.time, *, mend: bool = False
    ) -> None:
        self._database, self._clock = Database(file, SCHEMA, say, mend=mend), clock

    def count(self, what: str) -> None:
        """One more of `what` today, such as "visits"."""
        with self._database.writing() as rows:
            rows.execute(
                "INSERT INTO counts VALUES (?, ?, 1) ON CONFLICT (day, what) DO UPDATE SET number = number + 1",
                (self.today, what),
            )

    def counts(self, day: str = "") -> dict[str, int]:
        """How many of what on `day`, such as "2027-06-12"; today where it is empty."""
        rows = self._database.read("SELECT what, number FROM counts WHERE day = ?", (day or self.today,))
        return dict(map(tuple, rows))

    @property
    def today(self) -> str:
        """The day by the clock of this place."""
        return f"{datetime.fromtimestamp(self._clock()):%Y-%m-%d}"

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def ranked(counts: Mapping[str, int], group: str) -> dict[str, int]:
    """What was counted as GROUP:NAME, by name, the most first."""
    named = {what.removeprefix(f"{group}:"): number for what, number in counts.items() if what.startswith(f"{group}:")}
    return dict(sorted(named.items(), key=lambda item: -item[1]))
