"""Bluesky, by a real Personal Data Server."""

import httpx
import pytest

from murai.publish.bluesky import Bluesky, record_key
from murai.publish.credentials import Held
from murai.publish.fitting import prepare
from murai.publish.post import LoggedOut, NotReached, TryLater

from .kit import Memory, eventually, moving_post, new_post, publish, publishing, row_of


@pytest.fixture
def service(bluesky):
    return Bluesky(Held(**bluesky.login))


def newest(server):
    return server.posts[0]["value"]


def test_a_picture_is_posted_and_comes_back_as_it_was_sent(bluesky, service, outbox, tmp_path):
    post = new_post(tmp_path, "Painted #live, see https://example.org 🎨", "A face, in swirls")
    row = publish(outbox, service, post)
    made = newest(bluesky)
    assert made["text"] == post.caption
    [image] = made["embed"]["images"]
    assert image["alt"] == post.alt
    assert image["aspectRatio"] == {"$type": "app.bsky.embed.defs#aspectRatio", "width": 320, "height": 180}
    assert bluesky.blob(image["image"]["ref"]["$link"]) == prepare(post, service.limits).data
    features = [facet["features"][0] for facet in made["facets"]]
    assert [feature.get("tag") or feature["uri"] for feature in features] == ["live", "https://example.org"]
    key = bluesky.posts[0]["uri"].rpartition("/")[2]
    assert row.url == f"https://bsky.app/profile/{bluesky.did}/post/{key}"
    assert key == record_key(post.key, post.made)


def test_a_clip_is_posted_and_comes_back_as_it_was_made(bluesky, service, outbox, tmp_path):
    post = moving_post(tmp_path, alt="A face, " * 200)
    publish(outbox, service, post)
    embed = newest(bluesky)["embed"]
    assert embed["$type"] == "app.bsky.embed.video"
    assert embed["video"]["mimeType"] == "video/mp4"
    assert embed["alt"] == f"{post.alt[:999]}…"  # as long as it may be
    assert (embed["aspectRatio"]["width"], embed["aspectRatio"]["height"]) == (320, 180)
    assert bluesky.blob(embed["video"]["ref"]["$link"]) == post.clip.read_bytes()


def test_the_account_is_asked(bluesky, service):
    assert service.account() == bluesky.handle


def test_a_picture_that_is_too_large_is_made_smaller(bluesky, service, outbox, tmp_path):
    post = new_post(tmp_path, "x" * 1000, size=(2600, 1400), kind="jpg", quality=95)
    assert post.picture.stat().st_size > 3_000_000
    publish(outbox, service, post)
    made = newest(bluesky)
    assert len(made["text"]) == 300
    [image] = made["embed"]["images"]
    data = bluesky.blob(image["image"]["ref"]["$link"])
    assert len(data) < 1_000_000
    assert data == prepare(post, service.limits).data


def test_odd_characters_survive(bluesky, service, outbox, tmp_path):
    publish(outbox, service, new_post(tmp_path, "a\ud800b \ud83d\ude00 \x00\x07 é́ 日本 👨‍👩‍👧‍👦\r\nzwei", "\udfff"))
    assert newest(bluesky)["text"] == "a\ufffdb 😀  é́ 日本 👨‍👩‍👧‍👦\nzwei"


def test_what_is_sent_twice_is_there_once(bluesky, service, tmp_path):
    post, before = prepare(new_post(tmp_path), service.limits), len(bluesky.posts)
    assert service.send(post, Memory()) == service.send(post, Memory())
    again = Bluesky(Held(**bluesky.login))  # knows of nothing
    again.send(post, Memory())
    assert len(bluesky.posts) == before + 1


def test_an_answer_that_is_lost(bluesky, between, outbox, tmp_path):
    one = between(bluesky.url)
    before = len(bluesky.posts)
    for place in ("createSession", "getRecord", "uploadBlob", "putRecord"):
        for passed in (True, False):
            service = Bluesky(Held(**bluesky.login | {"server": one.url}))
            one.cut(place, passed=passed)
            publish(outbox, service, new_post(tmp_path))
    assert len(bluesky.posts) == before + 8


