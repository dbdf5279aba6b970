"""X, by a stand-in that checks every request with X's own models."""

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from xdk import Client
from xdk.oauth1_auth import OAuth1

from murai.errors import MuraiError
from murai.publish.credentials import Held
from murai.publish.fitting import prepare
from murai.publish.post import Denied, LoggedOut, NotReached, Refused, TryLater, Unsure
from murai.publish.x import X, signature

from .kit import Memory, eventually, moving_post, new_post, publish, publishing, row_of
from .x_server import KEYS


@pytest.fixture(params=["OAuth 2.0", "OAuth 1.0a"])
def service(request, x):
    return X(Held(**(x.login if request.param == "OAuth 2.0" else KEYS)), x.url)


def impatient(accounts, url):
    """X that looks once for what may have been posted."""
    return X(accounts, url, (0.0,))


def prepared(folder, **options):
    return prepare(new_post(folder, **options), X.limits)


def test_a_picture_is_posted_as_it_was_sent(x, service, outbox, tmp_path):
    post = new_post(tmp_path, "Painted #live 🎨 \ud800", "A face, in swirls")
    row = publish(outbox, service, post)
    [made] = x.posts
    assert row.url == f"https://x.com/i/status/{made['id']}"
    assert made["text"] == "Painted #live 🎨 \ufffd"
    [media] = made["media"]
    assert x.media[media]["data"] == prepare(post, X.limits).data
    assert x.media[media]["alt"] == post.alt


def test_the_account_is_asked(service):
    assert service.account() == "@booth"


