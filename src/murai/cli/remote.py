"""What lets others play a running show: --osc, --http, --midi, --loudness."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from murai.cli.common import config_folder, needs
from murai.errors import Say

if TYPE_CHECKING:
    from murai.control.player import Player
    from murai.pipeline import Pipeline


@Parameter(name="*")
@dataclass(frozen=True)
class Remote:
    """Control from outside.

    Parameters
    ----------
    osc
        Listen for OSC at [HOST:]PORT, on this machine alone where no host is given.
    http
        Serve a page to play from, and JSON, at [HOST:]PORT.
    midi
        The number of a MIDI port, from 1, or a part of its name.
    loudness
        A sound that the strength follows: microphone, or an address or file with sound.
    token_file
        Where the token is kept that players must know, as soon as one of these listens beyond this machine.
    """

    osc: str | None = None
    http: str | None = None
    midi: str | None = None
    loudness: str | None = None
    token_file: Path | None = None

    @contextmanager
    def listening(self, player: "Player", pipeline: "Pipeline", say: Say) -> Iterator[None]:
        """Listen for the time of a `with`; `say` hears of it. Raises ControlError, MissingExtra."""
        from murai.control.access import Address, is_local, parse_address, reachable, read_token

        places = {kind: parse_address(text) for kind in ("osc", "http") if (text := getattr(self, kind))}
        file = self.token_file or config_folder() / "token"
        token = "" if all(is_local(place.host) for place in places.values()) else read_token(file)
        with ExitStack() as stack:
            if "osc" in places:
                with needs("Control by OSC", "control"):
                    from murai.control.osc import OSCControl
                osc = OSCControl(player, places["osc"], token=token, say=say)
                stack.enter_context(closing(osc))
                say(f"OSC: {'/TOKEN' if token else ''}/murai/strength and so on, at port {osc.port}.")
            if "http" in places:
                with needs("Control by HTTP", "control"):
                    from murai.control.http import HTTPControl
                http = HTTPControl(player, places["http"], token=token, figures=lambda: _figures(pipeline))
                stack.enter_context(closing(http))
                place = Address(reachable(places["http"].host), http.port)
                say(f"play it at http://{place}/{'?token=TOKEN' if token else ''}")
            if self.midi is not None:
                with needs("Control by MIDI", "midi"):
                    from murai.control.midi import MIDIControl

                    stack.enter_context(closing(MIDIControl(player, self.midi, say=say)))
            if self.loudness is not None:
                from murai.control.loudness import Loudness

                sound = Loudness(self.loudness, lambda strength: player.set("strength", strength), say)
                stack.enter_context(closing(sound))
            if token:
                say(f"TOKEN stands for what is in {file}.")
            yield


def _figures(pipeline: "Pipeline") -> dict[str, float]:
    """What the page shows."""
    stats = pipeline.stats
    return {"fps_in": round(stats.fps_in), "fps_out": round(stats.fps_out), "dropped": stats.dropped}
