"""The desk: one thing after the other, and nothing that fails ends it. What it does with pictures, test_booth sees."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from murai.booth import words
from murai.booth.desk import named
from murai.booth.gallery import DATABASE, HELD, PRIVATE, REFUSED, SHOWN, alias
from murai.booth.shots import Shot
from murai.errors import BoothError
from murai.packs import StylePack
from murai.publish import Outbox, open_service
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


@pytest.fixture
def locking(monkeypatch):
    """Begins to write to the gallery of a booth, as another program would; returns its connection."""
    monkeypatch.setattr("murai.database.PATIENCE", 0.05)
    monkeypatch.setattr("murai.booth.desk.BETWEEN", 0.05)
    opened = []

    def lock(one):
        opened.append(sqlite3.connect(one.gallery.folder / DATABASE, isolation_level=None))
        opened[-1].execute("BEGIN IMMEDIATE")
        return opened[-1]

    yield lock
    for connection in opened:
        connection.close()


def to_done(one):
    """A visitor who agreed to share; the other program has the gallery since before it was to be kept."""
    one.to_review()
    one.push("button", "consent")
    one.push("yes", "done")
    one.play(lambda: one.said)


def test_a_picture_is_not_given_up_for_another_program_that_has_the_gallery(locking, tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, services=[open_service("folder", Held(folder=str(tmp_path / "missing")))]) as one:
        other = locking(one)
        to_done(one)
        assert (one.now.state, one.key, one._scene().busy) == ("done", "", True)
        before = one.now.until
        other.execute("COMMIT")
        one.play(lambda: one.key)
        one.play(lambda: one.now.until > before)
        one.desk.wait()
        assert one.now.state == "done"
        assert one.gallery.find(one.key).standing == HELD
        assert [row.key for row in one.outbox.rows()] == [alias(one.key)]
        # A slow machine finds it in use more than once.
        assert set(one.said) == {f"{one.gallery.folder / DATABASE} is in use by another program: close it."}


def test_what_was_kept_late_is_shared_and_printed_as_asked(locking, tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack) as one:
        one.desk._printer, takes = object(), []
        one.desk.compose("single", "tiny/warm", [SHOT], takes.append)
        one.desk.wait()
        [take], other, order = takes, locking(one), []
        one.desk.keep(take, order.append)
        one.desk.share(take)
        one.desk.later(lambda: order.append(take.shared))
        one.desk.print(take)
        one.play(lambda: one.said)
        assert order == []
        other.execute("COMMIT")
        one.desk.wait()
        assert order == [True, True]
        assert take.print, "it was tried"


def test_a_picture_that_cannot_be_kept_for_long_is_an_apology(locking, tmp_path, tiny_pack, monkeypatch):
    monkeypatch.setattr("murai.booth.desk.KEEP_TRYING", 0.2)
    with booth(tmp_path, tiny_pack) as one:
        locking(one)
        one.to_review()
        one.push("button")
        one.play(lambda: one.now.state == "choose")
        assert one.now.sorry
        assert one.gallery.all() == []
        assert not list(one.gallery.folder.glob("*.jpg"))


def test_a_booth_that_ends_waits_for_no_other_program(locking, tmp_path, tiny_pack):
    one = booth(tmp_path, tiny_pack)
    one.start()
    with closing(locking(one)):
        one.to_review()
        one.push("button", "done")
        one.play(lambda: one.said)
        ending = threading.Thread(target=one.close, daemon=True)
        ending.start()
        ending.join(60)
        assert not ending.is_alive()


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


@pytest.fixture
def after_loss(tmp_path, tiny_pack):
    """Plays an evening with a booth that publishes, then loses its gallery's database; opens it again."""

    def lose(evening):
        with booth(tmp_path, tiny_pack, services=[open_service("folder", Held(folder=str(tmp_path / "x")))]) as one:
            one.outbox.pause("folder")
            evening(one)
        for file in (tmp_path / "gallery").glob(f"{DATABASE}*"):
            file.unlink()
        return booth(tmp_path, tiny_pack, services=[open_service("folder", Held(folder=str(tmp_path / "x")))])

    return lose


def test_where_the_gallery_was_lost_pictures_wait_for_the_host_again(after_loss):
    keys = []

    def evening(one):
        keys.extend(one.whole_visit(consent=consent) for consent in ("yes", "yes", "yes", "no"))
        one.gallery.consent(keys[0], ["folder", "gallery"], approved=False)
        one.desk.approve(keys[1])
        one.outbox.add(next(row.post for row in one.outbox.rows() if row.key == alias(keys[2])), ["x"], approved=False)

    with after_loss(evening) as one:
        one.desk.wait()
        pictures = [one.gallery.find(key) for key in keys]
        assert [picture.standing for picture in pictures] == [HELD, SHOWN, HELD, PRIVATE]
        assert [picture.places for picture in pictures] == [("folder",), ("folder",), ("folder", "x"), ()]
        assert {picture.key for picture in one.gallery.held()} == {keys[0], keys[2]}
        one.desk.approve(keys[0])
        states = {row.key: row.state for row in one.outbox.rows() if row.service == "folder"}
        assert states == dict(zip(map(alias, keys[:3]), ("queued", "queued", "held"), strict=True))


def test_what_was_taken_back_or_refused_stays_its_visitors_alone_where_the_gallery_was_lost(after_loss):
    keys = []

    def evening(one):
        keys.extend(one.whole_visit(consent="yes") for _ in range(3))
        one.desk.approve(keys[0])
        with one.outbox._database.writing() as table:
            table.execute("UPDATE rows SET state = 'sent' WHERE key = ?", [alias(keys[0])])
        one.outbox.add(next(row.post for row in one.outbox.rows() if row.key == alias(keys[0])), ["x"], approved=False)
        one.outbox.withdraw(alias(keys[0]))  # and here the power is cut, before the picture is deleted
        one.outbox.withdraw(alias(keys[1]))
        one.desk.refuse(keys[2])

    with after_loss(evening) as one:
        one.desk.wait()
        assert [one.gallery.find(key).standing for key in keys] == [PRIVATE] * 3
        assert [one.gallery.find(key).places for key in keys] == [()] * 3


def test_another_process_is_followed_soon(publishing, tmp_path):
    key, other = publishing.whole_visit(consent="yes"), publishing.whole_visit(consent="yes")
    with closing(Outbox(publishing.outbox._database.file)) as elsewhere:  # as the command line does
        elsewhere.approve(alias(key))
        elsewhere.refuse(alias(other))
    publishing.play(lambda: publishing.gallery.find(key).standing == SHOWN)
    publishing.play(lambda: publishing.gallery.find(other).standing == REFUSED)


def test_the_host_hears_where_a_picture_is_that_is_refused_too_late(publishing):
    key = publishing.whole_visit(consent="yes")
    publishing.desk.approve(key)
    with publishing.outbox._database.writing() as table:
        table.execute("UPDATE rows SET state = 'sent'")
    publishing.desk.refuse(key)
    assert publishing.said == ["a picture was refused that is at folder already: remove it there too."]
    assert publishing.gallery.find(key).standing == REFUSED


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

        def print(self, file, page):
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
