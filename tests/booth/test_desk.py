"""The desk: one thing after the other, and nothing that fails ends it. What it does with pictures, test_booth sees."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from murai.booth import words
from murai.booth.desk import named
from murai.booth.gallery import HELD, REFUSED, SHOWN, alias
from murai.booth.shots import Shot
from murai.errors import BoothError
from murai.packs import StylePack
from murai.publish import open_service
from murai.publish.credentials import Held
from tests.booth.visits import booth

SHOT = Shot(np.full((48, 64, 3), 9, np.uint8), np.full((48, 64, 3), 90, np.uint8))


@pytest.fixture
def one(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, keeping={"days": 1}) as one:
        yield one


@pytest.fixture
def publishing(tmp_path, tiny_pack):
    """A booth whose pictures would go to a folder that is missing, each once the host agreed."""
    service = open_service("folder", Held(folder=str(tmp_path / "missing")))
    with booth(tmp_path, tiny_pack, services=[service]) as one:
        one.outbox.pause("folder")
        yield one


def fail(error):
    raise error


def full(*_, **__):
    raise BoothError("the disk is full; make room.")


def test_what_fails_is_said_and_the_next_is_done(one):
    worked = []
    one.desk.later(lambda: fail(BoothError("the disk is full; make room.")), worked.append)
    one.desk.later(lambda: fail(ArithmeticError("a secret")), worked.append)
    one.desk.later(lambda: None, worked.append)
    one.desk.wait()
    assert worked == [False, False, True]
    assert one.said == ["the disk is full; make room.", "a fault at the desk, ArithmeticError."]


def test_captions_are_in_the_language_of_the_house(tmp_path, tiny_pack):
    french = (Path(words.__file__).parent / "words" / "fr.toml").read_text(encoding="utf-8")
    (file := tmp_path / "fr.toml").write_text(french.replace("[paintings]", '[paintings]\n"Warm" = "Chaud"'))
    service = open_service("folder", Held(folder=str(tmp_path)))
    with booth(tmp_path / "booth", tiny_pack, services=[service], languages=[str(file), "en"], event="Fête") as one:
        one.whole_visit(style="tiny/warm", consent="yes")
        [row] = one.outbox.rows()
    assert row.post.caption.startswith("Chaud")
    assert row.post.alt == "Une photo de Fête, peinte comme Chaud."


def test_things_are_done_in_the_order_they_were_asked_for(one):
    takes, order = [], []
    one.desk.compose("single", "tiny/warm", [SHOT], takes.append)
    one.desk.wait()
    (take,) = takes
    one.desk.keep(take, lambda worked: order.append("kept"))
    one.desk.share(take)
    one.desk.later(lambda: order.append(one.gallery.find(take.key).consent))
    one.desk.wait()
    assert order == ["kept", True]


def test_what_was_never_kept_is_never_shared_or_printed(one):
    takes = []
    one.desk.compose("single", "tiny/warm", [SHOT], takes.append)
    one.desk.wait()
    one.desk.share(takes[0])
    one.desk.print(takes[0])
    one.desk.wait()
    assert one.gallery.all() == []


def test_what_cannot_be_counted_is_kept_and_shared_all_the_same(publishing, monkeypatch):
    monkeypatch.setattr(publishing.ledger, "count", full)
    key = publishing.whole_visit(consent="yes")
    assert publishing.gallery.find(key).standing == HELD
    assert [row.key for row in publishing.outbox.rows()] == [alias(key)]


def test_a_picture_without_a_link_is_kept_all_the_same(one, monkeypatch):
    one.desk.link = lambda key: fail(OSError(key))
    key = one.whole_visit()
    assert [picture.key for picture in one.gallery.all()] == [key]
    assert one.said == ["a fault at the desk, OSError."]


def test_what_the_outbox_did_not_take_is_published_later(publishing, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(publishing.outbox, "add", full)
        key = publishing.whole_visit(consent="yes")
    publishing.whole_visit()
    assert publishing.outbox.rows() == []
    for _ in range(2):
        publishing.desk.tidy()
        publishing.desk.wait()
        assert [row.key for row in publishing.outbox.rows()] == [alias(key)]


def test_what_could_not_be_replaced_is_published_as_it_was(tmp_path, tiny_pack, monkeypatch):
    service = open_service("folder", Held(folder=str(tmp_path / "missing")))
    go_on = threading.Event()

    def slow(self, job, image):
        go_on.wait(20)
        return image

    monkeypatch.setattr("murai.booth.repaint.Repainter._painted", slow)
    with booth(tmp_path, tiny_pack, services=[service], pictures={"quality": "fine"}) as one:
        key = one.whole_visit(consent="yes")
        one.desk.tidy()
        one.desk.wait()
        assert one.outbox.rows() == [], "it waits for the better one"
        monkeypatch.setattr(one.gallery, "replace", full)
        go_on.set()
        one.play(lambda: [row.key for row in one.outbox.rows()] == [alias(key)])


def test_the_gallery_follows_what_was_decided_on_the_command_line(publishing):
    yes, no, both, undecided = [publishing.whole_visit(consent="yes") for _ in range(4)]
    publishing.outbox.approve(alias(yes))
    publishing.outbox.refuse(alias(no))
    publishing.desk.approve(both)
    publishing.outbox.refuse(alias(both))  # thought better of it
    publishing.desk.tidy()
    publishing.desk.wait()
    standings = [publishing.gallery.find(key).standing for key in (yes, no, both, undecided)]
    assert standings == [SHOWN, REFUSED, REFUSED, HELD]


def test_what_the_host_refused_goes_to_no_other_service_either(publishing):
    key = publishing.whole_visit(consent="yes")
    publishing.outbox.refuse(alias(key))
    publishing.gallery.consent(key, ["folder", "webhook"])
    publishing.desk._services = ("folder", "webhook")  # the second was away when the picture was taken
    publishing.desk.tidy()
    publishing.desk.wait()
    assert [(row.service, row.state) for row in publishing.outbox.rows()] == [("folder", "refused")]


def test_the_outbox_hears_first_what_the_host_decides(publishing, monkeypatch):
    key = publishing.whole_visit(consent="yes")
    with monkeypatch.context() as patch:
        patch.setattr(publishing.gallery, "decide", full)
        with pytest.raises(BoothError):
            publishing.desk.approve(key)  # and here the power is cut
    publishing.desk.tidy()
    publishing.desk.wait()
    assert publishing.gallery.find(key).standing == SHOWN


def test_nobody_waits_for_the_printer(one):
    go_on, printed = threading.Event(), []

    class Slow:
        name = "Slow"

        def print(self, file):
            printed.append(file.is_file())
            go_on.wait(20)

        def settled(self):
            raise BoothError("CUPS does not answer.")

    one.desk._printer = Slow()
    takes = []
    one.desk.compose("single", "tiny/warm", [SHOT], takes.append)
    one.desk.later(lambda: one.desk.keep(takes[0], lambda worked: None))
    one.desk.later(lambda: one.desk.print(takes[0]))
    one.play(lambda: printed)
    reached = threading.Event()
    one.desk.later(reached.set)
    assert reached.wait(20)
    assert takes[0].print == "coming"
    go_on.set()
    one.desk.wait()
    assert one.ledger.counts()["prints"] == 1
    assert (takes[0].print, one.said) == ("coming", []), "it is queued, however the printer is"


def test_what_is_too_old_stays_while_it_is_to_be_published_by_a_service_in_use(publishing):
    key = publishing.whole_visit(consent="yes")

    def tidy(days):
        publishing.gallery._clock = lambda: time.time() + days * 86_400
        publishing.desk.tidy()
        publishing.desk.wait()
        return publishing.gallery.all()

    assert tidy(15)
    assert tidy(31)
    publishing.desk._services = ()
    assert not tidy(32)
    assert [(row.key, row.state) for row in publishing.outbox.rows()] == [(alias(key), "failed")]


def test_a_picture_that_is_gone_is_said_to_who_decides(one):
    with pytest.raises(BoothError, match="not there any more"):
        one.desk.approve("nobody")
    one.desk.delete("nobody")


def test_styles_are_found_by_pack_and_by_name(tiny_pack):
    packs = [StylePack.load(tiny_pack)]
    assert named(packs, "tiny/warm").title == named(packs, "warm").title == "Warm"
    assert named(packs, "other/warm") is None


def test_a_picture_that_is_out_already_is_said_when_it_is_deleted(tmp_path, tiny_pack):
    (tmp_path / "out").mkdir()
    service, shown = open_service("folder", Held(folder=str(tmp_path / "out"))), {"publishing": {"moderation": False}}
    with booth(tmp_path / "booth", tiny_pack, services=[service], **shown) as one:
        key = one.whole_visit(consent="yes")
        one.play(lambda: [row.state for row in one.outbox.rows()] == ["sent"])
        one.desk.delete(key)
        assert one.said == ["a picture was deleted that is, or may be, at folder: remove it there too."]
