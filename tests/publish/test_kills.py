"""A power cut at every step of every service: in the end there is one post, for X perhaps by a host who looks."""

import multiprocessing
import signal

import pytest

from murai.publish import Outbox

from . import victim
from .kit import Between, new_post, publish

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.publish.victim"])
MOST = 80


class Receiver(Between):
    """Takes each key once, as the receiver of a webhook should."""

    def _handle(self, handler, body):
        self._reply(handler, 201, {}, b"")

    @property
    def posts(self):
        return list({headers["Idempotency-Key"] for _, _, headers, _ in self.requests})


class Shelf:
    """The pictures in a folder that are whole."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    @property
    def posts(self):
        return list(self.folder.glob("*.png"))


@pytest.fixture
def site(request, tmp_path):
    """A service's name, what there is of it, and what makes it."""
    name = request.param
    if name == "folder":
        shelf = Shelf(tmp_path / "out")
        yield name, shelf, {"folder": str(shelf.folder)}, ""
    elif name == "webhook":
        receiver = Receiver()
        yield name, receiver, {"address": receiver.url}, ""
        receiver.close()
    else:
        server = request.getfixturevalue(name)
        yield name, server, server.login, server.url if name == "x" else ""


@pytest.mark.parametrize("site", ["bluesky", "mastodon", "x", "folder", "webhook"], indirect=True)
def test_killed_at_every_step_and_started_again(site, tmp_path):
    name, there, values, api = site
    service, ends = victim.make(name, values, api), []
    for last in range(MOST):
        folder = tmp_path / str(last)
        folder.mkdir()
        post, before = new_post(folder, size=(40, 30)), len(there.posts)
        process = CONTEXT.Process(target=victim.run, args=(folder, post, name, values, api, last))
        process.start()
        process.join(60)
        outbox = Outbox(folder / "outbox.sqlite")
        row = publish(outbox, service, post, until=victim.ENDS)
        ends.append((row.state, len(there.posts) - before))
        if ends[-1] == ("unsure", 0):
            outbox.settle(post.key, name, there=False)  # the host has looked
            publish(outbox, service, post)
            assert len(there.posts) == before + 1
        outbox.close()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    assert 8 <= last < MOST - 1
    # Only X does not tell: where it was killed after the note that a post is being made, before X had it.
    assert set(ends) == ({("sent", 1), ("unsure", 0)} if name == "x" else {("sent", 1)})
    assert ends.count(("unsure", 0)) <= 2
