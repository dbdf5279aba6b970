"""The booth put together: whole visits through real parts."""

import json
import os
import subprocess
import sys
import threading

import av
import httpx
import numpy as np
import PIL.Image
import pytest

from murai.booth.booth import DIGITS_FOR, LOOK_EVERY
from murai.booth.gallery import PRIVATE, REFUSED, SHOWN, alias
from murai.booth.settings import hash_pin
from murai.booth.visit import KINDS
from murai.errors import BoothError, SourceError
from murai.publish import open_service
from murai.publish.credentials import Held
from murai.sources.resilient import Resilient
from tests.booth.test_printing import queue, server
from tests.booth.visits import booth
from tests.packs_support import paint, vector
from tests.shows import Pictures, eventually, our_threads

__all__ = ["queue", "server"]
OPEN = {"publishing": {"moderation": False}}


class Black:
    """Paints everything black."""

    def use(self, controls):
        pass

    def reset(self):
        pass

    def __call__(self, image):
        return np.zeros_like(image)


def lost_from(number):
    """A camera that is lost after so many pictures and never found again; its last one is held."""
    cameras = [Pictures(live=True, gap=0.005, size=(160, 90), fail_at=number)]

    def plug():
        if not cameras:
            raise SourceError("there is no camera.")
        return cameras.pop()

    return Resilient(plug)


def back_once(plugged):
    """A camera that is lost after some pictures, and is found again once it is `plugged` in."""
    cameras = [Pictures(live=True, gap=0.005, size=(160, 90), fail_at=number) for number in (None, 40)]

    def plug():
        if len(cameras) == 1 and not plugged.is_set():
            raise SourceError("there is no camera.")
        return cameras.pop()

    return Resilient(plug, first_delay=0.02, longest_delay=0.02)


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


@pytest.fixture
def folder_service(place):
    return open_service("folder", Held(folder=str(place)))


def test_a_visit_without_consent_leaves_a_picture_for_its_visitor_alone(tmp_path, tiny_pack, folder_service, place):
    with booth(tmp_path, tiny_pack, services=[folder_service], waiting={"consent": 30}, **OPEN) as one:
        keys = [one.whole_visit(consent=consent) for consent in ("no", "")]
        pictures = [one.gallery.find(key) for key in keys]
        assert [picture.standing for picture in pictures] == [PRIVATE, PRIVATE]
        assert one.gallery.shown(9) == []
        assert one.outbox.rows() == []
        assert [picture.places for picture in pictures] == [(), ()]
        assert one.said == []
    assert list(place.iterdir()) == []
    assert our_threads() == []


def test_a_visit_with_consent_is_published_with_its_caption(tmp_path, tiny_pack, folder_service, place):
    with booth(tmp_path, tiny_pack, services=[folder_service], event="Party", **OPEN) as one:
        key = one.whole_visit(consent="yes", style="tiny/warm")
        assert one.gallery.find(key).standing == SHOWN
        eventually(lambda: [row.state for row in one.outbox.rows()] == ["sent"])
        assert one.gallery.find(key).places == ("folder",)
    published = place / f"{alias(key)}.jpg"
    assert PIL.Image.open(published).size == PIL.Image.open(one.gallery.folder / f"{key}.jpg").size
    assert published.with_suffix(".txt").read_text().startswith("Warm, Nobody\n\nA picture from Party, painted like W")


def test_with_moderation_nothing_leaves_before_the_host_agrees(tmp_path, tiny_pack, folder_service, place):
    with booth(tmp_path, tiny_pack, services=[folder_service]) as one:
        keys = [one.whole_visit(consent="yes") for _ in range(2)]
        assert [row.state for row in one.outbox.rows()] == ["held", "held"]
        assert one.gallery.shown(9) == []
        one.desk.approve(keys[0])
        one.desk.refuse(keys[1])
        decided = dict(zip(map(alias, keys), ("sent", "refused"), strict=True))
        eventually(lambda: {row.key: row.state for row in one.outbox.rows()} == decided)
        assert [one.gallery.find(key).standing for key in keys] == [SHOWN, REFUSED]
    assert [file.stem for file in place.glob("*.jpg")] == [alias(keys[0])]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_taken_and_kept(tmp_path, tiny_pack, kind):
    with booth(tmp_path, tiny_pack) as one:
        picture = one.gallery.find(one.whole_visit(kind, style="tiny/invert"))
        assert (picture.kind, picture.style) == (kind, "invert")
        width, height = PIL.Image.open(picture.image).size
        assert (height > width) is (kind == "before-after")
        assert (picture.clip is not None) is (kind == "boomerang")
        if picture.clip:
            with av.open(str(picture.clip)) as clip:
                assert sum(1 for _ in clip.decode(video=0)) > 20
        assert one.statistics()[0].endswith("visits 1, pictures 1, shared 0, prints 0.")
        assert one.statistics()[1:] == ["styles: Invert 1.", f"kinds: {kind} 1."]


