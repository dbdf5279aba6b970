"""Real OSC over real UDP on this machine."""

import socket
import time

import pytest

pytest.importorskip("pythonosc")

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from murai.control.access import Address
from murai.control.osc import OSCControl
from murai.control.player import Player
from murai.controls import TABLE
from murai.errors import ControlError
from tests.shows import eventually

from .conftest import STYLES

HERE = Address("127.0.0.1", 0)


@pytest.fixture
def said():
    return []


@pytest.fixture
def osc(player, said):
    control = OSCControl(player, HERE, say=said.append)
    yield control
    control.close()


@pytest.fixture
def desk(osc):
    return SimpleUDPClient("127.0.0.1", osc.port)


def test_every_control_has_its_address(show, desk):
    for row in TABLE:
        value, seen = {"mix": ("sea/wave", {"sea/wave": 1.0})}.get(row.name, (1, True if row.low is None else 1.0))
        desk.send_message(row.osc, value)
        eventually(lambda row=row, seen=seen: getattr(show.controls, row.name) == seen)


def test_a_blend_and_a_switch_off_as_a_desk_sends_them(show, desk):
    desk.send_message("/murai/mix", "stars:0.25,moon:0.75")
    eventually(lambda: dict(show.controls.mix) == {"night/stars": 0.25, "night/moon": 0.75})
    desk.send_message("/murai/paused", True)
    eventually(lambda: show.controls.paused)
    desk.send_message("/murai/paused", 0.0)
    eventually(lambda: not show.controls.paused)


def test_scenes_are_kept_and_recalled(show, scenes, desk):
    desk.send_message("/murai/strength", 0.5)
    desk.send_message("/murai/keep_scene", "finale")
    eventually(lambda: scenes.names == ["finale"])
    desk.send_message("/murai/strength", 1.0)
    desk.send_message("/murai/scene", "finale")
    eventually(lambda: show.controls.strength == 0.5)


def test_an_action_is_done_when_a_button_goes_down_and_not_when_it_comes_up(show, said):
    done = []
    control = OSCControl(Player(show, STYLES, {"snapshot": lambda: done.append(1)}), HERE, say=said.append)
    desk = SimpleUDPClient("127.0.0.1", control.port)
    for values in ([], [1.0], [0.0]):
        desk.send_message("/murai/snapshot", values)
    desk.send_message("/murai/strength", 0.5)
    eventually(lambda: show.controls.strength == 0.5)
    control.close()
    assert len(done) == 2


def test_what_is_refused_is_said_once_and_counted_and_changes_nothing(show, osc, desk, said):
    before = show.controls
    for value in (2.0, "loud", [], [0.1, 0.2]):
        desk.send_message("/murai/strength", value)
    desk.send_message("/elsewhere", 1)
    eventually(lambda: osc.refused == 5)
    assert show.controls is before
    assert said == ["OSC: strength is between 0 and 1, not 2."]


def test_garbage_and_a_flood_do_not_stop_it(show, osc, desk):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        for data in (
            b"",
            b"\x00",
            b"/murai/strength",
            b"/murai/strength\x00,f\x00\x00",
            b"#bundle\x00abc",
            b"\xff" * 900,
        ):
            raw.sendto(data, ("127.0.0.1", osc.port))
        for number in range(2000):
            desk.send_message("/murai/strength", number % 100 / 100)
            if number % 100 == 0:
                time.sleep(0.01)
    eventually(lambda: show.controls.strength != 1.0)
    desk.send_message("/murai/split", 0.25)
    eventually(lambda: desk.send_message("/murai/split", 0.25) or show.controls.split == 0.25)


def test_a_message_for_next_week_does_not_hold_up_the_others(show, desk):
    later = OscBundleBuilder(time.time() + 7 * 86400)
    message = OscMessageBuilder("/murai/split")
    message.add_arg(0.5)
    later.add_content(message.build())
    desk.send(later.build())
    desk.send_message("/murai/strength", 0.5)
    eventually(lambda: show.controls.strength == 0.5)


def test_with_a_token_only_who_knows_it_plays(show, player):
    control = OSCControl(player, HERE, token="sesame-42")
    desk = SimpleUDPClient("127.0.0.1", control.port)
    desk.send_message("/murai/strength", 0.1)
    desk.send_message("/wrong/murai/strength", 0.2)
    desk.send_message("/*/murai/strength", 0.3)
    desk.send_message("/sesame-42/murai/split", 0.4)
    eventually(lambda: show.controls.split == 0.4)
    control.close()
    assert show.controls.strength == 1.0


def test_beyond_this_machine_it_needs_a_token(player):
    with pytest.raises(ControlError, match="needs a token"):
        OSCControl(player, Address("0.0.0.0", 0))


def test_a_port_in_use(player, osc):
    with pytest.raises(ControlError, match="give another port"):
        OSCControl(player, Address("127.0.0.1", osc.port))
