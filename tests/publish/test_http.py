"""What answers mean."""

import pytest

from murai.publish.credentials import Secrets
from murai.publish.http import patience, trouble
from murai.publish.post import Denied, LoggedOut, NotReached, Refused, TryLater

NOW = "Sun, 09 Sep 2001 01:46:40 GMT"  # 1,000,000,000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120),
        ({"retry-after": "Sun, 09 Sep 2001 01:47:40 GMT", "date": NOW}, 60),
        ({"Retry-After": "Sun, 09 Sep 2001 01:45:40 GMT", "Date": NOW}, 0),
        ({"Retry-After": "soon", "Date": NOW}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "²", "Date": NOW}, 0),
        ({"Retry-After": "nan", "Date": NOW}, 0),
        ({"Retry-After": "-5", "Date": NOW}, 0),
        ({"RateLimit-Reset": "45", "RateLimit-Remaining": "0", "Date": NOW}, 45),
        ({"x-rate-limit-reset": "1000000090", "x-rate-limit-remaining": "0", "Date": NOW}, 90),
        ({"x-rate-limit-reset": "1000000090", "x-rate-limit-remaining": "5", "Date": NOW}, None),
        (
            {
                "x-rate-limit-reset": "1000000090", "x-rate-limit-remaining": "5", "x-app-limit-24hour-remaining": "0",
                "x-app-limit-24hour-reset": "1000005000", "Date": NOW,
            },
            5000,
        ),
        ({"X-RateLimit-Reset": "2001-09-09T01:46:45.000Z", "Date": NOW}, 5),
        ({"RateLimit-Reset": "junk", "Date": NOW}, 0),
        ({"ratelimit-reset": "9" * 400, "Date": NOW}, float("inf")),
    ],
)  # fmt: skip
def test_how_long_to_wait_by_the_clock_of_the_server(headers, seconds):
    assert patience(headers) == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, TryLater), (400, Refused), (401, LoggedOut), (402, Denied), (403, Denied), (404, Refused),
        (408, TryLater), (413, Refused), (422, Refused), (425, TryLater), (429, NotReached),
        (500, TryLater), (599, TryLater),
    ],
)  # fmt: skip
def test_what_a_status_means(status, kind):
    error = trouble("x", status, {"Content-Type": "application/json; charset=utf-8"}, "no", Secrets({}))
    assert type(error) is kind
    assert str(status) in str(error)
    assert str(error).endswith(".") or "publish login x" in str(error)


def test_what_stands_before_a_server_and_lets_nothing_through():
    assert type(trouble("mastodon", 403, {"Content-Type": "text/html"}, "<html>", Secrets({}))) is NotReached


def test_what_a_server_says_is_short_and_without_secrets():
    error = trouble("x", 400, {}, "you said Bearer s3cr3t-token\n" * 100, Secrets({"token": "s3cr3t-token"}))
    assert "s3cr3t" not in str(error)
    assert len(str(error)) < 300
    assert "\n" not in str(error)