def test_the_picture_is_the_painting_the_visitor_saw(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, pictures={"quality": "mirror", "caption": ""}, event="") as one:
        one.to_review(style="tiny/warm")
        (shot,) = one._take.shots
        wanted = paint(shot.original, vector("warm"))
        assert np.abs(shot.painted.astype(int) - wanted).max() <= 1


def test_the_kept_picture_is_replaced_by_the_full_quality_one_and_that_is_published(
    tmp_path, tiny_pack, folder_service, place
):
    with booth(
        tmp_path, tiny_pack, stylizer=Black(), services=[folder_service], pictures={"quality": "fine"}, **OPEN
    ) as one:
        one.to_review()
        mirror = one._take.kept.image.copy()
        key_of_take = one._take
        one.play(lambda: key_of_take.kept.image.shape == mirror.shape and (key_of_take.kept.image != mirror).any())
        one.push("button", "consent")
        one.push("yes", "done")
        one.play(lambda: one.outbox.counts() == {"folder": {"sent": 1}})
        kept = np.asarray(PIL.Image.open(one.gallery.find(one.key).image))
    assert kept[20:60, 20:120].max() > 50, "the mirror was black"
    assert np.asarray(PIL.Image.open(next(place.glob("*.jpg")))).shape == kept.shape


def test_what_crashes_while_it_is_painted_again_is_published_as_the_mirror_painted_it(
    tmp_path, tiny_pack, folder_service, place, monkeypatch
):
    go_on = threading.Event()

    def crash(*_):
        go_on.wait(20)
        raise BoothError("it crashed.")

    monkeypatch.setattr("murai.booth.repaint.Repainter._painted", crash)
    with booth(tmp_path, tiny_pack, services=[folder_service], pictures={"quality": "fine"}, **OPEN) as one:
        key = one.whole_visit(consent="yes")
        assert one.outbox.rows() == [], "it waits for the better one"
        go_on.set()
        one.play(lambda: one.outbox.counts() == {"folder": {"sent": 1}})
    assert (place / f"{alias(key)}.jpg").is_file()


def test_a_camera_that_is_lost_in_the_countdown_takes_no_picture(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, source=lost_from(200), stylizer=Black(), waiting={"countdown": 60}) as one:
        one.play(lambda: one.pipeline.last is not None)
        one.push("button", "choose")
        one.push("button", "countdown")
        one.play(lambda: one.now.state == "choose")
        assert one.now.sorry
        assert one.gallery.all() == []


def test_a_frozen_picture_is_never_taken(tmp_path, tiny_pack, monkeypatch):
    monkeypatch.setattr("murai.booth.shots.LOST_SECONDS", 1e9)  # nobody notices that the camera is lost
    with booth(tmp_path, tiny_pack, source=lost_from(5), stylizer=Black()) as one:
        one.push("button", "choose")
        one.push("button", "countdown")
        one.play(lambda: one.now.state == "taking")
        one.clock._now += one.visit.left
        one.play(lambda: one.now.state == "choose")
        assert one.now.sorry


def test_the_host_hears_once_of_a_camera_that_is_lost_and_once_that_it_is_back(tmp_path, tiny_pack, monkeypatch):
    monkeypatch.setattr("murai.booth.booth.AWAY_SECONDS", 0.5)
    plugged, pages = threading.Event(), {"host": "127.0.0.1", "port": 0}
    pin = hash_pin("1357")
    with booth(tmp_path, tiny_pack, source=back_once(plugged), stylizer=Black(), pages=pages, pin=pin) as one:
        with httpx.Client(base_url=f"http://127.0.0.1:{one.pages.port}", follow_redirects=True) as host:
            assert "Nobody is there" in host.post("/host/login", data={"pin": "1357"}).text
            one.play(lambda: one.said)
            one.wait(20)
            assert one.said == ["the camera gives no picture: see to its plug and its cable."]
            page = host.get("/host").text
            assert "Nobody is there" not in page
            assert page.count("plug") == 2, "at the top, and among what was said"
            plugged.set()
            one.play(lambda: len(one.said) > 1)
            assert one.said[1:] == ["the camera is back."]
            assert "Nobody is there" in host.get("/host").text


