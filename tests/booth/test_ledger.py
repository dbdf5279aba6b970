"""The book of the booth."""

from datetime import datetime

import pytest

from murai.booth.ledger import Ledger, ranked
from murai.errors import MuraiError
from tests.shows import Clock

NOON = datetime(2027, 6, 12, 12).timestamp()


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def ledger(tmp_path, clock):
    one = Ledger(tmp_path / "booth.sqlite", clock=clock)
    yield one
    one.close()


def test_things_are_counted_by_the_day(ledger, clock):
    for what in ("visits", "visits", "prints"):
        ledger.count(what)
    clock.now += 86_400
    ledger.count("visits")
    assert ledger.counts("2027-06-12") == {"visits": 2, "prints": 1}
    assert ledger.counts() == {"visits": 1}
    assert ledger.today == "2027-06-13"


def test_what_was_counted_by_name_is_ranked():
    counts = {"visits": 9, "style:The Kiss": 1, "style:Wave: great": 3, "kind:strip": 2}
    assert list(ranked(counts, "style").items()) == [("Wave: great", 3), ("The Kiss", 1)]


def test_a_damaged_book_is_begun_anew(tmp_path):
    file, said = tmp_path / "booth.sqlite", []
    file.write_bytes(b"no book" * 1000)
    with pytest.raises(MuraiError, match="damaged"):
        Ledger(file, said.append)
    ledger = Ledger(file, said.append, mend=True)
    assert ledger.counts() == {}
    assert "damaged" in said[0]
    ledger.close()