def test_a_large_picture_goes_in_pieces(x, service, tmp_path):
    post = prepared(tmp_path, size=(1600, 900))
    assert len(post.data) > 3_000_000
    service.send(post, Memory())
    [media] = x.media.values()
    assert len(media["parts"]) == -(-len(post.data) // 1_000_000)
    assert media["data"] == post.data


def test_a_picture_that_x_looks_at_for_a_while(x, outbox, tmp_path):
    x.processing = 2
    row = publish(outbox, X(Held(**x.login), x.url), new_post(tmp_path))
    assert row.attempts == 2
    assert x.requests.count("POST /2/media/upload/initialize") == 1
    assert len(x.posts) == 1


def test_a_clip_is_posted_as_it_was_made_once_x_is_ready_with_it(x, outbox, tmp_path):
    x.processing = 2
    post = moving_post(tmp_path)
    row = publish(outbox, X(Held(**x.login), x.url), post)
    assert row.attempts == 2
    [media] = x.media.values()
    assert media["data"] == post.clip.read_bytes()
    assert media["asked"]["media_category"] == "tweet_video"
    assert len(x.posts) == 1


def test_a_clip_that_x_makes_nothing_of_goes_as_a_picture(x, outbox, tmp_path):
    x.processing, x.fails = 2, True
    post = moving_post(tmp_path)
    publish(outbox, X(Held(**x.login), x.url), post)
    clip, picture = x.media.values()
    assert clip["asked"]["media_category"] == "tweet_video"
    assert picture["data"] == prepare(post, X.limits, still=True).data
    assert picture["alt"] == post.alt
    assert len(x.posts) == 1


def test_x_own_client_is_understood_too(x):
    """The stand-in takes what X's own client sends, so what it demands is not only what murai does."""
    for client in (
        Client(base_url=x.url, access_token=x.login["access_token"]),
        Client(
            base_url=x.url,
            auth=OAuth1(
                KEYS["consumer_key"], KEYS["consumer_secret"], "oob", KEYS["access_token"], KEYS["access_secret"]
            ),
        ),
    ):
        assert client.users.get_me().data.username == "booth"
        page = next(client.users.get_posts("1001", max_results=100, expansions=["attachments.media_keys"]))
        assert page.meta.result_count == 0


def test_the_stand_in_refuses_what_is_wrong(x, tmp_path):
    service = X(Held(**x.login), x.url)
    for place, body in (
        ("/2/tweets", {"text": "no picture"}),
        ("/2/tweets", {"text": "a", "media": {"media_ids": ["5"]}}),
        ("/2/tweets", {"text": "a", "medium": {}}),
        (
            "/2/media/upload/initialize",
            {"media_type": "image/jpeg", "media_category": "tweet_image", "total_bytes": "5"},
        ),
        ("/2/media/metadata", {"id": "5", "metadata": {"alt_text": {"text": "a"}}}),
    ):
        with pytest.raises(Refused):
            service._ask("POST", place, json=body)
    assert not x.posts


def test_the_signature_of_the_documentation():
    """The example in X's guide to signatures, whose parts are public."""
    keys = {
        "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
        "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "access_token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "access_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    }
    header = signature(
        "POST",
        "https://api.twitter.com/1.1/statuses/update.json",
        {"status": "Hello Ladies + Gentlemen, a signed OAuth request!", "include_entities": "true"},
        keys,
        nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        now=1318622958,
    )
    assert 'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"' in header


def test_a_token_that_has_run_out_is_exchanged_and_kept_first(x, tmp_path):
    accounts = Held(**x.login)
    service, before = X(accounts, x.url), dict(accounts.read("x"))
    x.expire()
    service.send(prepared(tmp_path), Memory())
    after = dict(accounts.read("x"))
    assert after["refresh_token"] != before["refresh_token"]
    assert after["refresh_token"] in x.refresh
    assert before["refresh_token"] not in x.refresh
    x.client_secret = after["client_secret"] = "the app's own secret"
    x.expire()
    accounts.write("x", after)
    assert service.account() == "@booth"


def test_consent_that_is_taken_back_in_the_middle(x, outbox, tmp_path):
    accounts = Held(**x.login)
    tokens = [accounts.read("x")[name] for name in ("access_token", "refresh_token")]
    service, said = X(accounts, x.url), []
    publish(outbox, service, new_post(tmp_path))
    x.revoke()
    post = new_post(tmp_path)
    outbox.add(post, ["x"], approved=True)
    with publishing(outbox, service, say=said.append):
        eventually(lambda: outbox.paused == {"x"})
        assert row_of(outbox, post).state == "queued"
        accounts.write("x", x.login)
        outbox.resume("x")
        eventually(lambda: row_of(outbox, post).state == "sent")
    assert len(said) == 1
    assert "publish login x" in said[0]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("outbox*"))
    assert not [token for token in tokens if token in said[0] or token.encode() in kept]


@pytest.mark.parametrize("wrong", ["consumer_secret", "access_secret", "access_token"])
def test_keys_that_are_wrong(x, wrong):
    with pytest.raises(LoggedOut):
        X(Held(**KEYS | {wrong: "wrong-wrong"}), x.url).account()
    with pytest.raises(LoggedOut, match="nobody is logged in"):
        X(Held(), x.url).account()


def test_too_many_requests_by_the_clock_of_the_server(x, tmp_path):
    now = 1_000_000_000.0  # long ago: this machine's clock is wrong
    x.clock, x.budget, x.reset = lambda: now, 0, now + 90
    with pytest.raises(NotReached) as raised:
        X(Held(**x.login), x.url).send(prepared(tmp_path), Memory())
    assert raised.value.after == 90


def test_signatures_by_the_clock_of_the_server(x, tmp_path):
    x.clock = lambda: time.time() - 86400
    service = X(Held(**KEYS), x.url)
    service.send(prepared(tmp_path), Memory())
    assert x.requests.count("POST /2/media/upload/initialize") == 2  # only the first was signed by a wrong clock
    assert len(x.requests) == 6
    x.clock = time.time
    assert service.account() == "@booth"


def test_an_answer_that_is_lost_to_the_post_itself(x, between, tmp_path):
    one = between(x.url)
    service = impatient(Held(**x.login), one.url)
    for passed in (True, False):
        one.cut("/2/tweets", passed=passed)
        post, notes = prepared(tmp_path), Memory()
        with pytest.raises(TryLater) as raised:
            service.send(post, notes)
        assert not isinstance(raised.value, NotReached)
        if passed:
            assert service.send(post, notes) == f"https://x.com/i/status/{x.posts[0]['id']}"
        else:
            with pytest.raises(Unsure):
                service.send(post, notes)
    assert len(x.posts) == 1


def test_what_may_have_been_posted_is_looked_for_further_back(x, tmp_path):
    service, post, notes = impatient(Held(**x.login), x.url), prepared(tmp_path), Memory()
    url = service.send(post, notes)
    for _ in range(5):
        service.send(prepared(tmp_path), Memory())
    x.page = 2
    assert service.send(post, notes) == url
    assert len(x.posts) == 6
    x.reads = False
    with pytest.raises(Unsure, match="may not read posts"):  # and X is not paused for it
        service.send(post, notes)
    with pytest.raises(Unsure):
        service.send(post, Memory(posting="?"))


def test_an_hour_in_which_x_does_not_work_leaves_one_picture_in_doubt(x, between, tmp_path):
    one = between(x.url)
    service = X(Held(**x.login), one.url, (0.0, 1000.0, 2000.0))
    one.answer(503, path="/2/tweets")
    first, notes = prepared(tmp_path), Memory()
    with pytest.raises(TryLater):
        service.send(first, notes)
    before = len(one.requests)
    for _ in range(3):
        with pytest.raises(TryLater, match="another picture"):
            service.send(prepared(tmp_path), Memory())
    assert len(one.requests) == before
    for look in range(1, 3):
        with pytest.raises(TryLater, match="looked for"):
            service.send(first, notes)
        assert notes["looks"] == str(look)
        with pytest.raises(TryLater):  # not yet again
            service.send(first, notes)
        assert notes["looks"] == str(look)
        notes["since"] = repr(float(notes["since"]) - 1000)
    with pytest.raises(Unsure):
        service.send(first, notes)
    service.send(prepared(tmp_path), Memory())
    assert len(x.posts) == 1


def test_a_post_that_x_shows_late_is_found(x, between, tmp_path):
    one = between(x.url)
    service = X(Held(**x.login), one.url, (0.0, 0.05))
    one.cut("/2/tweets", passed=True)
    post, notes = prepared(tmp_path), Memory()
    with pytest.raises(TryLater):
        service.send(post, notes)
    late, x.posts = x.posts, []
    with pytest.raises(TryLater):
        service.send(post, notes)
    x.posts = late
    time.sleep(0.05)
    assert service.send(post, notes) == f"https://x.com/i/status/{late[0]['id']}"
    service.send(prepared(tmp_path), Memory())


def test_an_answer_that_is_lost_elsewhere(x, between, outbox, tmp_path):
    one = between(x.url)
    service = X(Held(**x.login), one.url)
    for number, place in enumerate(("initialize", "append", "finalize", "metadata"), 1):
        one.cut(place, passed=True)
        one.cut(place, passed=False)
        publish(outbox, service, new_post(tmp_path))
        assert len(x.posts) == number


def test_a_server_that_surely_took_nothing(x, between, outbox, tmp_path):
    one = between(x.url)
    one.answer(429, {"Retry-After": "0"}, path="/2/tweets", times=2)
    publish(outbox, X(Held(**x.login), one.url), new_post(tmp_path))
    assert len(x.posts) == 1
    with pytest.raises(NotReached):
        X(Held(**x.login), "http://127.0.0.1:9").account()


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (500, {}, b"", TryLater),
        (503, {"Retry-After": "7"}, b"<html>", TryLater),
        (302, {"Location": "http://hotel.example"}, b"", TryLater),
        (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel</html>", TryLater),
        (200, {}, b'{"data": []}', TryLater),
        (402, {}, b'{"title": "CreditsDepleted", "detail": "no credits"}', Denied),
        (403, {"Content-Type": "application/json"}, b'{"detail": "Your account is locked"}', Denied),
        (403, {"Content-Type": "text/html"}, b"<html>Not from this country", NotReached),
        (400, {}, b'{"errors": [{"message": "bad"}], "title": "Invalid Request"}', Refused),
        (400, {}, b"[1]", Refused),
    ],
)
def test_a_server_that_answers_badly(x, between, tmp_path, status, headers, body, kind):
    one = between(x.url)
    one.answer(status, headers, body)
    with pytest.raises(kind) as raised:
        X(Held(**x.login), one.url).account()
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"detail": "You are not allowed to create a Tweet with duplicate content."}', Refused),
        ('{"detail": "This link was blocked", "type": "about:blank"}', Refused),
        ('{"detail": "To protect our users from spam, this account is temporarily locked."}', Denied),
        ('{"title": "Forbidden", "type": "https://api.twitter.com/2/problems/oauth1-permissions"}', Denied),
        ('{"reason": "x", "type": "https://api.twitter.com/2/problems/client-forbidden"}', Denied),
        ('{"errors": [{"code": 453, "message": "a subset of endpoints"}]}', Denied),
        ('{"errors": [{"code": 4530, "message": "this post"}]}', Refused),
    ],
)
def test_what_is_forbidden_to_one_post_does_not_pause_x(x, between, tmp_path, body, kind):
    one, notes = between(x.url), Memory()
    one.answer(403, {"Content-Type": "application/json"}, body.encode(), path="/2/tweets")
    service = X(Held(**x.login), one.url)
    with pytest.raises(kind):
        service.send(prepared(tmp_path), notes)
    assert not notes["posting"]
    service.send(prepared(tmp_path), Memory())
    assert len(x.posts) == 1


