"""What HTTP answers mean for a delivery. The only file that imports httpx."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from murai.errors import DeliveryError
from murai.publish.credentials import Secrets
from murai.publish.post import Denied, LoggedOut, NotReached, Prepared, Refused, TryLater

TIMEOUT = 30.0
"""Seconds without a sign of life, after which a request is given up."""
LONGEST_DETAIL = 200
"""Letters of what a server says about a failure."""
BUDGETS = ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour", "x-ratelimit", "ratelimit")
"""How headers begin that say when a budget of requests is full again."""
MOMENTS = 1e8
"""Numbers from which on servers mean a moment, not seconds from now."""
TroubleOnTheWay = (httpx.HTTPError, httpx.InvalidURL)
"""What is raised where no answer came."""
Answer = httpx.Response

logging.getLogger("httpx").setLevel(logging.WARNING)  # its notes hold addresses, which may be secret


class Web:
    """Asks the servers of the service `name`. Any thread may use it."""

    def __init__(self, name: str) -> None:
        self._name, self._client = name, httpx.Client(timeout=TIMEOUT)

    def ask(self, method: str, url: str, secrets: Secrets, **request: Any) -> Answer:
        """The answer, whatever its status. Raises TryLater where none comes, NotReached where nothing was sent."""
        try:
            return self._client.request(method, url, **request)
        except TroubleOnTheWay as error:
            raise unanswered(self._name, error, secrets) from None


def multipart(fields: Mapping[str, str], post: Prepared) -> tuple[bytes, str]:
    """A form with the picture of `post` as `picture`: its bytes, and its media type."""
    form = httpx.Request("POST", "http://form", data=fields, files={"picture": (post.name, post.data, post.type)})
    return form.read(), form.headers["content-type"]


def unanswered(name: str, error: Exception, secrets: Secrets) -> DeliveryError:
    """What it is that no answer came."""
    reason = f"{name} cannot be reached ({_short(secrets.hide(str(error))) or type(error).__name__})."
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return (NotReached if unsent else TryLater)(reason)


def trouble(name: str, status: int, headers: Mapping[str, str], detail: str, secrets: Secrets) -> DeliveryError:
    """What an answer other than 2xx of a server that speaks JSON is; `detail` is what it says about it."""
    headers = {header.lower(): value for header, value in headers.items()}
    said = f"{name} answers {status}" + (f" ({short})" if (short := _short(secrets.hide(detail))) else "")
    if status == 429:
        wait = patience(headers)
        return NotReached(f"{said}: it wants fewer requests.", 60.0 if wait is None else wait)
    if status == 403 and "json" not in headers.get("content-type", "").lower():
        return NotReached(f"{said}: something in between does not let it through.")
    if status in (408, 425) or status >= 500 or status < 400:
        return TryLater(f"{said}: it does not work now.", patience(headers))
    if status in (401, 402, 403):
        kind = LoggedOut if status == 401 else Denied
        return kind(f"{said}; see to the account, then `murai publish login {name}` or `resume {name}`.")
    return Refused(f"{said}.")


def patience(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, by the clock of the server; None where it does not say."""
    headers = {name.lower(): value for name, value in headers.items()}
    now = moment(headers.get("date", "")) or datetime.now(UTC).timestamp()
    waits = []
    if after := headers.get("retry-after", "").strip():
        waits.append(_seconds(after, now))
    for budget in BUDGETS:
        reset = headers.get(f"{budget}-reset", "").strip()
        if reset and headers.get(f"{budget}-remaining", "0").strip() == "0":
            waits.append(_seconds(reset, now))
    return max(0.0, *waits) if waits else None


def _seconds(text: str, now: float) -> float:
    """How long after `now` that is: a number of seconds, a moment in seconds since 1970, or a date; 0 for all else."""
    with suppress(ValueError):
        number = float(text)
        return number if number < MOMENTS else number - now
    return (moment(text) or now) - now


def moment(text: str) -> float | None:
    """Seconds since 1970 of a date as HTTP or ISO write it, None where it is none."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, TypeError, OverflowError):
            found = parse(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_DETAIL else line[:LONGEST_DETAIL] + "…"