def test_a_camera_that_has_not_begun_is_not_lost(tmp_path, tiny_pack, monkeypatch):
    monkeypatch.setattr("murai.booth.booth.AWAY_SECONDS", -1.0)
    monkeypatch.setattr("murai.booth.shots.LOST_SECONDS", -1.0)
    with booth(tmp_path, tiny_pack, source=Pictures(live=True, block_at=0), stylizer=Black()) as one:
        one.tick()
        assert one.said == []


def test_a_full_disk_is_an_apology(tmp_path, tiny_pack, monkeypatch):
    with booth(tmp_path, tiny_pack) as one:

        def full(*_, **__):
            raise BoothError("the picture cannot be kept: make room on the disk.")

        with monkeypatch.context() as patch:
            patch.setattr(one.gallery, "add", full)
            one.to_review()
            one.push("button")
            one.play(lambda: one.now.state == "choose")
        assert one.now.sorry
        assert one.said == ["the picture cannot be kept: make room on the disk."]
        one.push("button", "countdown")
        one.play(lambda: one.now.state == "review")


@pytest.mark.parametrize(
    ("keeping", "left"),
    [({"days": 0, "gigabytes": 0}, 1), ({"days": 0}, 0), ({"gigabytes": 0}, 0)],
)
def test_without_a_limit_no_picture_is_removed(tmp_path, tiny_pack, monkeypatch, keeping, left):
    """The picture is of 1970, and the disk is full."""
    with booth(tmp_path, tiny_pack, keeping=keeping, pages={"host": "127.0.0.1", "port": 0}) as one:
        picture = one.gallery.add(np.zeros((9, 16, 3), np.uint8), style="warm", kind="single")
        with one.gallery._database.writing() as rows:
            rows.execute("UPDATE pictures SET made = 0")
        page = httpx.get(f"http://127.0.0.1:{one.pages.port}/p/{picture.key}").text
        assert ("This link works for" in page) is ("days" not in keeping)
        monkeypatch.setattr(one.gallery, "free", lambda: -10_000_000)
        one.desk.tidy()
        one.desk.wait()
        assert len(one.gallery.all()) == left


def test_a_retake_keeps_the_second_picture_only(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack) as one:
        one.to_review("strip")
        first = one._take
        one.push("retake", "countdown")
        one.play(lambda: one.now.state == "review")
        assert one._take.number != first.number
        assert len(one._take.shots) == 4
        one.push("button", "done")
        one.play(lambda: one.key)
        assert len(one.gallery.all()) == 1


def test_what_was_agreed_to_before_a_power_cut_is_published_once_and_nowhere_else(
    tmp_path, tiny_pack, folder_service, place
):
    with booth(tmp_path, tiny_pack, **OPEN) as one:
        keys = [one.whole_visit() for _ in range(3)]
        one.gallery.consent(keys[0], ["folder"])  # and here the power is cut
        one.gallery.consent(keys[1], ["gallery"])  # before the host added a service
    for _ in range(2):
        with booth(tmp_path, tiny_pack, services=[folder_service], **OPEN) as one:
            one.desk.wait()
            one.play(lambda: one.outbox.counts() == {"folder": {"sent": 1}})
    assert [file.stem for file in place.glob("*.jpg")] == [alias(keys[0])]


def test_a_visitor_who_deletes_takes_the_picture_back(tmp_path, tiny_pack, folder_service, place):
    with booth(tmp_path, tiny_pack, services=[folder_service]) as one:
        key = one.whole_visit(consent="yes")
        one.desk.delete(key)
        assert one.gallery.find(key) is None
        assert [row.state for row in one.outbox.rows()] == ["withdrawn"]
    assert list(place.iterdir()) == []


@pytest.fixture
def phones(tmp_path, tiny_pack):
    """A booth that phones play: ask(path, **form) of one that goes on with what it was told before."""
    with booth(tmp_path, tiny_pack, pages={"host": "127.0.0.1", "port": 0}) as one:
        with httpx.Client(base_url=f"http://127.0.0.1:{one.pages.port}", follow_redirects=True) as client:

            def ask(path, **form):
                answers = []
                asking = threading.Thread(
                    target=lambda: answers.append(client.post(path, data=form) if form else client.get(path))
                )
                asking.start()
                one.play(lambda: answers)
                asking.join()
                return answers[0]

            one.ask = ask
            yield one


