"""What is to be published, and how far it is: one row for each picture and service, on the disk."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from murai.database import Database, claim
from murai.errors import DeliveryError, Say, silent
from murai.publish.post import POSTING, Post, clean

State = Literal["held", "queued", "sending", "sent", "failed", "unsure", "refused", "withdrawn"]
"""held: waits for the host. queued: waits for its time. sending: an attempt has begun. failed: the service refused it.
unsure: may be there or not. refused: by the host. withdrawn: by the visitor."""
OPEN: tuple[State, ...] = ("held", "queued", "sending", "unsure", "failed")
"""What still needs its picture: the host may have it tried again."""
LONGEST_STAY = 60 * 86400.0
"""Seconds after which a picture is not kept any more for what never was sent."""
LONGEST = 300.0
"""Seconds that a row waits at most before it is tried again; one that seems to wait longer does so by a wrong clock."""
BY_HOST = "the host paused it"
COLUMNS = ("key", "service", "state", "attempts", "refusals", "due", "error", "url")
SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    key TEXT PRIMARY KEY, picture BLOB NOT NULL, caption TEXT NOT NULL, alt TEXT NOT NULL, made REAL NOT NULL,
    clip BLOB
);
CREATE TABLE IF NOT EXISTS rows (
    key TEXT NOT NULL REFERENCES posts, service TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, refusals INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (key, service)
);
CREATE INDEX IF NOT EXISTS rows_by_state ON rows (service, state, due);
CREATE TABLE IF NOT EXISTS services (
    service TEXT PRIMARY KEY, paused TEXT NOT NULL DEFAULT '', nudges INTEGER NOT NULL DEFAULT 0
);
"""


@dataclass(frozen=True)
class Row:
    """One post at one service. `due`: when it is tried next, in seconds since 1970. `url`: of the post, once sent."""

    key: str
    service: str
    state: State
    attempts: int
    refusals: int
    due: float
    error: str
    url: str
    post: Post


class RowNotes:
    """What a service remembers of one row, on the disk as soon as it is kept."""

    def __init__(self, database: Database, row: Row) -> None:
        self._database, self._where = database, (row.key, row.service)
        [kept] = database.read("SELECT notes FROM rows WHERE key = ? AND service = ?", self._where)
        self._notes: dict[str, str] = json.loads(kept["notes"])

    def __getitem__(self, name: str) -> str:
        return self._notes.get(name, "")

    def keep(self, **notes: str) -> None:
        """Remember; an empty text forgets. Raises MuraiError where the disk refuses."""
        changed = {name: value for name, value in (self._notes | notes).items() if value}
        with self._database.writing() as rows:
            text = json.dumps(changed)
            rows.execute("UPDATE rows SET notes = ? WHERE key = ? AND service = ?", (text, *self._where))
        self._notes = changed


