"""The database that the outbox and the gallery share."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from murai.database import Database, InUse
from murai.errors import MuraiError

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY)"
WRITER = """
import sys
from pathlib import Path
from murai.database import Database
database = Database(Path(sys.argv[1]), "CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY)")
for number in range(100_000):
    with database.writing() as rows:
        rows.execute("INSERT INTO words VALUES (?)", (f"a{number}",))
        rows.execute("INSERT INTO words VALUES (?)", (f"b{number}",))
    print(number, flush=True)
"""


def words(database: Database) -> list[str]:
    return [row["word"] for row in database.read("SELECT word FROM words ORDER BY word")]


def write(database: Database, word: str) -> None:
    with database.writing() as rows:
        rows.execute("INSERT INTO words VALUES (?)", (word,))


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    first = Database(tmp_path / "a.sqlite", SCHEMA)
    assert first.fresh
    write(first, "one")
    first.close()
    again = Database(tmp_path / "a.sqlite", SCHEMA)
    assert words(again) == ["one"]
    assert not again.fresh


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite", SCHEMA)

    def twice() -> None:
        with database.writing() as rows:
            rows.execute("INSERT INTO words VALUES ('one')")
            rows.execute("INSERT INTO words VALUES ('one')")

    with pytest.raises(sqlite3.IntegrityError):
        twice()
    assert words(database) == []
    write(database, "two")
    assert words(database) == ["two"]


@pytest.mark.parametrize("damage", [b"this is no database, but a text" * 100, None])
def test_a_damaged_file_is_kept_aside(tmp_path: Path, damage: bytes | None) -> None:
    file = tmp_path / "a.sqlite"
    database = Database(file, SCHEMA)
    for number in range(2000):
        write(database, f"word {number}")
    database.close()
    content = damage or file.read_bytes()[:4096] + os.urandom(20_000)
    file.write_bytes(content)
    said: list[str] = []
    with pytest.raises(MuraiError, match="damaged"):  # only its owner may begin a new one
        Database(file, SCHEMA, said.append)
    assert file.read_bytes()[:3000] == content[:3000]
    assert said == []
    again = Database(file, SCHEMA, said.append, mend=True)
    assert again.fresh
    assert words(again) == []
    [aside] = list(tmp_path.glob("a-damaged-*.sqlite"))
    assert aside.read_bytes()[:3000] == content[:3000]
    assert aside.name in said[0]


def test_threads_and_connections_share_it(tmp_path: Path) -> None:
    database, other = (Database(tmp_path / "a.sqlite", SCHEMA) for _ in range(2))

    def fill(which: Database, letter: str) -> None:
        for number in range(50):
            write(which, f"{letter}{number}")

    threads = [
        threading.Thread(target=fill, args=(which, letter))
        for which, letter in ((database, "a"), (database, "b"), (other, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(words(other)) == 150


def test_a_killed_writer_loses_nothing_it_said_was_written(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "a.sqlite")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(50):
        said = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = set(words(Database(tmp_path / "a.sqlite", SCHEMA)))
    assert {f"a{number}" for number in range(said + 1)} <= kept
    assert {word[1:] for word in kept if word[0] == "a"} == {word[1:] for word in kept if word[0] == "b"}


def test_a_damaged_file_that_cannot_be_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.sqlite").write_bytes(b"no database" * 1000)
    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(MuraiError, match="cannot be put aside"):
        Database(tmp_path / "a.sqlite", SCHEMA, mend=True)


def test_a_new_file_that_somebody_else_begins_at_the_same_moment(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    assert words(Database(tmp_path / "a.sqlite", SCHEMA)) == []


def test_what_another_program_writes_to_is_said_so_and_is_written_once_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("murai.database.PATIENCE", 0.05)
    database = Database(tmp_path / "a.sqlite", SCHEMA)
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(InUse, match=r"a.sqlite is in use by another program: close it\.$"):
        write(database, "one")
    assert words(database) == []
    other.execute("COMMIT")
    write(database, "two")
    assert words(database) == ["two"]


def test_a_full_disk_is_no_other_program(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite", SCHEMA)
    database.read("PRAGMA max_page_count = 1")
    with pytest.raises(MuraiError, match="make room on the disk") as raised:
        write(database, "word" * 10_000)
    assert not isinstance(raised.value, InUse)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MuraiError, match="cannot be opened"):
        Database(tmp_path / "none" / "a.sqlite", SCHEMA)
