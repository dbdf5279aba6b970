"""A booth without a window, of real parts, and a visitor who walks through it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from murai.booth.booth import Booth
from murai.booth.settings import Settings
from murai.packs import StylePack
from murai.parts import Source, Stylizer
from murai.publish import Service
from murai.sources.pattern import PatternSource
from murai.stylizers.openvino import OpenVINOStylizer
from murai.stylizers.repertoire import Repertoire
from tests.shows import SOON

HASTE = 20
ALONE = {
    "pages": {"on": False},
    "pictures": {"quality": "mirror"},
    "waiting": {"choose": 450, "review": 300, "consent": 300, "done": 300},  # at such haste a busy machine is late
}


class Hurried:
    """A clock that runs many times as fast, but while a picture is taken."""

    booth: Booth | None = None

    def __init__(self) -> None:
        self._then, self._now = time.monotonic(), 0.0

    def __call__(self) -> float:
        now = time.monotonic()
        taking = self.booth is not None and self.booth.now.state == "taking"
        self._now += (now - self._then) * (1 if taking else HASTE)
        self._then = now
        return self._now


class Tried(Booth):
    """A booth that remembers what it said, and goes on until something is true."""

    said: list[str]
    clock: Hurried

    def play(self, until: Callable[[], object]) -> None:
        """Let it run until that is true."""
        end = time.monotonic() + SOON
        while not until():
            self.tick()
            assert time.monotonic() < end, f"never; {self.now}, {self.said}"
            time.sleep(0.002)

    def wait(self, seconds: float) -> None:
        """Let it run for so many of its own seconds."""
        end = self.clock() + seconds
        self.play(lambda: self.clock() >= end)

    def push(self, event: str, state: str = "", value: str = "") -> None:
        """Wait until a press counts, press, and wait for what it leads to."""
        self.wait(1.6)
        self.hear(event, value, self.now.serial)
        self.play(lambda: not state or self.now.state == state)

    def to_review(self, kind: str = "single", style: str = "") -> None:
        """From idle to the picture."""
        self.push("button", "choose")
        self.hear("kind", kind)
        if style:
            self.hear("style", style)
        self.push("button", "countdown")
        self.play(lambda: self.now.state == "review")

    def whole_visit(self, kind: str = "single", *, consent: str = "no", style: str = "") -> str:
        """A whole visit; the key of its picture. `consent` is "yes", "no", or "" to say nothing."""
        self.to_review(kind, style)
        self.push("button")
        self.play(lambda: self.now.state in ("consent", "done"))
        if self.now.state == "consent" and consent:
            self.push(consent, "done")
        self.play(lambda: self.now.state == "done" and self.key)
        key = self.key
        self.push("cancel", "idle")
        self.desk.wait()
        return key


def _prepared(pack: StylePack) -> Stylizer:
    """What paints with `pack`, made ready as `murai booth` does: the first painting of a process takes a while."""
    repertoire = Repertoire([pack], pack, lambda pack: OpenVINOStylizer(pack, precision="f32"))
    repertoire.prepare(160, 90)
    return repertoire


def booth(
    folder: Path,
    pack: Path,
    *,
    source: Source | None = None,
    stylizer: Stylizer | None = None,
    services: Sequence[Service] = (),
    **settings: Any,
) -> Tried:
    """A booth with the tiny pack, that keeps to itself where nothing else is said."""
    loaded, clock, said = StylePack.load(pack), Hurried(), []  # type: ignore[var-annotated]
    one = Tried(
        Settings.model_validate(ALONE | settings),
        source or PatternSource(160, 90),
        stylizer or _prepared(loaded),
        [loaded],
        [f"{loaded.name}/{name}" for name in loaded.names],
        folder,
        services=services,
        say=said.append,
        clock=clock,
    )
    one.said, one.clock, clock.booth = said, clock, one
    return one
