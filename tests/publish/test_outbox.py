"""What is to be published, and how far it is."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from murai.errors import DeliveryError
from murai.publish.outbox import LONGEST, LONGEST_STAY, Outbox
from murai.publish.post import Post
from tests.shows import Clock

from .kit import row_of


@pytest.fixture
def clock():
    return Clock(1.8e9)


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
    odd = post(picture=name, caption="\ud800 \ud83d\ude00 \x00 '; DROP TABLE rows; --")
    outbox.add(replace(odd, clip=Path(f"{name}.mp4")), ["x"], approved=True)
    [row] = outbox.rows()
    assert (str(row.post.picture), str(row.post.clip)) == (name, f"{name}.mp4")
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


def test_what_the_host_refuses_while_it_is_sent_is_not_sent_again(outbox, tmp_path):
    outbox.add(post(), ["x", "folder"], approved=True)
    row = outbox.take("x")
    outbox.take("folder")
    outbox.refuse("one")
    outbox.unsent(row, "not now")  # the attempt goes wrong; the other ends by a power cut
    assert outbox.counts() == {"x": {"refused": 1}, "folder": {"refused": 1}}
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite")
    assert again.take("x") is again.take("folder") is None
    again.sent(row, "https://x.com/1")  # it arrived all the same, and is said to be there
    assert again.counts()["x"] == {"sent": 1}


def test_what_is_decided_already_is_said(outbox):
    outbox.add(post(), ["x"], approved=True)
    with pytest.raises(DeliveryError, match="does not wait"):
        outbox.approve("one")
    outbox.sent(outbox.take("x"), "")
    for decide in (outbox.approve, outbox.refuse):
        with pytest.raises(DeliveryError, match=r"does not wait|nothing of picture"):
            decide("one")


def test_a_visitor_takes_a_picture_back(outbox):
    outbox.add(post(), ["x", "folder", "bluesky", "mastodon"], approved=True)
    outbox.sent(outbox.take("x"), "https://x.com/1")
    in_flight = outbox.take("folder")
    outbox.unsent(outbox.take("bluesky"), "the answer was lost")
    assert sorted(outbox.withdraw("one")) == ["bluesky", "folder", "x"]
    assert outbox.take("mastodon") is None
    outbox.add(post(), ["mastodon"], approved=True)
    assert outbox.take("mastodon") is None
    outbox.unsent(in_flight, "later", wait=5)
    assert outbox.counts()["folder"] == {"withdrawn": 1}
    outbox.sent(in_flight, "file:///one.jpg")  # it arrived all the same, and is said to be there
    assert outbox.counts()["folder"] == {"sent": 1}
    assert outbox.busy(["x", "folder", "bluesky", "mastodon"]) == set()


def test_pictures_are_needed_for_services_in_use_and_not_for_ever(outbox, clock):
    outbox.add(post("one", made=clock.now), ["x"], approved=True)
    outbox.add(post("two", made=clock.now), ["mastodon"], approved=False)
    outbox.add(post("three", made=clock.now), ["x"], approved=True)
    outbox.unsent(row_of_key("three", outbox.take("x"), outbox.take("x")), "no", state="failed")
    assert outbox.busy(["x", "folder"]) == {"one", "three"}
    assert outbox.busy(["mastodon"]) == {"two"}
    assert outbox.busy([]) == set()
    clock.now += LONGEST_STAY + 1
    assert outbox.busy(["x", "mastodon"]) == set()
    for key in ("one", "two"):
        outbox.give_up(key)
    assert {row.state for row in outbox.rows()} == {"failed"}
    assert "too old" in row_named(outbox, "one").error
    assert row_named(outbox, "three").error == "no"


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


def test_what_has_waited_longest_goes_first(outbox, clock):
    outbox.add(post("old"), ["x"], approved=True)
    outbox.unsent(outbox.take("x"), "not now", wait=25)
    for number in range(5):  # one visitor after the other
        clock.now += 10
        outbox.add(post(f"new{number}"), ["x"], approved=True)
    order = [outbox.take("x", lambda _: 60).key for _ in range(6)]
    assert order == ["new0", "new1", "old", "new2", "new3", "new4"]


def test_what_may_have_been_posted_goes_before_all_else(outbox, clock):
    outbox.add(post("doubtful"), ["x"], approved=True)
    outbox.notes(row := outbox.take("x")).keep(posting="yes")
    outbox.unsent(row, "not now", wait=30)
    outbox.add(post("new"), ["x"], approved=True)
    clock.now += 60
    assert outbox.take("x").key == "doubtful"


def test_what_kills_its_process_does_not_go_first_again(outbox, clock, tmp_path):
    outbox.add(post("deadly", made=1.0), ["x"], approved=True)
    outbox.add(post("harmless", made=2.0), ["x"], approved=True)
    assert outbox.take("x", lambda attempts: 5.0).key == "deadly"
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    assert again.take("x").key == "harmless"
    again.sent(row_named(again, "harmless"), "")
    assert again.take("x") is None
    clock.now += 6
    assert again.take("x", lambda attempts: 10.0 * attempts).key == "deadly"
    assert again.take("x") is None
    again.retry()  # the host does not wait
    assert again.take("x").key == "deadly"


def test_what_had_the_service_paused_does_not_go_first_again(outbox):
    outbox.add(post("forbidden", made=1.0), ["x"], approved=True)
    outbox.add(post("fine", made=2.0), ["x"], approved=True)
    outbox.unsent(outbox.take("x"), "log in")
    outbox.pause("x", "log in")
    outbox.resume("x")
    assert [outbox.take("x", lambda _: 60).key for _ in range(2)] == ["fine", "forbidden"]


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
    outbox.retry("x")
    assert outbox.take("x").key == "failed"
    assert outbox.take("x").key == "failed"
    outbox.sent(row_named(outbox, "failed"), "")
    assert outbox.take("x") is None
    with pytest.raises(DeliveryError):
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
    with pytest.raises(DeliveryError):
        outbox.approve("new")  # of this one nobody knows whether it is there
    assert outbox.take("x") is None


def test_one_sender_at_a_time(outbox, tmp_path):
    release = outbox.claim()
    other = Outbox(tmp_path / "outbox.sqlite")
    with pytest.raises(DeliveryError, match="another murai"):
        other.claim()
    release()
    other.claim()()
    (tmp_path / "outbox.sqlite.lock").write_bytes(b"no lock" * 1000)
    with pytest.raises(DeliveryError, match="remove it"):
        other.claim()
    (tmp_path / "outbox.sqlite.lock").unlink()
    (tmp_path / "outbox.sqlite.lock").mkdir()
    with pytest.raises(DeliveryError, match="cannot be locked"):
        other.claim()


@pytest.mark.parametrize("content", [None, b"", b"the disk was dying" * 1000])
def test_an_outbox_that_lost_its_memory_posts_nothing_twice(outbox, tmp_path, content):
    assert outbox.fresh
    outbox.caught_up()
    outbox.add(post(), ["x"], approved=True)
    outbox.close()
    kept = Outbox(tmp_path / "outbox.sqlite")
    assert not kept.fresh
    kept.close()
    for path in tmp_path.glob("outbox.sqlite*"):
        path.unlink()
    if content is not None:
        (tmp_path / "outbox.sqlite").write_bytes(content)
    again = Outbox(tmp_path / "outbox.sqlite", mend=True)
    assert again.fresh
    again.add(old := post("old"), ["x"], approved=True, perhaps_sent=True)
    again.add(held := post("held"), ["x"], approved=False, perhaps_sent=True)
    assert again.notes(row_of(again, held))["posting"] == ""  # the host never agreed to it
    again.close()  # by a power cut, while all others are still to be added
    later = Outbox(tmp_path / "outbox.sqlite")
    assert later.fresh
    later.caught_up()
    later.add(new := post("new"), ["x"], approved=True)
    assert not later.fresh
    assert later.notes(row_of(later, old))["posting"] == "?"
    assert later.notes(row_of(later, new))["posting"] == ""


def row_named(outbox, key):
    return row_of_key(key, *outbox.rows())


def row_of_key(key, *rows):
    [row] = [row for row in rows if row.key == key]
    return row
