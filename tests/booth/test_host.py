"""The booth as its host has it."""

import threading

import pytest

from murai.booth.gallery import alias
from murai.booth.host import REMEMBERED, Host, Sayings
from murai.booth.printing import PrinterState
from murai.errors import BoothError, DeliveryError
from murai.publish import open_service
from murai.publish.credentials import Held
from tests.booth.visits import booth
from tests.shows import eventually


@pytest.fixture
def one(tmp_path, tiny_pack):
    service = open_service("folder", Held(folder=str(tmp_path / "missing")))
    with booth(tmp_path / "booth", tiny_pack, services=[service]) as one:
        yield one


@pytest.fixture
def host(one):
    return Host(one.desk, one.outbox, one.ledger, ["folder"], None, lambda: one.now.state, one._sayings)


def test_the_desk_tells_how_it_is(one, host):
    key = one.whole_visit(consent="yes")
    one.say("something happened.")
    desk = host.desk()
    assert desk.visit == "idle"
    assert desk.figures == {"visits": 1, "pictures": 1, "shared": 1, "prints": 0}
    assert (desk.styles, desk.kinds) == ({"Invert": 1}, {"single": 1})
    assert [(each.name, dict(each.counts), each.paused) for each in desk.channels] == [("folder", {"held": 1}, "")]
    assert desk.said[0][1] == "something happened."
    assert (desk.printer, desk.trouble) == ("", False)
    host.approve(key)
    host.pause("folder")
    assert host.desk().channels[0].paused
    host.resume("folder")
    assert not host.desk().channels[0].paused
    host.delete(key)
    assert one.gallery.find(key) is None


class Slow:
    """A printer whose CUPS takes its time."""

    name = "Booth"

    def __init__(self):
        self.answers, self.asked = threading.Event(), 0

    def state(self):
        self.asked += 1
        self.answers.wait(20)
        raise BoothError("CUPS does not answer.")


def test_the_page_does_not_wait_for_a_printer(one):
    printer = Slow()
    host = Host(one.desk, one.outbox, one.ledger, [], printer, lambda: "idle", one._sayings)
    for _ in range(3):
        desk = host.desk()
        assert (desk.printer, desk.trouble) == ("Booth", False)
    assert printer.asked == 1
    printer.answers.set()
    eventually(lambda: host.desk().trouble)
    assert host.desk().printer == "CUPS does not answer."


class Empty:
    """A printer that ran out of paper in the middle of a job."""

    name = "Booth"

    def state(self):
        return PrinterState(ready=False, printing=True, reasons=("media-empty-error",), message="Load paper.")


def test_the_page_says_what_a_printer_wants_while_it_prints(one):
    host = Host(one.desk, one.outbox, one.ledger, [], Empty(), lambda: "idle", one._sayings)
    eventually(lambda: host.desk().trouble)
    assert host.desk().printer == "Booth: media-empty-error (Load paper.)"


def test_what_is_unsure_is_settled_by_who_looked(one, host):
    keys = [one.whole_visit(consent="yes") for _ in range(2)]
    host.pause("folder")
    for key in keys:  # the publisher leaves what is paused alone
        host.approve(key)
    with one.outbox._database.writing() as table:
        table.execute("UPDATE rows SET state = 'unsure'")
    assert [trouble.unsure for trouble in host.desk().channels[0].troubles] == [True, True]
    there, again = (trouble.key for trouble in host.desk().channels[0].troubles)
    assert {there, again} == set(map(alias, keys))
    host.settle("folder", there, True)
    host.settle("folder", again, False)
    assert {row.key: row.state for row in one.outbox.rows()} == {there: "sent", again: "queued"}
    with pytest.raises(DeliveryError):
        host.settle("folder", there, True)


def test_what_was_said_is_remembered_but_not_for_ever():
    sayings = Sayings(clock=lambda: 7.0)
    for number in range(REMEMBERED + 5):
        sayings(str(number))
    assert len(sayings.newest_first) == REMEMBERED
    assert sayings.newest_first[0] == (7.0, str(REMEMBERED + 4))
