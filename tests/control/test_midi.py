"""MIDI messages as bytes, and a port that only remembers."""

import pytest

from murai.control.midi import FIRST_NOTE, NUMBERS, MIDIControl
from murai.control.player import Player

from .conftest import STYLES


@pytest.fixture
def said():
    return []


@pytest.fixture
def done():
    return []


@pytest.fixture
def midi(show, said, done):
    actions = {name: lambda name=name: done.append(name) for name in ("snapshot", "record")}
    player = Player(show, STYLES, actions)
    return MIDIControl(
        player, "pad", say=said.append, open_port=lambda port, hear: lambda: done.append(f"closed {port}")
    )


def number(name):
    return next(n for n, row in NUMBERS.items() if row.name == name)


@pytest.mark.parametrize("channel", [0, 15])
def test_control_changes_set_controls_over_their_range(midi, show, channel):
    midi.hear([0xB0 + channel, number("strength"), 127])
    assert show.controls.strength == 1
    midi.hear([0xB0 + channel, number("boldness"), 0])
    assert show.controls.boldness == 0
    midi.hear([0xB0 + channel, number("fade"), 0])
    assert show.controls.fade == 0
    midi.hear([0xB0 + channel, number("split"), 64])
    assert show.controls.split == pytest.approx(0.5, abs=0.01)


def test_switches_are_on_from_the_middle(midi, show):
    for value, on in ((127, True), (63, False), (64, True), (0, False)):
        midi.hear([0xB0, number("paused"), value])
        assert show.controls.paused is on


def test_a_program_is_a_style(midi, show, said):
    midi.hear([0xC3, 2])
    assert dict(show.controls.mix) == {STYLES[2]: 1.0}
    midi.hear([0xC3, 99])
    assert said == ["there is no style 100; there are 4."]


def test_notes_do_actions_when_they_are_pressed(midi, done):
    names = [action.name for action in midi._player.actions]
    midi.hear([0x90, FIRST_NOTE + names.index("record"), 100])
    midi.hear([0x90, FIRST_NOTE + names.index("record"), 0])
    midi.hear([0x80, FIRST_NOTE + names.index("record"), 0])
    midi.hear([0x90, FIRST_NOTE + 50, 100])
    assert done == ["record"]


@pytest.mark.parametrize("message", [[], [0xF8], [0xB0], [0xB0, 1, 2], [0xC0], [0xE0, 1, 2], [0x90, 3]])
def test_what_means_nothing_does_nothing(midi, show, said, message):
    before = show.controls
    midi.hear(message)
    assert show.controls is before
    assert said == []


def test_it_closes_its_port(midi, done):
    midi.close()
    assert done == ["closed pad"]


def test_every_control_but_the_mix_has_a_number_of_its_own():
    assert next(iter(NUMBERS.values())).name == "strength"
    assert "mix" not in {row.name for row in NUMBERS.values()}
