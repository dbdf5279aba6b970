"""Pictures to a program of one's own."""

import hashlib
import hmac
from email import message_from_bytes

import pytest

from murai.errors import DeliveryError
from murai.publish.credentials import Held
from murai.publish.fitting import prepare
from murai.publish.post import LoggedOut, Refused, TryLater
from murai.publish.webhook import SIGNATURE, Webhook

from .kit import Memory, new_post, publish


def parts(headers, body):
    """What is in a form, read by another reader than the writer."""
    whole = message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    return {part.get_param("name", header="content-disposition"): part for part in whole.get_payload()}


def test_a_picture_its_texts_and_its_key(between, outbox, tmp_path):
    one = between()
    one.answer(201, {"Location": "https://example.org/1"})
    post = new_post(tmp_path, 'Painted "here" \ud800 日本', "A face")
    service = Webhook(Held(address=f"{one.url}/pictures?from=booth", secret="the secret"))
    row = publish(outbox, service, post)
    assert row.url == "https://example.org/1"
    [(method, path, headers, body)] = one.requests
    assert (method, path, headers["Idempotency-Key"]) == ("POST", "/pictures?from=booth", post.key)
    signature = hmac.new(b"the secret", body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={signature}"
    form = parts(headers, body)
    assert form["picture"].get_payload(decode=True) == prepare(post, service.limits).data
    assert form["picture"].get_filename() == f"{post.key}.png"
    told = {name: form[name].get_payload(decode=True).decode() for name in ("key", "caption", "alt", "made")}
    assert told == {
        "key": post.key, "caption": 'Painted "here" \ufffd 日本', "alt": "A face", "made": repr(post.made)
    }  # fmt: skip


@pytest.mark.parametrize(("body", "url"), [(b'{"url": "http://a/1"}', "http://a/1"), (b"thanks", ""), (b"[1]", "")])
def test_the_address_of_the_post(between, tmp_path, body, url):
    one = between()
    one.answer(200, {}, body)
    service = Webhook(Held(address=one.url))
    assert service.send(prepare(new_post(tmp_path), service.limits), Memory()) == url
    assert SIGNATURE not in one.requests[0][2]


def test_the_same_key_again_after_a_lost_answer(between, outbox, tmp_path):
    one = between()
    one.cut(passed=False, times=2)
    one.answer(503, {"Retry-After": "0"})
    one.answer(204)
    post = new_post(tmp_path)
    publish(outbox, Webhook(Held(address=one.url)), post)
    assert [headers["Idempotency-Key"] for _, _, headers, _ in one.requests] == [post.key] * 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, LoggedOut), (403, LoggedOut), (404, LoggedOut), (410, LoggedOut), (302, TryLater)],
)
def test_answers_that_are_no_success(between, tmp_path, status, kind):
    one = between()
    one.answer(status, {}, b"no pictures at /hooks/s3cr3t-path")
    service = Webhook(Held(address=f"{one.url}/hooks/s3cr3t-path"))
    with pytest.raises(kind) as raised:
        service.send(prepare(new_post(tmp_path), service.limits), Memory())
    assert one.url not in str(raised.value)  # an address may be a secret
    assert "s3cr3t" not in str(raised.value)


def test_who_is_asked(between):
    one = between()
    one.answer(405)
    assert Webhook(Held(address=one.url)).account() == "localhost"
    with pytest.raises(TryLater, match="cannot be reached"):
        Webhook(Held(address="http://127.0.0.1:9")).account()
    with pytest.raises(LoggedOut, match="publish login webhook"):
        Webhook(Held()).account()


class Person:
    def __init__(self, address):
        self.address = address

    def line(self, question, default=""):
        return self.address

    def secret(self, question, empty=False):
        return ""


def test_login():
    assert Webhook.login(Person("https://example.org/a"))["address"] == "https://example.org/a"
    for wrong in ("example.org", "ftp://example.org", "http://", "a b", "http://[x", "http://a:b"):
        with pytest.raises(DeliveryError, match="no address"):
            Webhook.login(Person(wrong))
