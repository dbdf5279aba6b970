"""A thousand visits by themselves, while everything around the booth fails: `python -m tests.booth.soak --visits 1000`.

A booth of real parts, in a process of its own, is played by a visitor; its pictures go to a real Personal Data Server,
a real snac2, and a stand-in for X. Meanwhile the network goes away, servers answer with errors or break off after they
have done what was asked, the disk is full, and the booth is killed at any moment (SIGKILL) and begun again. In the end
every picture that was kept has to be in the gallery, and every one that was agreed to on every server, once.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from murai.booth.booth import OUTBOX, Booth
from murai.booth.gallery import Gallery, alias
from murai.errors import MuraiError
from murai.publish import Outbox
from murai.publish.bluesky import Bluesky
from murai.publish.credentials import Held
from murai.publish.mastodon import Mastodon
from murai.publish.x import X
from tests.booth.visits import booth
from tests.packs_support import make_pack
from tests.publish.kit import Between, BlueskyServer, MastodonServer
from tests.publish.x_server import XServer

DISK_MEGABYTES = 2000
FAULT_EVERY, FAULT_LASTS = 4.0, 2.0
LIVES = 5.0, 45.0
"""Seconds of a booth before it is killed."""
KINDS = ("single",) * 5 + ("before-after", "strip", "boomerang")
AGREE = 0.7
DRAINED = 300.0
"""Seconds that everything may take to be sent once all works again."""


# The booth and its visitor, in the process that is killed


class Visitor:
    """Walks through visits of `one` and tells what it saw, a JSON object a line."""

    def __init__(self, one: Any, chance: random.Random) -> None:
        self._booth, self._chance = one, chance
        self._pressed = 0.0

    def visit(self) -> None:
        """From idle to idle. A picture that is lost is taken again, as people do."""
        kind, agrees = self._chance.choice(KINDS), self._chance.random() < AGREE
        asked = told = ""
        self._press("button")
        while (state := self._step()) != "idle":
            key = self._booth.key
            if state == "choose":
                self._booth.hear("kind", kind)
                self._press("button")
            elif state == "review":
                self._press("button")
            elif state == "consent" and key:
                asked = key
                tell(asked=key, agrees=agrees)
                self._press("yes" if agrees else "no")
            elif state == "done" and key and told != key:
                told = key
                tell(kept=key)
                take = self._booth._take
                self._wait_for_desk()
                if take is not None and take.shared:
                    assert asked == key
                    tell(shared=key)
                self._press("cancel")

    def _press(self, event: str) -> None:
        """Press it, and see how long the booth takes to go on."""
        self._pause(1.7)
        now, start = self._booth.now, time.monotonic()
        self._booth.hear(event, serial=now.serial)
        while self._booth.now.serial == now.serial and time.monotonic() < start + 20:
            self._tick()
        tell(waited=round(time.monotonic() - start, 3), state=now.state)

    def _step(self) -> str:
        self._tick()
        return str(self._booth.now.state)

    def _pause(self, seconds: float) -> None:
        end = self._booth.clock() + seconds
        while self._booth.clock() < end:
            self._tick()

    def _wait_for_desk(self) -> None:
        reached = threading.Event()
        self._booth.desk.later(reached.set)
        while not reached.is_set():
            self._tick()

    def _tick(self) -> None:
        self._booth.tick()
        time.sleep(0.002)


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def play(folder: Path, config: dict[str, Any], seed: int) -> None:
    """Visit after visit, until killed; or, with nobody coming any more, until all is sent."""
    services = [
        Bluesky(Held(**config["bluesky"])),
        Mastodon(Held(**config["mastodon"])),
        X(Held(**config["x"]), config["x_api"]),
    ]
    settings = {
        "publishing": {"moderation": False},
        "keeping": {"days": 0, "gigabytes": 0},
        "pages": {"host": "127.0.0.1", "port": 0},
    }
    with booth(folder / "booth", folder.parent / "tiny", services=services, pictures={}, **settings) as one:
        visitor = Visitor(one, random.Random(seed))
        while config["visiting"]:
            visitor.visit()
            tell(visited=True, said=one.said)
            one.said.clear()
        one.desk.wait()
        end = time.monotonic() + DRAINED
        while time.monotonic() < end and open_rows(one):
            one.tick()
            time.sleep(0.05)
            one.outbox.retry()
        tell(drained=not open_rows(one), said=one.said)


def open_rows(one: Booth) -> int:
    return sum(states.get(state, 0) for states in one.outbox.counts().values() for state in ("queued", "sending"))


# Everything around it


class Flaky(Between):
    """A network to a server, which works, is gone, or brings errors instead of answers."""

    mode = "works"

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a booth that was killed, say

    def _handle(self, handler: Any, body: bytes) -> None:
        mode = self.mode
        if mode == "gone":
            self.cut(passed=False)
        elif mode == "breaks off":
            self.cut(passed=True)
        elif mode == "errors":
            self.answer(random.choice((500, 502, 503)), {"Retry-After": "1"})
        with suppress(Exception):
            super()._handle(handler, body)


class Trouble(threading.Thread):
    """One fault after the other, each for a while."""

    def __init__(self, networks: dict[str, Flaky], disk: Path, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self._networks, self._disk, self._chance = networks, disk, chance
        self.counts: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(self._chance.uniform(0.5, 1.5) * FAULT_EVERY):
            kind = self._chance.choice(("gone", "errors", "breaks off", "all gone", "full disk"))
            self.counts[kind] += 1
            with self._fault(kind):
                self.over.wait(self._chance.uniform(0.5, 1.5) * FAULT_LASTS)

    @contextmanager
    def _fault(self, kind: str) -> Iterator[None]:
        if kind == "full disk":
            with self._filled():
                yield
            return
        hit = list(self._networks.values())
        for network in hit if kind == "all gone" else [self._chance.choice(hit)]:
            network.mode = kind.removeprefix("all ")
        yield
        for network in hit:
            network.mode = "works"

    @contextmanager
    def _filled(self) -> Iterator[None]:
        filler = self._disk / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
        yield
        filler.unlink(missing_ok=True)


class Seen:
    """What the visitors told: keys of what was kept, and of what was agreed to what the services call it."""

    def __init__(self) -> None:
        self.visits = self.kills = 0
        self.kept: set[str] = set()
        self.agreed: set[str] = set()
        self.shared: set[str] = set()
        self.waits: list[tuple[float, str]] = []
        self.said: Counter[str] = Counter()
        self.drained = False

    def hear(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:  # cut off by the kill
            return
        self.visits += "visited" in told
        self.kept |= {told["kept"]} if "kept" in told else set()
        self.agreed |= {alias(told["asked"])} if told.get("agrees") else set()
        self.shared |= {alias(told["shared"])} if "shared" in told else set()
        self.waits += [(told["waited"], told["state"])] if "waited" in told else []
        self.said.update(text[:100] for text in told.get("said", ()))
        self.drained = self.drained or told.get("drained", False)


def soak(visits: int, seed: int) -> int:
    chance, seen = random.Random(seed), Seen()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_pack(folder / "tiny", "tiny", ("warm",))
        disk = stack.enter_context(_disk(folder / "disk"))
        servers: dict[str, Any] = {"bluesky": BlueskyServer(_made(folder / "pds"))}
        servers |= {"mastodon": MastodonServer(_made(folder / "masto")), "x": XServer()}
        for server in servers.values():
            stack.enter_context(closing(server))
        networks = {name: stack.enter_context(closing(Flaky(server.url))) for name, server in servers.items()}
        config: dict[str, Any] = {name: dict(server.login) for name, server in servers.items()}
        for name in ("bluesky", "mastodon"):
            config[name]["server"] = networks[name].url
        config |= {"x_api": networks["x"].url, "visiting": True}
        trouble, start = Trouble(networks, disk, chance), time.monotonic()
        trouble.start()
        while seen.visits < visits:
            _live(disk, config, chance, seen, lambda: seen.visits >= visits)
            say = f"{seen.visits} visits, {len(seen.kept)} kept, {len(seen.shared)} shared, {seen.kills} kills"
            print(f"{time.monotonic() - start:.0f} s: {say}", flush=True)
        trouble.over.set()
        trouble.join()
        _run(disk, config | {"visiting": False}, 0, seen, patience=DRAINED + 60)
        return _judge(disk, servers, seen, trouble.counts, time.monotonic() - start)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _disk(place: Path) -> Iterator[Path]:
    """A small disk of its own; an ordinary folder where none may be mounted, which is never full then."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "none", str(place)]
    mounted = subprocess.run(command, capture_output=True).returncode == 0
    if not mounted:
        sys.exit("the soak needs a small disk: it has to be allowed to mount one.")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _live(disk: Path, config: dict[str, Any], chance: random.Random, seen: Seen, over: Callable[[], bool]) -> None:
    """One booth, until it is killed."""
    _run(disk, config, chance.randrange(1 << 30), seen, patience=chance.uniform(*LIVES), over=over)
    seen.kills += 1


