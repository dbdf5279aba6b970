"""The threads that send, with services that do what they are told."""

import sqlite3
import threading
import time

import pytest

from murai.errors import DeliveryError, MuraiError
from murai.publish import Limits, LoggedOut, Outbox, Publisher, Refused, TryLater, Unsure
from murai.publish import publisher as module
from murai.publish.outbox import LONGEST
from murai.publish.post import NotReady

from .kit import eventually, moving_post, new_post, publish, publishing, row_of


class Told:
    """A service that raises what it is told, one after the other, then publishes."""

    limits = Limits(clip=None)

    def __init__(self, *troubles, name="told"):
        self.name, self.troubles, self.times, self.got, self.types = name, list(troubles), [], [], []
        self.gate = threading.Event()
        self.gate.set()

    def account(self):
        return "me"

    def send(self, post, notes):
        self.times.append(time.monotonic())
        self.types.append(post.type)
        assert self.gate.wait(20)
        if self.troubles:
            trouble = self.troubles.pop(0)
            if trouble:
                raise trouble
        self.got.append(post.key)
        return f"told:{post.key}"


def test_what_is_due_is_sent_and_its_address_kept(outbox, tmp_path):
    one, other = Told(), Told(name="other")
    posts = [new_post(tmp_path) for _ in range(3)]
    with publishing(outbox, one, other):
        for post in posts:
            outbox.add(post, ["told", "other"], approved=True)
        eventually(lambda: len(outbox.rows("sent")) == 6)
    assert sorted(one.got) == sorted(other.got) == sorted(post.key for post in posts)
    assert row_of_service(outbox, posts[0], "told").url == f"told:{posts[0].key}"


def test_trouble_is_said_once_and_so_is_its_end(outbox, tmp_path):
    said = []
    service = Told(*[TryLater("it rains.")] * 6)
    row = publish(outbox, service, new_post(tmp_path), say=said.append)
    assert row.attempts == 7
    assert [sentence.partition(":")[2] for sentence in said] == [
        " it rains. It is tried again until it works.",
        " works again.",
    ]


def test_waits_double_and_end(outbox):
    line = module._Line(Told(), outbox, lambda _: None, 2.0)
    waits = [[line._wait(attempt) for _ in range(50)] for attempt in range(2000)]
    for attempt, some in enumerate(waits):
        longest = min(2.0 * 2 ** min(attempt, 30), module.MOST)
        assert longest / 2 <= min(some) <= max(some) <= longest <= LONGEST
    assert len({round(wait, 3) for wait in waits[5]}) > 20


def test_a_service_that_is_down_is_asked_for_one_picture_only(outbox, tmp_path):
    """However many wait: each attempt counts for all of them."""
    service = Told(*[TryLater("down.")] * 1000)
    for _ in range(40):
        outbox.add(new_post(tmp_path), ["told"], approved=True)
    with publishing(outbox, service):
        time.sleep(1.0)
    assert 2 <= len(service.times) <= 9  # 0.02 s, doubled each time


def test_a_service_is_left_alone_for_as_long_as_it_asks(outbox, tmp_path):
    service = Told(TryLater("full.", after=0.5))
    for _ in range(2):
        outbox.add(new_post(tmp_path), ["told"], approved=True)
    with publishing(outbox, service):
        eventually(lambda: len(outbox.rows("sent")) == 2)
    assert service.times[1] - service.times[0] >= 0.5


@pytest.mark.parametrize("after", [1e9, float("inf"), float("nan"), -5.0])
def test_no_service_may_ask_for_forever(outbox, tmp_path, after):
    line = module._Line(Told(TryLater("full.", after=after)), outbox, lambda _: None, 2.0)
    outbox.add(new_post(tmp_path), ["told"], approved=True)
    assert 0 <= line.step() <= module.LONGEST_ASKED


def test_the_host_can_end_a_long_wait_from_another_process(outbox, tmp_path):
    service = Told(TryLater("full.", after=3000))
    outbox.add(new_post(tmp_path), ["told"], approved=True)
    other = Outbox(tmp_path / "outbox.sqlite")
    with publishing(outbox, service):
        eventually(lambda: outbox.rows("queued") and service.times)
        other.retry("told")
        eventually(lambda: outbox.rows("sent"))


