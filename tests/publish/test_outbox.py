"""What is to be published, and how far it is."""

import os
import time
from pathlib import Path

import pytest

from murai.errors import DeliveryError
from murai.publish.outbox import LONGEST, Outbox
from murai.publish.post import Post

from .kit import row_of


class Clock:
    def __init__(self):
        self.now = 1.8e9

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outbox(tmp_path, clock):
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    yield outbox
    outbox.close()


def post(key="one", made=1.7e9, picture="one.jpg", caption="hello"):
    return Post(key, Path(picture), caption, "a face", made)


def test_what_is_added_twice_is_there_once_and_still_after_a_restart(outbox, tmp_path):
    for _ in range(2):
        outbox.add(post(), ["x", "folder"], approved=True)
    outbox.add(post(caption="another"), ["x", "bluesky"], approved=True)
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite")
    assert [(row.service, row.state) for row in again.rows()] == [
        ("bluesky", "queued"), ("folder", "queued"), ("x", "queued")
    ]  # fmt: skip
    assert again.rows()[0].post == post(picture=Path("one.jpg").absolute())
    assert again.counts() == {"bluesky": {"queued": 1}, "folder": {"queued": 1}, "x": {"queued": 1}}


def test_odd_texts_and_names_survive(outbox):
    name = os.fsdecode(b"/tmp/caf\xe9.jpg")
    outbox.add(post(picture=name, caption="\ud800 \ud83d\ude00 \x00 '; DROP TABLE rows; --"), ["x"], approved=True)
    [row] = outbox.rows()
    assert str(row.post.picture) == name
    assert row.post.caption == "\ufffd 😀  '; DROP TABLE rows; --"


@pytest.mark.parametrize("key", ["", "../up", "a/b", "a b", "é", "a\n", "x" * 129])
def test_a_key_that_is_none(key):
    with pytest.raises(DeliveryError, match="no key"):
        post(key)


def test_nothing_goes_out_that_the_host_did_not_approve(outbox):
    outbox.add(post("one"), ["x"], approved=False)
    outbox.add(post("two"), ["x"], approved=False)
    outbox.add(post("one"), ["x"], approved=True)  # adding again approves nothing
    assert outbox.take("x") is None
    outbox.refuse("two")
    outbox.approve("one")
    assert outbox.take("x").key == "one"
    assert outbox.counts() == {"x": {"sending": 1, "refused": 1}}
    for decide in (outbox.approve, outbox.refuse):
        with pytest.raises(DeliveryError, match="no picture"):
            decide("three")


def test_a_visitor_takes_a_picture_back(outbox):
    outbox.add(post(), ["x", "folder", "bluesky", "mastodon"], approved=True)
    outbox.sent(outbox.take("x"), "https://x.com/1")
    in_flight = outbox.take("folder")
    assert sorted(outbox.withdraw("one")) == ["folder", "x"]
    assert outbox.take("bluesky") is None
    outbox.add(post(), ["bluesky"], approved=True)
    assert outbox.take("bluesky") is None
    outbox.unsent(in_flight, "later", wait=5)
    assert outbox.counts()["folder"] == {"withdrawn": 1}
    outbox.sent(in_flight, "file:///one.jpg")  # it arrived all the same, and is said to be there
    assert outbox.counts()["folder"] == {"sent": 1}
    assert outbox.busy == set()


def test_the_order_and_the_time(outbox, clock):
    outbox.add(post("new", made=2.0), ["x"], approved=True)
    outbox.add(post("old", made=1.0), ["x"], approved=True)
    row = outbox.take("x")
    assert row.key == "old"
    outbox.unsent(row, "not now", wait=60)
    assert outbox.take("x").key == "new"
    outbox.sent(row_named(outbox, "new"), "")
    assert outbox.take("x") is None
    clock.now += 61
    assert outbox.take("x").key == "old"
    assert row_named(outbox, "old").attempts == 2


@pytest.mark.parametrize("jump", [-1e9, -3600, 1e9])
def test_a_clock_that_jumps_neither_freezes_nor_floods(outbox, clock, jump):
    outbox.add(post(), ["x"], approved=True)
    outbox.unsent(outbox.take("x"), "not now", wait=1e9)
    assert outbox.take("x") is None
    clock.now += jump
    row = outbox.take("x")
    assert row is not None
    outbox.unsent(row, "not now", wait=60)
    assert outbox.take("x") is None
    clock.now -= 30  # a little, as when the network tells the time
    assert outbox.take("x") is None
    clock.now += LONGEST
    assert outbox.take("x") is not None


