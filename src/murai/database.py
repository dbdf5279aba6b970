"""A SQLite file that outlives power cuts, and that several threads and processes share."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from murai.errors import MuraiError, Say, silent

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""


class InUse(MuraiError):
    """Another program writes to the file, and has not ended in time: it may have the next time."""


class Database:
    """The tables of `schema` in `file`, in WAL mode; its folder has to be there. Any thread may use it.

    What `writing` did is on the disk when its `with` ends, all of it or nothing. A file that is damaged, or no database
    at all, is put aside under another name by its owner, who opens it with `mend`, and a new one is begun: `say` hears
    of it, and `fresh` is True. For all others it stays where it is: its owner may be at work.

    Raises MuraiError where the file cannot be opened, stays locked, or is damaged and not to be mended.
    """

    def __init__(self, file: Path, schema: str, say: Say = silent, *, mend: bool = False) -> None:
        self.file, self.fresh = file, not file.exists()
        self._lock = threading.RLock()
        try:
            self._connection = self._opened(schema)
        except sqlite3.OperationalError as error:
            raise MuraiError(
                f"{file} cannot be opened ({error}); close what else uses it, or mend the folder."
            ) from error
        except sqlite3.DatabaseError as error:
            if not mend:
                raise MuraiError(f"{file} is damaged ({error}); start the booth again, which mends it.") from error
            aside = self._put_aside()
            say(f"{file} is damaged ({error}): it is kept as {aside.name}, and a new one is begun.")
            self.fresh = True
            self._connection = self._opened(schema)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: undone where its `with` ends by an exception. Raises MuraiError where the disk refuses,
        InUse where another program writes for longer than PATIENCE."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                if _is_busy(error):
                    raise InUse(f"{self.file} is in use by another program: close it.") from error
                if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                    raise MuraiError(f"{self.file} cannot be written ({error}); make room on the disk.") from error
                raise

    def read(self, question: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows that answer an SQL `question`. Raises MuraiError where the file cannot be read."""
        with self._lock:
            try:
                return self._connection.execute(question, values).fetchall()
            except sqlite3.Error as error:
                raise MuraiError(f"{self.file} cannot be read ({error}); close what else uses it.") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _opened(self, schema: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = FULL")
            damage = connection.execute("PRAGMA quick_check").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(str(damage).partition("\n")[0])
            connection.executescript(schema)
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self) -> Path:
        """The damaged file under a name of its own, with what SQLite keeps beside it."""
        aside = self.file.with_name(f"{self.file.stem}-damaged-{time.time_ns()}{self.file.suffix}")
        for ending in ("", "-wal", "-shm"):
            try:
                Path(f"{self.file}{ending}").rename(f"{aside}{ending}")
            except FileNotFoundError:
                continue
            except OSError as error:
                why = f"{self.file} is damaged, and cannot be put aside ({error.strerror}); mend its folder."
                raise MuraiError(why) from error
        return aside


def _is_busy(error: BaseException) -> bool:
    """Whether somebody else has the file; SQLite says more than that in the upper bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Change to WAL mode. SQLite does not wait by itself for others that open the file at the same moment."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def claim(lock_file: Path, taken: MuraiError) -> Callable[[], None]:
    """Be the only process that has `lock_file`, until what is returned is called or the process ends.

    Raises `taken` where another has it, and an error of its kind where the file cannot be locked.
    """
    try:
        lock = sqlite3.connect(lock_file, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except BaseException:
            lock.close()
            raise
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise taken from None
        raise type(taken)(f"{lock_file} cannot be locked ({error}); remove it, or mend its folder.") from None
    return lock.close
