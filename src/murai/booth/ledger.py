"""What the booth remembers beside its pictures: who agreed to what, and how much was done on which day."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from murai.database import Database
from murai.errors import Say, silent

SCHEMA = """
CREATE TABLE IF NOT EXISTS agreed (key TEXT PRIMARY KEY, services TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counts (
    day TEXT NOT NULL, what TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (day, what)
);
"""


class Ledger:
    """The book of the booth in `file`, whose folder has to be there. Any thread may use it.

    Where the file was damaged, and its owner may `mend` it, nobody agreed to anything: a picture goes nowhere then that
    it did not go before. Raises MuraiError where the disk refuses.
    """

    def __init__(
        self, file: Path, say: Say = silent, clock: Callable[[], float] = time.time, *, mend: bool = False
    ) -> None:
        self._database, self._clock = Database(file, SCHEMA, say, mend=mend), clock

    def agree(self, key: str, services: Iterable[str]) -> None:
        """The visitor of a picture agrees that it goes to these services, and to no other that the host adds later."""
        with self._database.writing() as rows:
            rows.execute("INSERT OR IGNORE INTO agreed VALUES (?, ?)", (key, " ".join(services)))

    def agreed(self) -> dict[str, list[str]]:
        """The services that each picture may go to, by its key."""
        return {key: services.split() for key, services in self._database.read("SELECT * FROM agreed")}

    def forget(self, key: str) -> None:
        """The picture is gone."""
        with self._database.writing() as rows:
            rows.execute("DELETE FROM agreed WHERE key = ?", (key,))

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