def test_what_was_being_sent_is_taken_again(outbox, tmp_path):
    outbox.add(post(), ["x"], approved=True)
    outbox.notes(outbox.take("x")).keep(media="7", key="8")
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite")
    notes = again.notes(again.take("x"))
    assert (notes["media"], notes["key"], notes["none"]) == ("7", "8", "")
    notes.keep(media="")
    assert again.notes(again.rows()[0])["media"] == ""


def test_pause_and_resume(outbox):
    outbox.add(post(), ["x"], approved=True)
    assert outbox.pause("x", "nobody is logged in")
    assert not outbox.pause("x", "again")
    assert outbox.paused == {"x"}
    assert outbox.reasons == {"x": "nobody is logged in"}
    assert outbox.take("x") is None
    outbox.resume("x")
    assert outbox.paused == set()
    assert outbox.take("x") is not None


def test_retry_tries_what_failed_but_nothing_that_may_be_there(outbox):
    outbox.add(post("failed"), ["x"], approved=True)
    outbox.add(post("unsure"), ["x"], approved=True)
    outbox.unsent(outbox.take("x"), "no", state="failed")
    outbox.notes(row := outbox.take("x")).keep(posting="yes", media="5")
    outbox.unsent(row, "who knows", state="unsure")
    assert outbox.busy == {"unsure"}
    outbox.retry("x")
    assert outbox.take("x").key == "failed"
    assert outbox.take("x").key == "failed"
    outbox.sent(row_named(outbox, "failed"), "")
    assert outbox.take("x") is None
    outbox.approve("unsure")  # which the host says of what was held
    assert outbox.take("x") is None


def test_the_host_settles_what_nobody_knows_at_one_service(outbox):
    outbox.add(post(), ["x", "mastodon"], approved=True)
    for service in ("x", "mastodon"):
        outbox.notes(row := outbox.take(service)).keep(posting="yes", media="5")
        outbox.unsent(row, "who knows", state="unsure")
    outbox.settle("one", "x", there=False)
    assert outbox.take("mastodon") is None
    assert outbox.notes(outbox.take("x"))["posting"] == ""
    outbox.settle("one", "mastodon", there=True)
    assert outbox.counts() == {"mastodon": {"sent": 1}, "x": {"sending": 1}}
    for key, service in (("one", "mastodon"), ("one", "none"), ("two", "x")):
        with pytest.raises(DeliveryError, match=r"nobody wonders|no picture"):
            outbox.settle(key, service, there=True)


def test_the_host_changes_his_mind(outbox):
    outbox.add(post("new"), ["x"], approved=False)
    outbox.refuse("new")
    outbox.approve("new")
    assert outbox.take("x").key == "new"
    outbox.unsent(outbox.take("x"), "who knows", state="unsure")
    outbox.refuse("new")
    outbox.approve("new")  # of this one nobody knows whether it is there
    assert outbox.take("x") is None


def test_one_sender_at_a_time(outbox, tmp_path):
    release = outbox.claim()
    other = Outbox(tmp_path / "outbox.sqlite")
    with pytest.raises(DeliveryError, match="another murai"):
        other.claim()
    release()
    other.claim()()


def test_an_outbox_that_lost_its_memory_posts_nothing_twice(outbox, tmp_path):
    outbox.add(post(made=time.time()), ["x"], approved=True)
    outbox.close()
    for ending in ("-wal", "-shm"):
        (tmp_path / f"outbox.sqlite{ending}").unlink(missing_ok=True)
    (tmp_path / "outbox.sqlite").write_bytes(b"the disk was dying" * 1000)
    said = []
    again = Outbox(tmp_path / "outbox.sqlite", said.append, mend=True)
    assert "damaged" in said[0]
    old, new = post("old", made=time.time() - 60), post("new", made=time.time() + 60)
    for one in (old, new):
        again.add(one, ["x"], approved=True)
    assert again.notes(row_of(again, old))["posting"] == "?"
    assert again.notes(row_of(again, new))["posting"] == ""
    again.close()
    later = Outbox(tmp_path / "outbox.sqlite")
    later.add(older := post("older", made=1.0), ["x"], approved=True)
    assert later.notes(row_of(later, older))["posting"] == "?"


def row_named(outbox, key):
    [row] = [row for row in outbox.rows() if row.key == key]
    return row
