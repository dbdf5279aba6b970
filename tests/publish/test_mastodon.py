"""Mastodon's protocol, by a real snac2."""

import json
import re
import time
from datetime import UTC, datetime

import httpx
import pytest

from murai.publish.credentials import Held
from murai.publish.fitting import prepare
from murai.publish.mastodon import Mastodon, _found
from murai.publish.post import Limits, LoggedOut, NotReached, NotReady, Refused, TryLater, Unsure

from .kit import Memory, eventually, moving_post, new_post, patiently, publish, publishing, row_of


@pytest.fixture
def service(mastodon):
    return Mastodon(Held(**mastodon.login))


def test_a_picture_is_posted_and_comes_back_as_it_was_sent(mastodon, service, outbox, tmp_path):
    post = new_post(tmp_path, "Painted #live 🎨 \ud800", "A face, in swirls")
    row = publish(outbox, service, post)
    made = mastodon.posts[0]
    assert row.url == made["url"]
    assert made["text"] == "Painted #live 🎨 \ufffd"
    [image] = made["media_attachments"]
    assert image["description"] == post.alt
    assert httpx.get(image["url"]).content == prepare(post, service.limits).data


def test_a_clip_is_posted_and_comes_back_as_it_was_made(mastodon, service, outbox, tmp_path):
    post = moving_post(tmp_path)
    publish(outbox, service, post)
    [clip] = mastodon.posts[0]["media_attachments"]
    assert (clip["type"], clip["description"]) == ("video", post.alt)
    assert httpx.get(clip["url"]).content == post.clip.read_bytes()


def test_the_account_is_asked(mastodon, service):
    assert patiently(service.account) == f"@booth@{mastodon.url.partition('://')[2]}"


def test_what_may_have_been_posted_is_looked_for(mastodon, service, tmp_path):
    post, notes = prepare(new_post(tmp_path), patiently(lambda: service.limits)), Memory()
    before = len(mastodon.posts)
    url = patiently(lambda: service.send(post, notes))
    assert patiently(lambda: service.send(post, notes)) == url  # this server knows no Idempotency-Key
    assert len(mastodon.posts) == before + 1
    with pytest.raises(Unsure):
        service.send(post, Memory(posting="?"))


def test_an_answer_that_is_lost(mastodon, between, outbox, tmp_path):
    one = between(mastodon.url)
    service = Mastodon(Held(**mastodon.login | {"server": one.url}))
    before = len(mastodon.posts)
    for place in ("instance", "media", "statuses"):
        one.cut(place, passed=True)
        one.cut(place, passed=False)
        publish(outbox, service, new_post(tmp_path))
    assert len(mastodon.posts) == before + 3
    keys = [headers["Idempotency-Key"] for method, path, headers, _ in one.requests if path == "/api/v1/statuses"]
    assert {row.key for row in outbox.rows()} == set(keys)


def test_a_token_that_is_wrong(mastodon):
    service = Mastodon(Held(server=mastodon.url, token="wrong-wrong-wrong"))
    with pytest.raises(LoggedOut, match="publish login mastodon") as raised:
        patiently(service.account)
    assert "wrong-wrong" not in str(raised.value)
    with pytest.raises(LoggedOut, match="nobody is logged in"):
        Mastodon(Held()).account()


def test_a_token_that_is_revoked_in_the_middle(mastodon, outbox, tmp_path):
    token = mastodon.token()
    accounts = Held(server=mastodon.url, token=token)
    service = Mastodon(accounts)
    publish(outbox, service, new_post(tmp_path))
    mastodon.revoke(token)
    said = []
    post = new_post(tmp_path)
    outbox.add(post, ["mastodon"], approved=True)
    with publishing(outbox, service, say=said.append):
        eventually(lambda: outbox.paused == {"mastodon"})
        accounts.write("mastodon", {"server": mastodon.url, "token": mastodon.token()})
        outbox.resume("mastodon")
        eventually(lambda: row_of(outbox, post).state == "sent")
    assert len(said) == 1
    assert token not in said[0]


def test_login_by_a_code(mastodon, outbox, tmp_path):
    class Person:
        def say(self, text):
            self.address = re.search(r"http\S+", text)[0]

        def line(self, question, default=""):
            return mastodon.url

        def secret(self, question, empty=False):
            return mastodon.consent(self.address)

    values = patiently(lambda: Mastodon.login(Person()))
    assert set(values) == {"server", "client", "secret", "token"}
    publish(outbox, Mastodon(Held(**values)), new_post(tmp_path))


def test_a_server_that_is_not_there():
    with pytest.raises(TryLater, match="cannot be reached"):
        Mastodon(Held(server="http://localhost:9", token="abcdef")).account()


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "after"),
    [
        (500, {}, b"", TryLater, None),
        (503, {"Retry-After": "77"}, b"<html>", TryLater, 77),
        (
            429,
            {"X-RateLimit-Reset": "1970-01-12T13:47:40.000Z", "Date": "Mon, 12 Jan 1970 13:46:40 GMT"},
            b"{}",
            NotReached,
            60,
        ),
        (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel</html>", TryLater, None),
        (200, {"Content-Type": "application/json"}, b"[]", TryLater, None),
        (422, {"Content-Type": "application/json"}, b'{"error": "the caption is rude"}', Refused, None),
    ],
)
def test_a_server_that_answers_badly(mastodon, between, tmp_path, status, headers, body, kind, after):
    one = between(mastodon.url)
    one.answer(status, headers, body, path="statuses")
    service = Mastodon(Held(**mastodon.login | {"server": one.url}))
    with pytest.raises(kind) as raised:
        patiently(lambda: service.send(prepare(new_post(tmp_path), service.limits), Memory()))
    assert getattr(raised.value, "after", None) == after