def test_a_token_that_another_process_exchanged_meanwhile(x, tmp_path):
    """Both of them read the old one; each refresh token works once."""
    accounts = Held(**x.login)
    one, other = X(accounts, x.url), X(accounts, x.url)
    old = accounts.read("x")
    x.expire()
    assert one.account() == "@booth"
    assert dict(other._refreshed(old)) == dict(accounts.read("x"))

    class Late(Held):
        """Shows what the other wrote only once the refresh was refused."""

        stale = 1

        def read(self, service):
            self.stale -= 1
            return old if self.stale >= 0 else accounts.read(service)

    assert dict(X(Late(), x.url)._refreshed(old)) == dict(accounts.read("x"))


def test_new_tokens_outlive_a_disk_that_is_full(x, tmp_path):
    class Full(Held):
        full = True

        def write(self, service, values):
            if self.full:
                raise MuraiError("the disk is full.")
            super().write(service, values)

    accounts = Full(**x.login)
    service = X(accounts, x.url)
    for _ in range(2):
        x.expire()
        assert service.account() == "@booth"
    accounts.full = False
    assert service.account() == "@booth"
    assert accounts.read("x")["refresh_token"] in x.refresh
    accounts.write("x", login := x.login)  # somebody logs in
    assert service.account() == "@booth"
    assert dict(accounts.read("x")) == login


