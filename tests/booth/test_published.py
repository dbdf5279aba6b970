"""A picture taken at the booth appears on real servers."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("atproto")
pytest.importorskip("mastodon")

from murai.publish.bluesky import Bluesky
from murai.publish.credentials import Held
from murai.publish.fitting import prepare
from murai.publish.mastodon import Mastodon
from tests.booth.visits import booth
from tests.publish.kit import BlueskyServer, MastodonServer


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[BlueskyServer, MastodonServer]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(closing(BlueskyServer(_made(tmp_path / "pds")))),
            stack.enter_context(closing(MastodonServer(_made(tmp_path / "masto")))),
        )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", ["single", "boomerang"])
def test_a_picture_is_read_back_from_both(servers: Any, tiny_pack: Path, tmp_path: Path, kind: str) -> None:
    bluesky, mastodon = servers
    services = [Bluesky(Held(**bluesky.login)), Mastodon(Held(**mastodon.login))]
    settings = {"event": "Summer party", "pictures": {"quality": "mirror", "caption": "{style} at {event}"}}
    with booth(tmp_path / "booth", tiny_pack, services=services, **settings) as one:
        one.whole_visit(kind, consent="no")
        key = one.whole_visit(kind, consent="yes")
        assert not bluesky.posts
        one.desk.approve(key)
        one.play(lambda: [row.state for row in one.outbox.rows()] == ["sent", "sent"])
        post = one.outbox.rows()[0].post
        sent = [prepare(post, service.limits).data for service in services]
        if clip := one.gallery.all()[0].clip:
            assert sent == [clip.read_bytes()] * 2
    [record] = [post["value"] for post in bluesky.posts]
    blob, alt = _embedded(record["embed"])
    assert bluesky.blob(blob["ref"]["$link"]) == sent[0]
    [status] = mastodon.posts
    [attached] = status["media_attachments"]
    assert attached["type"] == ("video" if kind == "boomerang" else "image")
    assert httpx.get(attached["url"]).content == sent[1]
    assert record["text"].endswith("at Summer party")
    assert record["text"] in status["content"]
    assert alt == attached["description"]
    assert "Summer party" in alt


def _embedded(embed: Any) -> tuple[Any, str]:
    """What a record of Bluesky shows, and what it says of it."""
    if "video" in embed:
        return embed["video"], embed["alt"]
    [image] = embed["images"]
    return image["image"], image["alt"]