def test_one_poor_picture_does_not_hold_the_others(outbox, tmp_path):
    class Choosy(Told):
        def send(self, post, notes):
            if post.caption == "poor":
                raise TryLater("500.")
            return super().send(post, notes)

    service, poor = Choosy(), new_post(tmp_path, "poor")
    outbox.add(poor, ["told"], approved=True)
    for _ in range(5):
        outbox.add(new_post(tmp_path), ["told"], approved=True)
    with publishing(outbox, service):
        eventually(lambda: len(outbox.rows("sent")) == 5)
    assert row_of(outbox, poor).state == "queued"


def test_pictures_that_never_go_hold_no_others_for_long(outbox, tmp_path):
    """However often they failed, one that is new is tried at once."""
    line = module._Line(Told(*[TryLater("500.")] * 20), outbox, lambda _: None, 2.0)
    outbox.add(new_post(tmp_path), ["told"], approved=True)
    for _ in range(10):
        assert line.step() == 0.0
        outbox.retry()
    outbox.add(new_post(tmp_path), ["told"], approved=True)
    assert 0.0 <= line.step() <= 4.0


def test_what_a_service_asks_for_makes_no_wait_shorter(outbox, tmp_path):
    line = module._Line(Told(*[TryLater("500.", after=0.0)] * 9), outbox, lambda _: None, 2.0)
    waits = []
    for _ in range(6):
        outbox.add(new_post(tmp_path), ["told"], approved=True)
        waits.append(line.step())
    assert waits[0] == 0.0
    assert all(wait >= 2.0**number for number, wait in enumerate(waits) if number)


def test_a_service_that_is_there_twice(outbox):
    with pytest.raises(DeliveryError, match="twice to told"):
        Publisher(outbox, [Told(), Told(name="other"), Told()])
    Publisher(outbox, [Told()]).close()


def test_a_fault_of_the_outbox_ends_no_thread_and_is_said_again_once_it_was_over(outbox, tmp_path, monkeypatch):
    said, whole = [], outbox.take
    faults = [KeyError("secret"), KeyError("secret"), MuraiError("the disk is full.")]

    def take(*arguments):
        if faults:
            raise faults.pop(0)
        return whole(*arguments)

    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(outbox, "take", take)
    with publishing(outbox, Told(), say=said.append):
        for _ in range(2):
            post = new_post(tmp_path)
            outbox.add(post, ["told"], approved=True)
            eventually(lambda post=post: row_of(outbox, post).state == "sent")
            faults.append(MuraiError("the disk is full."))
            eventually(lambda: not faults)
    assert said == ["told: a fault, KeyError.", *["told: the disk is full."] * 3]


def test_a_refusal_is_taken_at_its_word_after_some(outbox, tmp_path):
    said = []
    service, post = Told(*[Refused("rude.")] * 4), new_post(tmp_path)
    row = publish(outbox, service, post, until=("failed",), say=said.append)
    assert (row.attempts, row.error) == (3, "rude.")
    assert len(said) == 1
    outbox.retry()
    with publishing(outbox, service):
        eventually(lambda: row_of(outbox, post).state == "sent")


def test_a_clip_that_is_refused_is_sent_as_a_picture(outbox, tmp_path):
    service = Told(TryLater("busy."), Refused("no videos."), *[Refused("rude.")] * 3)
    row = publish(outbox, service, moving_post(tmp_path), until=("failed",))
    assert service.types == ["video/mp4", "video/mp4", *["image/png"] * 3]
    assert row.error == "rude."
    outbox.retry()
    with publishing(outbox, service):
        eventually(lambda: outbox.rows()[0].state == "sent")
    assert service.types[-1] == "image/png"


def test_clips_that_a_service_still_looks_at_hold_nothing_up(outbox, tmp_path):
    """However many there are: nothing is wrong, and nobody is told."""
    said, looks = [], dict[str, int]()

    class Looking(Told):
        def send(self, post, notes):
            looks[post.key] = looks.get(post.key, 0) + 1
            if post.type == "video/mp4" and looks[post.key] < 4:
                raise NotReady("told", 0.0)
            return super().send(post, notes)

    service, moving, still = Looking(), [moving_post(tmp_path) for _ in range(8)], new_post(tmp_path)
    for post in (*moving, still):
        outbox.add(post, ["told"], approved=True)
    with publishing(outbox, service, say=said.append):
        eventually(lambda: len(service.got) == 9)
    assert service.got[0] == still.key
    assert said == []