def test_a_picture_that_x_has_thrown_away_is_sent_again(x, between, outbox, tmp_path):
    one = between(x.url)
    service, post, notes = X(Held(**x.login), one.url), prepared(tmp_path), Memory()
    one.answer(429, path="/2/tweets")
    with pytest.raises(NotReached):
        service.send(post, notes)
    x.media.clear()
    notes["uploaded"] = repr(time.time() - 86400)
    with pytest.raises(TryLater):
        service.send(post, notes)
    service.send(post, notes)
    assert len(x.posts) == 1
    x.forbidden = "You are not allowed to create a Tweet with duplicate content."
    row = publish(outbox, service, new_post(tmp_path), until=("failed",))
    assert row.attempts == 3
    assert "duplicate" in row.error


class Person:
    """Somebody who answers what a login asks."""

    def __init__(self, x, client, secret=""):
        self._x, self._client, self._secret, self.said = x, client, secret, []

    def say(self, text):
        self.said.append(text)

    def choice(self, question):
        return self._client

    def secret(self, question, empty=False):
        return self._secret if empty else KEYS[question.removeprefix("The ").replace(" ", "_")]

    def arrival(self, port):
        return self._x.consent(re.search(r"https\S+", self.said[0])[0])


@pytest.mark.parametrize("secret", ["", "the app's own secret"])
def test_login_by_consent(x, secret, tmp_path):
    x.client_secret = secret
    values = X.login(Person(x, x.client, secret), x.url)
    accounts = Held(**values)
    X(accounts, x.url).send(prepared(tmp_path), Memory())
    x.expire()
    assert X(accounts, x.url).account() == "@booth"


def test_login_by_four_keys(x):
    values = X.login(Person(x, ""), x.url)
    assert values == KEYS
    assert X(Held(**values), x.url).account() == "@booth"


def test_a_login_that_somebody_else_answers(x):
    class Other(Person):
        def arrival(self, port):
            code = parse_qs(urlsplit(super().arrival(port)).query)["code"][0]
            return f"/?state=mine&code={code}"

    with pytest.raises(Exception, match="did not let murai in"):
        X.login(Other(x, x.client), x.url)
    assert not x.access