PLAIN = {"Content-Type": "application/json"}


def media(url):
    """What a server says of a picture or clip; it has no address before the server has finished with it."""
    return json.dumps({"id": "1", "type": "video", "url": url}).encode()


@pytest.fixture
def looking(between, tmp_path):
    """A server that has a clip and still looks at it; what sends it again, and its notes."""
    one, notes = between(), Memory()
    service, post = Mastodon(Held(server=one.url, token="abcdef")), prepare(moving_post(tmp_path), Limits(clip=None))
    one.answer(202, PLAIN, media(None), path="/v2/media")
    one.answer(206, PLAIN, media(None), path="/v1/media/1")
    with pytest.raises(NotReady):
        service.send(post, notes)
    return one, lambda: service.send(post, notes), notes


def test_a_clip_is_posted_once_the_server_has_finished_with_it(looking):
    one, send, notes = looking
    one.answer(206, PLAIN, media(None), path="/v1/media/1")
    with pytest.raises(NotReady):
        send()
    one.answer(503, path="/v1/media/1")
    with pytest.raises(TryLater):
        send()
    assert not notes["posting"]  # surely not: nothing is looked for
    one.answer(200, PLAIN, media("http://a/1.mp4"), path="/v1/media/1")
    one.answer(200, PLAIN, json.dumps({"id": "2", "url": "http://a/2"}).encode(), path="/v1/statuses")
    assert send() == "http://a/2"
    assert [path for _, path, _, _ in one.requests].count("/api/v2/media") == 1


def test_a_clip_that_the_server_makes_nothing_of_is_refused(looking):
    one, send, notes = looking
    one.answer(422, PLAIN, b'{"error": "no video"}', path="/v1/media/1", times=2)
    with pytest.raises(Refused):
        send()
    assert not notes["media"]  # what is sent next is uploaded


def test_what_is_refused_while_the_server_has_its_picture_is_refused(looking):
    one, send, _ = looking
    one.answer(200, PLAIN, media("http://a/1.mp4"), path="/v1/media/1", times=2)
    one.answer(422, PLAIN, b'{"error": "rude"}', path="/v1/statuses")
    with pytest.raises(Refused, match="rude"):
        send()


def test_a_post_is_looked_for_back_to_the_attempt(mastodon, between, tmp_path):
    one, now = between(mastodon.url), time.time()
    service = Mastodon(Held(**mastodon.login | {"server": one.url}))

    def page(*posts):
        told = [
            {
                "id": f"{number}", "url": f"http://a/{number}",
                "created_at": datetime.fromtimestamp(made, UTC).isoformat(),
                "media_attachments": [{"id": media, "url": f"http://a/{media}.jpg"}],
            }
            for number, made, media in posts
        ]  # fmt: skip
        one.answer(200, {"Content-Type": "application/json"}, json.dumps(told).encode(), path="/statuses")

    page((99, now, "7"), (98, now - 60, "6"))
    page((97, now - 3600, "5"), (96, now - 3700, "4"))
    found = patiently(lambda: service._ask(lambda client: _found(client, "5", "", now - 4000)))
    assert found == "http://a/97"
    assert "max_id=98" in one.requests[-1][1]
    page((99, now, "7"), (98, now - 10 * 86400, "6"))
    before = len(one.requests)
    assert patiently(lambda: service._ask(lambda client: _found(client, "5", "", now - 4000))) == ""
    assert [path for _, path, _, _ in one.requests[before:] if "/statuses" in path][1:] == []


def test_a_picture_that_the_server_has_thrown_away_is_sent_again(mastodon, between, tmp_path):
    one = between(mastodon.url)
    service = Mastodon(Held(**mastodon.login | {"server": one.url}))
    post, notes = prepare(new_post(tmp_path), patiently(lambda: service.limits)), Memory()
    one.answer(503, path="statuses")
    with pytest.raises(TryLater):
        patiently(lambda: service.send(post, notes))
    assert notes["media"]
    one.answer(422, {"Content-Type": "application/json"}, b'{"error": "no such media"}', path="/v1/statuses")
    with pytest.raises(TryLater):
        patiently(lambda: service.send(post, notes))
    assert not notes["media"]
    patiently(lambda: service.send(post, notes))


def test_the_server_says_what_it_takes(between):
    one = between()
    about = (
        b'{"configuration": {"statuses": {"max_characters": 42},'
        b' "media_attachments": {"image_size_limit": 100000, "image_matrix_limit": 1000000, "description_limit": 9,'
        b' "video_size_limit": 5000000, "supported_mime_types": ["image/jpeg", "video/mp4"]}}}'
    )
    one.answer(200, {"Content-Type": "application/json"}, about)
    limits = Mastodon(Held(server=one.url, token="abcdef")).limits
    assert (limits.bytes, limits.side, limits.characters, limits.alt) == (100_000, 1000, 42, 9)
    assert limits.clip == 5_000_000
    still = b'{"configuration": {"media_attachments": {"supported_mime_types": ["image/jpeg"]}}}'
    one.answer(200, {"Content-Type": "application/json"}, still)
    assert Mastodon(Held(server=one.url, token="abcdef")).limits.clip == 0
    for _ in range(2):
        one.answer(404, {"Content-Type": "application/json"}, b'{"error": "none"}', times=2)
        limits = Mastodon(Held(server=one.url, token="abcdef")).limits
        assert limits.characters == 500