class Outbox:
    """The rows in `file`, whose folder has to be there. Any thread, and any process, may use it.

    `fresh`: it was just begun, so nobody knows what was sent before; what was agreed to before is added as perhaps sent
    then, until `caught_up`. `mend`: begin a new one where it is damaged. `clock` tells seconds since 1970, and may be
    wrong.

    Raises MuraiError where the file cannot be opened or written.
    """

    def __init__(
        self, file: Path, say: Say = silent, clock: Callable[[], float] = time.time, *, mend: bool = False
    ) -> None:
        self._clock = clock
        self._database = Database(file, SCHEMA, say, mend=mend)
        self._news = threading.Condition()
        self._version = 0

    @property
    def fresh(self) -> bool:
        """Whether it does not know what was sent before it was begun."""
        [[known]] = self._database.read("PRAGMA user_version")
        return not known

    def caught_up(self) -> None:
        """All that was agreed to before is in it."""
        with self._database.writing() as rows:
            rows.execute("PRAGMA user_version = 1")

    def add(self, post: Post, services: Iterable[str], *, approved: bool, perhaps_sent: bool = False) -> None:
        """Publish `post` at `services`, once the host agreed where it is not `approved`. What is there stays.

        `perhaps_sent`: another outbox may have sent it, as the host agreed.
        """
        state = "queued" if approved else "held"
        notes = json.dumps({POSTING: "?"} if approved and perhaps_sent else {})
        values = (
            post.key, _stored(post.picture), clean(post.caption), clean(post.alt), post.made, _stored(post.clip),
        )  # fmt: skip
        with self._database.writing() as rows:
            rows.execute("INSERT OR IGNORE INTO posts VALUES (?, ?, ?, ?, ?, ?)", values)
            for service in services:
                rows.execute(
                    "INSERT OR IGNORE INTO rows (key, service, state, notes, due) VALUES (?, ?, ?, ?, ?)",
                    (post.key, service, state, notes, self._clock()),
                )
        self._tell()

    def approve(self, key: str) -> None:
        """The host agrees: what is held is sent, and what was refused before it was tried. Raises DeliveryError."""
        if not self._decide(
            key, "state = 'held' OR state = 'refused' AND attempts = 0", "state = 'queued', due = :now"
        ):
            raise DeliveryError(f"picture {key} does not wait for the host; `murai publish status` lists what does.")

    def refuse(self, key: str) -> None:
        """The host says no: nothing more is sent of it. Raises DeliveryError."""
        which = "state IN ('held', 'queued', 'sending', 'failed', 'unsure')"
        if not self._decide(key, which, "state = 'refused'"):
            raise DeliveryError(f"nothing of picture {key} is still to be sent; what is out is removed where it is.")

    def settle(self, key: str, service: str, *, there: bool) -> None:
        """The host has looked for what may be there: it is, or it is sent again. Raises DeliveryError."""
        again = "state = 'queued', due = :now, error = '', notes = '{}'"
        if not self._decide(
            key, "state = 'unsure' AND service = :service", "state = 'sent'" if there else again, service
        ):
            raise DeliveryError(f"nobody wonders whether picture {key} is at {service}.")

    def withdraw(self, key: str) -> list[str]:
        """Its visitor deletes it: nothing more is sent. Returns the services where it is or may be already."""
        with self._database.writing() as rows:
            there = self._rows("key = ? AND (attempts > 0 OR state IN ('sent', 'unsure'))", key)
            rows.execute("UPDATE rows SET state = 'withdrawn' WHERE key = ? AND state != 'sent'", (key,))
        self._tell()
        return [row.service for row in there]

    def give_up(self, key: str) -> None:
        """The picture is not kept any longer: what was still to be sent of it has failed."""
        why = "its picture was too old to be kept any longer."
        with self._database.writing() as rows:
            rows.execute(
                "UPDATE rows SET state = 'failed', error = ? WHERE key = ? AND state IN ('held', 'queued', 'sending')",
                (why, key),
            )

    def changed(self) -> bool:
        """Whether another process changed something since this was asked last."""
        [[version]] = self._database.read("PRAGMA data_version")
        changed, self._version = version != self._version, version
        return bool(changed)

    def rows(self, state: State | None = None) -> list[Row]:
        """All of them, or those in one state, by when their pictures were made."""
        return self._rows("state = ?1 OR ?1 IS NULL ORDER BY made, key, service", state)

    def busy(self, services: Iterable[str]) -> set[str]:
        """Keys of the pictures that are still needed for one of these services."""
        used, oldest = set(services), self._clock() - LONGEST_STAY
        rows = (row for state in OPEN for row in self.rows(state))
        return {row.key for row in rows if row.service in used and row.post.made > oldest}

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows each service has in each state, of those it has any in."""
        counts: dict[str, dict[str, int]] = {}
        for service, state, number in self._database.read(
            "SELECT service, state, COUNT(*) FROM rows GROUP BY service, state ORDER BY service, state"
        ):
            counts.setdefault(service, {})[state] = number
        return counts

    def retry(self, service: str | None = None) -> None:
        """Try what failed once more, and what waits now, at one service or all."""
        with self._database.writing() as rows:
            rows.execute(
                "UPDATE rows SET state = CASE state WHEN 'failed' THEN 'queued' ELSE state END, due = ?2, refusals = 0"
                " WHERE state IN ('failed', 'queued', 'sending') AND (service = ?1 OR ?1 IS NULL)",
                (service, self._clock()),
            )
        for name in [service] if service else self.counts():
            self._nudge(name)
        self._tell()

    def pause(self, service: str, reason: str = BY_HOST) -> bool:
        """Send nothing to `service` until `resume`, for a `reason`. False where it is paused already."""
        with self._database.writing() as rows:
            rows.execute("INSERT OR IGNORE INTO services (service) VALUES (?)", (service,))
            changed = rows.execute(
                "UPDATE services SET paused = ? WHERE service = ? AND paused = ''", (reason, service)
            ).rowcount
        return bool(changed)

    def resume(self, service: str) -> None:
        """Send to `service` again, now."""
        self._nudge(service)
        with self._database.writing() as rows:
            rows.execute("UPDATE services SET paused = '' WHERE service = ?", (service,))
            rows.execute(
                "UPDATE rows SET due = ? WHERE service = ? AND state IN ('queued', 'sending')", (self._clock(), service)
            )
        self._tell()

    @property
    def paused(self) -> set[str]:
        """The services that are sent nothing."""
        return set(self.reasons)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each service that is paused is."""
        return dict(map(tuple, self._database.read("SELECT service, paused FROM services WHERE paused != ''")))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    # What follows is for the Publisher.

    def claim(self) -> Callable[[], None]:
        """Be the only one who sends from this file, until what is returned is called or the process ends.

        Raises DeliveryError where somebody else does.
        """
        file = self._database.file
        taken = DeliveryError(f"another murai sends from {file} already; end it first.")
        return claim(file.with_name(f"{file.name}.lock"), taken)

    def take(self, service: str, backoff: Callable[[int], float] = lambda attempts: 0.0) -> Row | None:
        """The row of `service` that is due first, which is being sent from now on; None where nothing is.

        What may have been posted goes before all else, then what has waited longest. One that was being sent already is
        taken again: whoever took it is gone. `backoff`: seconds until then, after so many attempts before this one.
        """
        now = self._clock()
        due = self._rows(
            "service = ?1 AND state IN ('queued', 'sending') AND (due <= ?2 OR due > ?2 + ?3)"
            " AND NOT EXISTS (SELECT 1 FROM services WHERE services.service = ?1 AND paused != '')"
            f" ORDER BY json_extract(notes, '$.{POSTING}') IS NULL, due, attempts, made, key LIMIT 1",
            *(service, now, LONGEST),
        )
        for row in due:
            with self._database.writing() as rows:
                taken = rows.execute(
                    "UPDATE rows SET state = 'sending', attempts = attempts + 1, due = ?"
                    " WHERE key = ? AND service = ? AND state IN ('queued', 'sending')",
                    (now + min(backoff(row.attempts), LONGEST), row.key, service),
                ).rowcount
            if taken:  # and not withdrawn meanwhile
                return row
        return None

    def notes(self, row: Row) -> RowNotes:
        """What was kept of `row`."""
        return RowNotes(self._database, row)

    def sent(self, row: Row, url: str) -> None:
        """It is there, also where it was withdrawn meanwhile."""
        with self._database.writing() as rows:
            rows.execute(
                "UPDATE rows SET state = 'sent', url = ?, error = '', due = 0 WHERE key = ? AND service = ?",
                (url, row.key, row.service),
            )

    def unsent(
        self, row: Row, error: str, *, state: State = "queued", wait: float = 0.0, refused: bool = False
    ) -> None:
        """It is not there; `wait`: seconds until it is tried again."""
        with self._database.writing() as rows:
            rows.execute(
                "UPDATE rows SET state = ?, error = ?, due = ?, refusals = refusals + ?"
                " WHERE key = ? AND service = ? AND state = 'sending'",
                (state, error, self._clock() + min(wait, LONGEST), refused, row.key, row.service),
            )

    def nudges(self, service: str) -> int:
        """A number that grows whenever somebody wants `service` to be tried now."""
        found = self._database.read("SELECT nudges FROM services WHERE service = ?", (service,))
        return int(found[0]["nudges"]) if found else 0

    def wait(self, seconds: float) -> None:
        """Until something was added or decided in this process, at most `seconds`."""
        with self._news:
            self._news.wait(seconds)

    def _nudge(self, service: str) -> None:
        with self._database.writing() as rows:
            rows.execute("INSERT OR IGNORE INTO services (service) VALUES (?)", (service,))
            rows.execute("UPDATE services SET nudges = nudges + 1 WHERE service = ?", (service,))

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()

    def _decide(self, key: str, which: str, change: str, service: str = "") -> int:
        """Change those rows of a picture; returns how many there were. Raises DeliveryError where it has no rows."""
        if not self._rows("key = ?", key):
            raise DeliveryError(f"there is no picture {key} in the outbox; `murai publish status` lists them.")
        with self._database.writing() as rows:
            values = {"key": key, "service": service, "now": self._clock()}
            changed = rows.execute(f"UPDATE rows SET {change} WHERE key = :key AND ({which})", values).rowcount
        self._tell()
        return changed

    def _rows(self, where: str, *values: object) -> list[Row]:
        question = f"SELECT * FROM rows JOIN posts USING (key) WHERE {where}"
        return [_row(found) for found in self._database.read(question, values)]


def _stored(file: Path | None) -> bytes | None:
    """Where a file is: names of files need not be text."""
    return None if file is None else os.fsencode(file.absolute())


def _row(found: sqlite3.Row) -> Row:
    clip = found["clip"] and Path(os.fsdecode(found["clip"]))
    picture = Path(os.fsdecode(found["picture"]))
    post = Post(found["key"], picture, found["caption"], found["alt"], found["made"], clip)
    return Row(post=post, **{name: found[name] for name in COLUMNS})
