"""A phone as the remote control of the booth, for who stands before it."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from murai.booth.rendering import KEPT_A_WHILE, Form, Rendering, posted


@dataclass(frozen=True, slots=True)
class Offer:
    """What a visitor may do now: an `event` with a `value`, said as `title`; one with a value is a choice of several.

    preview   a picture of a choice, a JPEG; empty where there is none
    chosen    whether it is chosen already
    """

    event: str
    title: str
    value: str = ""
    preview: bytes = b""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """What a phone shows of the visit, in the visitor's language.

    serial    of the state, which goes back with what is pressed, so that a late press does nothing
    prompt    what the booth says
    offers    in the order they are shown; of those without a value the first is the one most visitors want
    key       of the picture to take home, once there is one
    language  of all this, such as "fr"; empty where nobody knows
    """

    serial: int
    prompt: str
    offers: Sequence[Offer] = ()
    key: str = ""
    language: str = ""


class Visiting(Protocol):
    """The visit as the phone sees it. Any thread may ask."""

    @property
    def token(self) -> str:
        """Who knows it plays: part of the link on the screen, another one for every visit."""

    def scene(self) -> Scene:
        """How it is now."""

    def hear(self, event: str, value: str, serial: int) -> str:
        """Something was pressed. Returns the token of the visit that began by it, empty where none did."""


class VisitPage:
    """GET /visit?t=TOKEN the page, GET /visit/preview?value=VALUE a choice, POST /visit/EVENT what is pressed."""

    def __init__(self, visiting: Visiting, rendering: Rendering) -> None:
        self._visiting, self._rendering = visiting, rendering

    @property
    def routes(self) -> list[Any]:
        """What it answers."""
        return [
            Route("/visit", self._page),
            Route("/visit/preview", self._preview),
            Route("/visit/{event}", posted(self._press), methods=["POST"]),
        ]

    def _page(self, request: Request) -> Response:
        token = request.query_params.get("t", "")
        if refusal := self._refusal(request, token):
            return refusal
        scene = self._visiting.scene()
        return self._rendering.page(request, "visit", scene=scene, token=token)

    def _preview(self, request: Request) -> Response:
        value = request.query_params.get("value", "")
        offers = (offer for offer in self._visiting.scene().offers if offer.value == value and offer.preview)
        if (offer := next(offers, None)) is None:
            raise HTTPException(404)
        return Response(offer.preview, media_type="image/jpeg", headers={"Cache-Control": KEPT_A_WHILE})

    def _press(self, request: Request, form: Form) -> Response:
        token = form.get("t", "")
        if refusal := self._refusal(request, token):
            return refusal
        event, value = request.path_params["event"], form.get("value", "")
        try:
            serial = int(form.get("serial", ""))
        except ValueError:
            raise HTTPException(400) from None
        if any((offer.event, offer.value) == (event, value) for offer in self._visiting.scene().offers):
            token = self._visiting.hear(event, value, serial) or token
        return RedirectResponse(f"/visit?{urlencode({'t': token})}", 303)

    def _refusal(self, request: Request, token: str) -> Response | None:
        """What is answered to who does not stand before the booth."""
        if token and hmac.compare_digest(token.encode(), self._visiting.token.encode()):
            return None
        return self._rendering.message(request, "over", 403)