def test_a_login_that_is_wanted_pauses_the_service_and_is_said_once(outbox, tmp_path):
    said, service = [], Told(*[LoggedOut("log in.")] * 3)
    posts = [new_post(tmp_path) for _ in range(3)]
    for post in posts:
        outbox.add(post, ["told"], approved=True)
    with publishing(outbox, service, say=said.append):
        eventually(lambda: outbox.paused)
        time.sleep(0.2)
    assert said == ["told is paused: log in."]
    assert outbox.reasons == {"told": "log in."}
    assert outbox.counts() == {"told": {"queued": 3}}
    assert len(service.times) == 1
    with publishing(outbox, service, say=said.append):  # a restart says it again, and sends nothing
        time.sleep(0.2)
        assert len(service.times) == 1
        service.troubles.clear()
        outbox.resume("told")
        eventually(lambda: len(outbox.rows("sent")) == 3)
    assert len(said) == 2


def test_nobody_knows(outbox, tmp_path):
    said = []
    row = publish(outbox, Told(Unsure("hm.")), new_post(tmp_path), until=("unsure",), say=said.append)
    assert row.error == "hm."
    assert row.key in said[0]


def test_a_fault_of_a_library_ends_nothing_and_its_text_is_not_trusted(outbox, tmp_path):
    row = publish(outbox, Told(KeyError("token-1234"), ZeroDivisionError()), new_post(tmp_path))
    assert row.attempts == 3
    post = new_post(tmp_path)
    outbox.add(post, ["told"], approved=True)
    service = Told(*[KeyError("token-1234")] * 1000)
    with publishing(outbox, service):
        eventually(lambda: row_of(outbox, post).error)
    assert row_of(outbox, post).error == "told does not work: KeyError."


def test_a_picture_that_is_gone(outbox, tmp_path):
    post = new_post(tmp_path)
    post.picture.unlink()
    row = publish(outbox, Told(), post, until=("failed",))
    assert "still there" in row.error


def test_a_disk_that_does_not_write_is_waited_for(outbox, tmp_path):
    said, service, post = [], Told(), new_post(tmp_path)
    outbox.add(post, ["told"], approved=True)
    with publishing(outbox, service, say=said.append):
        eventually(lambda: row_of(outbox, post).state == "sent")
        other = sqlite3.connect(tmp_path / "outbox.sqlite", isolation_level=None)
        outbox._database._connection.execute("PRAGMA busy_timeout = 50")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MuraiError, match="in use by another program"):
            outbox.add(new_post(tmp_path), ["told"], approved=True)
        service.gate.clear()
        other.execute("ROLLBACK")
        late = new_post(tmp_path)
        outbox.add(late, ["told"], approved=True)
        eventually(lambda: len(service.times) == 2)
        other.execute("BEGIN IMMEDIATE")  # while it is on its way
        service.gate.set()
        eventually(lambda: said)
        other.execute("ROLLBACK")
        eventually(lambda: row_of(outbox, late).state == "sent")
    assert len(service.got) >= 2


def test_two_cannot_send_from_one_outbox(outbox, tmp_path):
    with publishing(outbox, Told()):
        with pytest.raises(DeliveryError, match="another murai"):
            Publisher(outbox, [Told()])


def test_close_does_not_wait_for_a_service_that_hangs(outbox, tmp_path):
    service = Told()
    service.gate.clear()
    outbox.add(new_post(tmp_path), ["told"], approved=True)
    publisher = Publisher(outbox, [service])
    eventually(lambda: service.times)
    publisher.close(patience=0.1)
    assert outbox.counts() == {"told": {"sending": 1}}
    service.gate.set()


def row_of_service(outbox, post, service):
    [row] = [row for row in outbox.rows() if (row.key, row.service) == (post.key, service)]
    return row
