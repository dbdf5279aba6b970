"""The servers, one of each for all tests of a file."""

import pytest

pytest.importorskip("atproto")
pytest.importorskip("mastodon")
from murai.publish import Outbox

from .kit import Between, BlueskyServer, MastodonServer
from .x_server import XServer


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    yield outbox
    outbox.close()


@pytest.fixture(scope="module")
def bluesky(tmp_path_factory):
    server = BlueskyServer(tmp_path_factory.mktemp("bluesky"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def mastodon(tmp_path_factory):
    server = MastodonServer(tmp_path_factory.mktemp("mastodon"))
    yield server
    server.close()


@pytest.fixture
def x():
    server = XServer()
    yield server
    server.close()


@pytest.fixture
def between():
    made = []

    def make(target=""):
        made.append(Between(target))
        return made[-1]

    yield make
    for one in made:
        one.close()
    assert not [fault for one in made for fault in one.unused]