def test_a_phone_that_begins_a_visit_plays_it_and_no_other_that_read_the_same_code(phones):
    code = phones.token
    begun = phones.ask("/visit/button", t=code, serial=phones.now.serial)
    assert begun.status_code == 200
    assert phones.now.state == "choose"
    own = begun.url.params["t"]
    assert own == phones.token != code
    assert phones.ask(f"/visit?t={code}").status_code == 403
    assert phones.ask("/visit/cancel", t=code, serial=phones.now.serial).status_code == 403
    phones.wait(2)
    over = phones.ask("/visit/cancel", t=own, serial=phones.now.serial)
    assert phones.now.state == "idle"
    assert (over.status_code, over.url.params["t"]) == (403, own), "the next visit is not that phone's"
    assert phones.token not in (own, code)


def test_no_phone_plays_a_visit_that_was_begun_at_the_booth(phones):
    code = phones.token
    phones.push("button", "choose")
    assert phones.ask(f"/visit?t={code}").status_code == 403


def test_a_phone_that_presses_late_learns_no_token(phones):
    late = phones.now.serial
    phones.push("button", "choose")
    pressed = []
    pressing = threading.Thread(target=lambda: pressed.append(phones.hear_phone("button", "", late)))
    pressing.start()
    phones.play(lambda: pressed)
    pressing.join()
    assert pressed == [""]
    assert phones.now.state == "choose"


def test_styles_pass_in_the_mirror_while_nobody_is_there(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack) as one:
        seen = set()
        one.play(lambda: seen.add(*one.pipeline.controls.mix) or len(seen) == 2)
        assert seen == {"tiny/invert", "tiny/warm"}


def test_a_host_who_types_the_pin_ends_the_booth_and_nobody_else_does(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, pin=hash_pin("1357")) as one:
        for key in ("q", "escape", *"9999", "enter", *"1358", "enter"):
            one.press(key)
        one.tick()
        assert not one.ended
        assert one.now.state == "idle"
        for key in (*"1357", "enter"):
            one.press(key)
        assert one.ended


def test_digits_that_somebody_pressed_are_forgotten(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, pin=hash_pin("1357")) as one:
        one.press("9")
        one.push("button", "choose")
        one.wait(1)
        one.press("enter")
        one.play(lambda: one.now.state == "countdown")  # it was the button
        one.push("cancel", "choose")
        one.push("cancel", "idle")
        one.press("9")
        one.wait(DIGITS_FOR + 1)
        for key in (*"1357", "enter"):
            one.press(key)
        assert one.ended


def test_a_host_never_waits_long_for_who_mashed_the_keys(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, pin=hash_pin("1357")) as one:
        for _ in range(12):
            one._tries.wrong("host")
        assert 0 < one._tries.wait("host") <= 30


def test_the_code_in_idle_is_that_of_this_visit_and_of_where_the_booth_is_now(tmp_path, tiny_pack):
    pages = {"host": "127.0.0.1", "port": 0, "address": "10.0.0.1"}
    with booth(tmp_path, tiny_pack, pages=pages) as one:
        one.play(lambda: "10.0.0.1" in one._code() and one.token in one._code())
        one.pages._wanted = "10.0.0.2"  # it came into another network
        one.wait(LOOK_EVERY + 1)
        one.play(lambda: "10.0.0.2" in one._code())
        one.push("button", "choose")
        found = threading.Event()
        one.desk.later(lambda: found.wait(20))
        one.push("cancel", "idle")
        assert one._code() == ""
        found.set()
        one.play(lambda: one.token in one._code())


def test_without_a_pin_no_digits_end_it(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack) as one:
        for key in ("0", "enter"):
            one.press(key)
        assert not one.ended


def test_keys_play_a_visit(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, button="b") as one:
        one.wait(1)
        one.press("b")
        one.play(lambda: one.now.state == "choose")
        before = one.now
        for key in ("right", "up", "l"):
            one.press(key)
        one.tick()
        now = one.now
        assert all(getattr(now, name) != getattr(before, name) for name in ("style", "kind", "language"))
        one.wait(1)
        one.press("backspace")
        one.play(lambda: one.now.state == "idle")


def test_settings_that_cannot_be_are_said_and_leave_nothing_running(tmp_path, tiny_pack):
    with pytest.raises(BoothError, match="klingon"):
        booth(tmp_path, tiny_pack, languages=["klingon"])
    with pytest.raises(BoothError, match="frame"):
        booth(tmp_path, tiny_pack, pictures={"frame": tmp_path / "frame.png"})
    eventually(lambda: not [name for name in our_threads() if "desk" in name or "repaint" in name])


