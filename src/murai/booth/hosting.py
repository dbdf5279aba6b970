"""The page of the host, behind a PIN: how the booth is, what waits for a yes, what failed, what was taken today."""

import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from murai.booth.gallery import Gallery, Picture
from murai.booth.rendering import KEPT_A_WHILE, Form, Rendering, client, file_response, posted
from murai.booth.tries import Tries
from murai.errors import BoothError, MuraiError

COOKIE = "murai-host"
SESSION_SECONDS = 12 * 3600.0
MOST_SESSIONS = 32
LISTED = 48
"""Pictures that are listed for the host, the newest."""
EVERYBODY = "everybody"
NUMBER = re.compile(r"[0-9]{1,18}")
OWN_PAGES_ONLY = {"Referrer-Policy": "same-origin"}
"""With it browsers say which page a form was sent from, also to its own server."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A picture that a service did not take: its `key` there, the `state` of its row, such as "failed", and the reason.

    `unsure` is one of which nobody knows whether it is there: the host looks and says so.
    """

    key: str
    state: str
    error: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """A service that pictures go to: how many are in which state there, and what went wrong.

    `paused` is the reason why nothing is sent there, empty where pictures are.
    """

    name: str
    paused: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    troubles: Sequence[Trouble] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the host sees of the booth.

    visit     what goes on before it: a state of the visit, "away" where the camera is lost; empty where nobody knows
    figures   counts of today, by "visits", "pictures", "shared" and "prints"
    styles    how many pictures were taken today in which style, the most liked first; `kinds` the same
    printer   how it is, in a few words; empty where there is none
    trouble   whether the printer needs somebody
    said      what the booth said, the newest first: seconds since 1970, and the sentence
    """

    visit: str = ""
    figures: Mapping[str, int] = field(default_factory=dict)
    styles: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    channels: Sequence[Channel] = ()
    printer: str = ""
    trouble: bool = False
    said: Sequence[tuple[float, str]] = ()


class Hosting(Protocol):
    """What the host asks of the booth. Any thread may ask; a MuraiError is shown to the host."""

    def desk(self) -> Desk:
        """How it is now."""

    def approve(self, key: str) -> None:
        """A picture that is held may be shown and published."""

    def refuse(self, key: str) -> None:
        """A picture is neither shown nor published."""

    def delete(self, key: str) -> None:
        """A picture is removed, here and from what is still to be published."""

    def retry(self, service: str) -> None:
        """Try again now what failed there."""

    def pause(self, service: str) -> None:
        """Send nothing there."""

    def resume(self, service: str) -> None:
        """Go on sending there."""

    def settle(self, service: str, key: str, there: bool) -> None:
        """The host looked whether a picture is there; where it is not it is sent again."""


class HostPage:
    """Everything under /host. `knows_pin` tells whether a PIN is the right one.

    The host speaks of pictures by their numbers: no page has a key, which is its visitor's alone.
    Who guesses wrong five times waits, longer every time; all guesses of others than this machine itself count
    together as well, so that nobody guesses from many addresses. Forms are taken from its own pages alone.
    """

    def __init__(
        self,
        hosting: Hosting,
        gallery: Gallery,
        rendering: Rendering,
        knows_pin: Callable[[str], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hosting, self._gallery, self._rendering = hosting, gallery, rendering
        self._knows_pin, self._clock = knows_pin, clock
        self._tries, self._all_tries = Tries(5, 30.0), Tries(60, 60.0)
        self._guessing, self._changing = threading.Lock(), threading.Lock()
        self._sessions: dict[str, float] = {}
        """Cookie, and until when it holds, by a clock that nobody sets. `_changing` is held by who changes them."""

    @property
    def routes(self) -> list[Any]:
        """What it answers."""
        return [
            Route("/host", self._page),
            Route("/host/login", posted(self._log_in), methods=["POST"]),
            Route("/host/export.zip", self._export),
            Route("/host/thumbnail/{number}", self._thumbnail),
            Route("/host/{act}", posted(self._act), methods=["POST"]),
            Route("/host/{act}", lambda request: RedirectResponse("/host")),  # a page that says no stands there
        ]

    def _page(self, request: Request, trouble: str = "", status: int = 200) -> Response:
        if not self._is_host(request):
            return self._render(request, "login", trouble="")
        gallery, now = self._gallery, datetime.fromtimestamp(self._clock())
        morning = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        try:
            desk = self._hosting.desk()
        except MuraiError as error:
            desk, trouble = Desk(), str(error)
        return self._render(
            request,
            "host",
            status,
            desk=desk,
            trouble=trouble,
            held=gallery.held(),
            pictures=gallery.all(LISTED),
            free=gallery.free() / 1e9,
            kinds=self._rendering.words(request).table("kinds"),
            clock=lambda seconds: _clock(seconds, morning),
        )

    def _log_in(self, request: Request, form: Form) -> Response:
        self._refuse_strangers(request)
        who = client(request)
        counted = [(self._tries, who), *([] if _is_here(who) else [(self._all_tries, EVERYBODY)])]
        with self._guessing:  # one at a time, or many at once would all be the first
            if seconds := max(tries.wait(name) for tries, name in counted):
                text = self._rendering.words(request)("pages.pin_wait", seconds=round(seconds + 1))
                return self._render(request, "login", 429, trouble=text)
            if not self._knows_pin(form.get("pin", "")[:64]):
                for tries, name in counted:
                    tries.wrong(name)
                text = self._rendering.words(request)("pages.pin_wrong")
                return self._render(request, "login", 403, trouble=text)
            self._tries.right(who)
        answer = RedirectResponse("/host", 303)
        answer.set_cookie(
            COOKIE, self._session(), max_age=int(SESSION_SECONDS), path="/host", httponly=True, samesite="strict"
        )
        return answer

    def _act(self, request: Request, form: Form) -> Response:
        self._refuse_strangers(request)
        if not self._is_host(request):
            return self._render(request, "login", 403, trouble="")
        hosting, key, service = self._hosting, form.get("key", ""), form.get("service", "")
        number = form.get("number", "")
        acts: dict[str, Callable[[], None]] = {
            "approve": lambda: hosting.approve(self._key(number)),
            "refuse": lambda: hosting.refuse(self._key(number)),
            "delete": lambda: hosting.delete(self._key(number)),
            "retry": lambda: hosting.retry(service),
            "pause": lambda: hosting.pause(service),
            "resume": lambda: hosting.resume(service),
            "there": lambda: hosting.settle(service, key, True),
            "again": lambda: hosting.settle(service, key, False),
            "logout": lambda: self._log_out(request),
        }
        if (act := acts.get(request.path_params["act"])) is None:
            raise HTTPException(404)
        try:
            act()
        except MuraiError as error:
            return self._page(request, str(error), 409)
        return RedirectResponse("/host", 303)

    def _export(self, request: Request) -> Response:
        if not self._is_host(request):
            return self._render(request, "login", 403, trouble="")
        name = f"murai-{datetime.now():%Y-%m-%d}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingResponse(self._gallery.export(), headers=headers, media_type="application/zip")

    def _thumbnail(self, request: Request) -> Response:
        """Of a picture whose visitor agreed, moving where it moves; the others are nobody's, not even the host's."""
        picture = self._picture(request.path_params["number"]) if self._is_host(request) else None
        seen = picture.preview or picture.thumbnail if picture and picture.consent else None
        return file_response(seen, KEPT_A_WHILE)

    def _picture(self, number: str) -> Picture | None:
        return self._gallery.numbered(int(number)) if NUMBER.fullmatch(number) else None

    def _key(self, number: str) -> str:
        if (picture := self._picture(number)) is None:
            raise BoothError("that picture is not there any more.")
        return picture.key

    def _render(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        return self._rendering.page(request, template, status, OWN_PAGES_ONLY, **values)

    def _session(self) -> str:
        """A new one; the oldest ends where there are many."""
        session = secrets.token_urlsafe(32)
        with self._changing:
            self._sessions[session] = time.monotonic() + SESSION_SECONDS
            while len(self._sessions) > MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return session

    def _is_host(self, request: Request) -> bool:
        return self._sessions.get(request.cookies.get(COOKIE, ""), -math.inf) > time.monotonic()

    def _log_out(self, request: Request) -> None:
        with self._changing:
            self._sessions.pop(request.cookies.get(COOKIE, ""), None)

    def _refuse_strangers(self, request: Request) -> None:
        """Answer 403 where another page than one of ours sent the form."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
            raise HTTPException(403)


def _clock(seconds: float, morning: float) -> str:
    """The time, with its day where it is before this morning."""
    when = datetime.fromtimestamp(seconds)
    return f"{when:%H:%M}" if seconds >= morning else f"{when:%Y-%m-%d %H:%M}"


def _is_here(address: str) -> bool:
    """Whether it is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
