"""Control by Open Sound Control over UDP. The only file that imports python-osc."""

import hmac
import threading
import time
from collections.abc import Callable
from typing import Any

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from murai.control.access import Address, listening, refuse_open
from murai.control.player import ROWS, Player
from murai.errors import ControlError, MuraiError, Say, silent

SCENES = ("scene", "keep_scene")
QUIET_SECONDS = 5.0
"""After a complaint nothing more is said for so long: a flood of garbage must not become a flood of words."""


class OSCControl:
    """Listens at `address` from construction to `close`, and plays `player`.

    A control is set by one argument at its address (`/murai/strength 0.7`, `/murai/mix "scream"`); an action is done by
    its address, with no argument or any that is not 0, so that the release of a button does nothing.
    `/murai/scene NAME` recalls a scene and `/murai/keep_scene NAME` keeps one. With a `token` every address begins with
    it: `/TOKEN/murai/strength`. OSC knows no answers: what is refused is told to `say`.

    Raises ControlError where the port cannot be had, and without a token for an address beyond this machine.
    """

    def __init__(self, player: Player, address: Address, *, token: str = "", say: Say = silent) -> None:
        refuse_open("OSC", address, token)
        self._player, self._say = player, say
        self.refused = 0
        """Messages that were not understood or out of range."""
        self._quiet_until = 0.0
        self._prefix = f"/{token}" if token else ""
        self._names = {*ROWS, *SCENES, *(action.name for action in player.actions)}
        dispatcher = Dispatcher(strict_timing=False)  # a message of next week would stop all others until then
        dispatcher.set_default_handler(self._hear)
        self._server = _Server(address, dispatcher, self._complain)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="murai osc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _hear(self, address: str, *values: Any) -> None:
        """Do what one message says."""
        try:
            self._play(self._known(address), values)
        except MuraiError as error:
            self._complain(str(error))

    def _known(self, address: str) -> str:
        """The name of what is at `address`. Patterns are not taken: one would stand for any token."""
        prefix, _, name = address.rpartition("/murai/")
        if not hmac.compare_digest(prefix.encode(), self._prefix.encode()):
            begin = "/TOKEN/murai/, with the token" if self._prefix else "/murai/"
            raise ControlError(f"a message came to an address that does not begin with {begin}.")
        if name not in self._names:
            raise ControlError(f"there is no /murai/{name[:40]}; there are {', '.join(sorted(self._names))}.")
        return name

    def _play(self, name: str, values: tuple[Any, ...]) -> None:
        if name in SCENES:
            scene = str(values[0]) if len(values) == 1 else ""
            self._player.recall(scene) if name == "scene" else self._player.keep(scene)
        elif name not in ROWS:
            if not values or values[0] not in (0, False):
                self._player.do(name)
        elif len(values) == 1:
            value = values[0]
            self._player.set(name, round(value, 6) if isinstance(value, float) else value)  # it came in 32 bits
        else:
            raise ControlError(f"{name} takes one value, not {len(values)}.")

    def _complain(self, words: str) -> None:
        self.refused += 1
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            self._say(f"OSC: {words}")


def sender(port: int) -> Callable[[str, Any], None]:
    """What sends a message, its address and its value, to `port` of this machine."""
    send: Callable[[str, Any], None] = SimpleUDPClient("127.0.0.1", port).send_message
    return send


class _Server(BlockingOSCUDPServer):
    """Survives whatever comes."""

    def __init__(self, address: Address, dispatcher: Dispatcher, complain: Any) -> None:
        self._complain = complain
        self.address_family = address.family
        with listening("OSC", address):
            super().__init__((address.host, address.port), dispatcher)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take all: what is no OSC is counted, where the library would pass over it."""
        if not super().verify_request(request, client_address):
            self._complain("something came that is no OSC.")
            return False
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Count it."""
        self._complain("a message could not be read.")