WATCHING = """
import os, sys
if "murai.booth.repaint" in sys.orig_argv:
    file = os.open(os.environ["MURAI_WATCHED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def watch(event, arguments):
        if event.startswith("socket.") and event != "socket.__new__":
            os.write(file, f"{event} {arguments[1:]}\\n".encode())
    sys.addaudithook(watch)
    sys.audit("socket.connect", None, "the watch itself")
"""
"""What the process begins with that paints pictures again."""
WATCHED = """
import sys
connected = []
def watch(event, arguments):
    if event == "socket.connect":
        connected.append(arguments[1])
    elif event in ("socket.sendto", "socket.getaddrinfo"):
        connected.append(arguments[-1] if event == "socket.sendto" else arguments[:2])
sys.addaudithook(watch)
import json, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from murai.publish import open_service
from murai.publish.credentials import Held
from murai.sources.resilient import Resilient
from tests.booth.test_printing import queue, server
from tests.booth.visits import booth
heard = []
class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        heard.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
service = open_service("webhook", Held(address=f"http://127.0.0.1:{server.server_port}/", secret="a long secret"))
settings = {"publishing": {"moderation": False}, "waiting": {"consent": 30}}
settings["pages"] = {"host": "127.0.0.1", "port": 0, "address": "127.0.0.1"}
settings["pictures"] = {"quality": "fine"}
with booth(Path(sys.argv[1]), Path(sys.argv[2]), services=[service], **settings) as one:
    for kind, consent in (("single", "no"), ("strip", ""), ("single", "no")):
        one.whole_visit(kind, consent=consent)
        one.play(lambda: not one.desk.repainting)
    one.wait(60)
    before = list(map(str, connected)), list(heard)
    one.whole_visit(consent="yes")
    one.play(lambda: heard)
    said = one.said
print(json.dumps({"said": said, "before": before, "after": [str(each) for each in connected], "heard": heard}))
"""


def test_nothing_leaves_the_machine_without_a_yes(tmp_path, tiny_pack):
    (tmp_path / "sitecustomize.py").write_text(WATCHING)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "MURAI_WATCHED": str(tmp_path / "watched")}
    command = [sys.executable, "-c", WATCHED, tmp_path / "booth", tiny_pack]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["said"] == [], "all were painted again"
    assert (tmp_path / "watched").read_text() == "socket.connect ('the watch itself',)\n"
    assert seen["before"] == [[], []]
    assert len(seen["heard"]) == 1
    assert any("127.0.0.1" in each for each in seen["after"]), "the watch sees what is sent"


def test_as_many_copies_are_printed_as_the_host_allows(tmp_path, tiny_pack, queue):
    with booth(tmp_path, tiny_pack, printing={"printer": "Booth", "copies": 2}) as one:
        one.to_review()
        one.push("button", "done")
        one.play(lambda: one.key)
        one.push("print")
        one.push("button")
        one.play(lambda: one.now.printed == 2)
        one.push("button", "idle")
        one.desk.wait()
        assert one.ledger.counts()["prints"] == 2
        eventually(lambda: len(list(queue.glob("*.pdf"))) == 2)
        assert one.said == []
        assert not list(one.gallery.folder.glob(".print*"))


def test_a_printer_that_is_gone_is_said_to_the_visitor_and_the_host(tmp_path, tiny_pack, queue):
    with booth(tmp_path, tiny_pack, printing={"printer": "Booth"}) as one:
        one.printer.name = "Gone"
        one.to_review()
        one.push("button", "done")
        one.play(lambda: one.key)
        one.push("print")
        one.play(lambda: one._take.print == "failed")
        assert "a picture was not printed" in one.said[0]
        assert one.key not in one.said[0]


def test_a_visitor_stays_while_the_gallery_is_in_use(tmp_path, tiny_pack, monkeypatch):
    go_on = threading.Event()
    with booth(tmp_path, tiny_pack, waiting={"done": 6, "consent": 300, "review": 300, "choose": 450}) as one:
        add = one.gallery.add
        monkeypatch.setattr(one.gallery, "add", lambda *values, **named: go_on.wait(20) and add(*values, **named))
        one.to_review()
        one.push("button", "done")
        one.wait(30)
        assert one.now.state == "done"
        go_on.set()
        one.play(lambda: one.key)
        one.play(lambda: one.now.state == "idle")
        assert len(one.gallery.all()) == 1