def test_a_password_that_is_wrong(bluesky, tmp_path):
    service = Bluesky(Held(**bluesky.login | {"password": "wrong-wrong-wrong"}))
    with pytest.raises(LoggedOut, match="publish login bluesky") as raised:
        service.account()
    assert "wrong-wrong" not in str(raised.value)
    with pytest.raises(LoggedOut, match="nobody is logged in"):
        Bluesky(Held()).account()


def test_a_password_that_is_revoked_in_the_middle(bluesky, outbox, tmp_path):
    password = bluesky.app_password("another")
    accounts = Held(**bluesky.login | {"password": password})
    service = Bluesky(accounts)
    publish(outbox, service, new_post(tmp_path))
    bluesky.revoke("another")
    service._client._session.access_jwt = service._client._session.access_jwt[:-4] + "AAAA"  # its two hours are over
    said = []
    post = new_post(tmp_path)
    outbox.add(post, ["bluesky"], approved=True)
    with publishing(outbox, service, say=said.append):
        eventually(lambda: outbox.paused == {"bluesky"})
        assert row_of(outbox, post).state == "queued"
        accounts.write("bluesky", bluesky.login)  # what `murai publish login` does
        outbox.resume("bluesky")
        eventually(lambda: row_of(outbox, post).state == "sent")
    assert len(said) == 1
    assert password not in said[0]


def test_a_session_that_has_run_out_is_begun_again(bluesky, service, tmp_path):
    service.account()
    service._client._session.access_jwt = service._client._session.access_jwt[:-4] + "AAAA"
    assert service.account() == bluesky.handle


def test_a_server_that_is_not_there(bluesky):
    with pytest.raises(NotReached, match="cannot be reached"):
        Bluesky(Held(**bluesky.login | {"server": "http://localhost:9"})).account()


@pytest.mark.parametrize(
    ("status", "headers", "body", "after"),
    [
        (500, {}, b"", None),
        (503, {"Retry-After": "77"}, b"<html>", 77),
        (429, {"RateLimit-Reset": "1000000060", "Date": "Sun, 09 Sep 2001 01:46:40 GMT"}, b"{}", 60),
        (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel</html>", None),
        (200, {"Content-Type": "application/json"}, b'{"handle": 5', None),
    ],
)
def test_a_server_that_answers_badly(bluesky, between, status, headers, body, after):
    one = between(bluesky.url)
    one.answer(status, headers, body)
    service = Bluesky(Held(**bluesky.login | {"server": one.url}))
    with pytest.raises(TryLater) as raised:
        service.account()
    assert raised.value.after == after
    assert service.account() == bluesky.handle


def test_keys_of_records_are_valid_and_in_order():
    keys = [record_key(f"key-{number}", 1.7e9 + number) for number in range(2000)]
    assert keys == sorted(keys)
    assert len(set(keys)) == 2000
    for key in (*keys, record_key("a", -5.0), record_key("a", 1e300), record_key("a", float("inf"))):
        assert len(key) == 13
        assert key[0] in "234567abcdefghij"
        assert set(key) <= set("234567abcdefghijklmnopqrstuvwxyz")
    assert len({record_key(f"key-{number}", 1.7e9) for number in range(500)}) > 490  # of the same moment


def test_the_server_takes_no_other_collection_of_keys(bluesky):
    """The test can fail: the server does check the form of a key."""
    record = {"$type": "app.bsky.feed.post", "text": "", "createdAt": "2026-01-01T00:00:00Z"}
    body = {"repo": bluesky.did, "collection": "app.bsky.feed.post", "rkey": "my key", "record": record}
    headers = {"Authorization": f"Bearer {bluesky._token}"}
    assert httpx.post(f"{bluesky.url}/xrpc/com.atproto.repo.putRecord", json=body, headers=headers).status_code == 400