def _run(
    disk: Path, config: dict[str, Any], seed: int, seen: Seen, *, patience: float, over: Callable[[], bool] = bool
) -> None:
    command = [sys.executable, "-m", "tests.booth.soak", "--play", str(disk), "--seed", str(seed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(config))
    process.stdin.close()
    killer = threading.Timer(patience, process.kill)
    killer.start()
    for line in process.stdout:
        seen.hear(line)
        if over():
            process.kill()
    killer.cancel()
    process.wait()


# What has to be true


def _judge(disk: Path, servers: dict[str, Any], seen: Seen, faults: Counter[str], seconds: float) -> int:
    troubles: list[str] = []
    gallery, outbox = Gallery(disk / "booth" / "gallery"), Outbox(disk / "booth" / OUTBOX)
    with closing(gallery), closing(outbox):
        troubles += [f"{key} was kept, and is not in the gallery" for key in seen.kept if not _is_whole(gallery, key)]
        rows = outbox.rows()
        troubles += [f"nobody agreed to {row.key}" for row in rows if row.key not in seen.agreed]
        for name, posts in (("bluesky", _bluesky), ("mastodon", _mastodon), ("x", _x)):
            mine = [row for row in rows if row.service == name]
            sent, unsure = ({row.key for row in mine if row.state == state} for state in ("sent", "unsure"))
            there = posts(servers[name])
            lost = seen.shared - sent - unsure
            doubled = there - len(sent) - len(unsure) if name == "x" else there - len(sent)
            missing = len(sent) - there
            print(f"{name}: {there} posts, {len(sent)} sent, {len(unsure)} parked as unsure")
            troubles += [f"{name} has not got {key}" for key in lost]
            troubles += [f"{name} has {doubled} posts too many"] if doubled > 0 else []
            troubles += [f"{name} lacks {missing} posts that were sent"] if missing > 0 else []
            urls = [row.url for row in mine if row.state == "sent"]
            troubles += [f"two pictures have one post at {name}"] if len(set(urls)) < len(urls) else []
    waits = np.array([seconds for seconds, _ in seen.waits])
    print(f"{seen.visits} visits in {seconds:.0f} s, {seen.kills} kills, faults: {dict(faults)}")
    print(f"{len(seen.kept)} kept, {len(seen.agreed)} agreed to, {len(seen.shared)} surely on the disk as such")
    print(f"from a press to what it leads to: {np.median(waits):.3f} s, 99 %: {np.percentile(waits, 99):.3f} s, "
          f"at most {waits.max():.3f} s ({max(seen.waits)[1]})")  # fmt: skip
    for text, number in seen.said.most_common(12):
        print(f"  said {number} times: {text}")
    troubles += [] if seen.drained else ["not everything could be sent in the end"]
    print("\n".join(troubles) or "nothing was lost, nothing doubled.")
    return bool(troubles)


def _is_whole(gallery: Gallery, key: str) -> bool:
    try:
        picture = gallery.find(key)
        if picture is None:
            return False
        with Image.open(picture.image) as image:
            image.load()
        return True
    except (OSError, MuraiError):
        return False


def _bluesky(server: BlueskyServer) -> int:
    count, cursor = 0, ""
    while True:
        question = f"repo.listRecords?repo={server.did}&collection=app.bsky.feed.post&limit=100&cursor={cursor}"
        answer = server.ask(question)
        count += len(answer["records"])
        cursor = answer.get("cursor", "")
        if not cursor:
            return count


def _mastodon(server: MastodonServer) -> int:
    """Each of the account's own posts is a file."""
    return len(list((server._folder / "user" / server.user / "public").glob("*.json")))


def _x(server: XServer) -> int:
    return len(server.posts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--visits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--play", type=Path)
    given = parser.parse_args()
    if given.play:
        play(given.play, json.loads(sys.stdin.read()), given.seed)
    else:
        shutil.which("mount") or sys.exit("the soak needs mount.")
        sys.exit(soak(given.visits, given.seed))
