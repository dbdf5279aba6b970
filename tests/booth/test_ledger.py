"""The book of the booth."""

from datetime import datetime

import pytest

from murai.booth.ledger import Ledger
from murai.errors import MuraiError

NOON = datetime(2027, 6, 12, 12).timestamp()


class Clock:
    now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    one = Ledger(tmp_path / "booth.sqlite", clock=clock)
    yield one
    one.close()


def test_what_was_agreed_to_is_remembered_and_never_becomes_more(ledger, tmp_path):
    ledger.agree("one", ["bluesky", "folder"])
    ledger.agree("one", ["bluesky", "folder", "x"])
    ledger.agree("two", [])
    ledger.close()
    again = Ledger(tmp_path / "booth.sqlite")
    assert again.agreed() == {"one": ["bluesky", "folder"], "two": []}
    again.forget("one")
    again.forget("nobody")
    assert again.agreed() == {"two": []}
    again.close()


def test_things_are_counted_by_the_day(ledger, clock):
    for what in ("visits", "visits", "prints"):
        ledger.count(what)
    clock.now += 86_400
    ledger.count("visits")
    assert ledger.counts("2027-06-12") == {"visits": 2, "prints": 1}
    assert ledger.counts() == {"visits": 1}
    assert ledger.today == "2027-06-13"


def test_a_damaged_book_means_that_nobody_agreed(tmp_path):
    file, said = tmp_path / "booth.sqlite", []
    file.write_bytes(b"no book" * 1000)
    with pytest.raises(MuraiError, match="damaged"):
        Ledger(file, said.append)
    ledger = Ledger(file, said.append, mend=True)
    assert ledger.agreed() == {}
    assert "damaged" in said[0]
    ledger.close()
