"""Control by MIDI. The only file that imports rtmidi. Not run with a device yet: all above `open_port` is tested."""

from collections.abc import Callable, Sequence
from typing import Any

from murai.control.player import Player
from murai.controls import TABLE, Control
from murai.devices import choose, listed
from murai.errors import ControlError, MuraiError, Say, silent

FIRST_CC = 20
"""The first control-change number, of the table's first control but the mix; the others follow in its order."""
FIRST_NOTE = 60
"""The note (middle C) of the first action; the others follow."""
ON = 64
"""The value from which a switch is on."""
KIND, CONTROL_CHANGE, PROGRAM_CHANGE, NOTE_ON = 0xF0, 0xB0, 0xC0, 0x90

Listening = Callable[[], None]
"""Ends it."""
NUMBERS: dict[int, Control] = {FIRST_CC + n: row for n, row in enumerate(row for row in TABLE if row.name != "mix")}
"""The control of each control-change number."""


class MIDIControl:
    """Plays `player` by what comes in at a MIDI port, its number or a part of its name, until `close`.

    On any channel: control change 20, 21 ... sets the controls of the table after the mix, in its order; program change
    chooses a style, counted from 0; notes from middle C on do the actions. What cannot be done is told to `say`.
    Raises ControlError where there is no such port.
    """

    def __init__(
        self,
        player: Player,
        port: str,
        *,
        say: Say = silent,
        open_port: "Callable[[str, Callable[[Sequence[int]], None]], Listening] | None" = None,
    ) -> None:
        self._player, self._say = player, say
        self._close = (open_port or _open_port)(port, self.hear)

    def close(self) -> None:
        """Listen no more."""
        self._close()

    def hear(self, message: Sequence[int]) -> None:
        """Do what a message, its bytes, says; others mean nothing here."""
        try:
            self._play(message)
        except MuraiError as error:
            self._say(str(error))

    def _play(self, message: Sequence[int]) -> None:
        kind, *data = message or [0]
        if kind & KIND == CONTROL_CHANGE and len(data) == 2 and data[0] in NUMBERS:
            row, value = NUMBERS[data[0]], data[1]
            on = value >= ON
            self._player.set(
                row.name, on if row.low is None else round(row.low + value / 127 * (row.high - row.low), 4)
            )
        elif kind & KIND == PROGRAM_CHANGE and len(data) == 1:
            if data[0] >= len(self._player.styles):
                raise ControlError(f"there is no style {data[0] + 1}; there are {len(self._player.styles)}.")
            self._player.set("mix", self._player.styles[data[0]])
        elif kind & KIND == NOTE_ON and len(data) == 2 and data[1] > 0:
            actions = self._player.actions
            if 0 <= data[0] - FIRST_NOTE < len(actions):
                self._player.do(actions[data[0] - FIRST_NOTE].name)


def _open_port(port: str, hear: Callable[[Sequence[int]], None]) -> Listening:
    """The one place that touches a device. Raises ControlError."""
    import rtmidi

    def heard(event: tuple[Sequence[int], float], _: Any) -> None:
        hear(event[0])

    try:
        device = rtmidi.MidiIn()
        names = device.get_ports()
        place = choose(port, names)
        if place is not None:
            device.open_port(place)
    except (rtmidi.SystemError, rtmidi.InvalidPortError) as error:
        raise ControlError(f"MIDI cannot be heard here ({error}); plug the device in, or leave --midi out.") from error
    if place is None:
        raise ControlError(f"there is no MIDI port {port}; there are: {listed(names)}.")
    device.set_callback(heard)
    return lambda: device.close_port()
