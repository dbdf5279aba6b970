"""Control by HTTP/JSON and WebSocket, and a page to play from a phone."""

import asyncio
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from murai.control.access import Address, is_local, refuse_open
from murai.control.player import Player
from murai.control.serving import LARGEST, Server
from murai.controls import TABLE
from murai.errors import MuraiError

COLUMNS = ("name", "keys", "osc", "help", "low", "high", "step")
"""What is told of each control."""
NO_OBJECT = 'send a JSON object, such as {"strength": 0.5}.'
TOLD_EVERY = 0.1
"""Seconds between two looks at the state that is sent to who listens."""


class HTTPControl:
    """Serves `player` at `address` from construction to `close`.

        GET   /                    a page with every control
        GET   /api/table           every control: name, keys, OSC address, help, range
        GET   /api/state           {"controls": {...}, "styles": [...], "scenes": [...], "figures": {...}}
        PATCH /api/controls        {name: value, ...}, all or none; answers the controls
        POST  /api/actions/NAME
        POST  /api/scenes/NAME     recalls a scene; PUT keeps the state as one
        WS    /api/play            takes {name: value, ...}, {"do": NAME} or {"scene": NAME}, and sends the state
                                   whenever it changes

    What is refused is answered by {"error": sentence}, status 422. `figures` is asked for what a read-out shows. With a
    `token`, who asks sends `Authorization: Bearer TOKEN`, or `?token=TOKEN`. Without one, only this machine is
    answered, and no page but its own may speak to it.

    Raises ControlError where the port cannot be had, and without a token for an address beyond this machine.
    """

    def __init__(
        self, player: Player, address: Address, *, token: str = "", figures: Callable[[], dict[str, Any]] = dict
    ) -> None:
        refuse_open("HTTP", address, token)
        self._player, self._figures = player, figures
        self._server = Server(_Guard(Starlette(routes=self._routes()), token), address, "HTTP")
        self.port = self._server.port

    def close(self) -> None:
        """Serve no more."""
        self._server.close()

    @property
    def state(self) -> dict[str, Any]:
        """What is told to who asks or listens."""
        player = self._player
        return {"controls": player.state, "styles": player.styles, "scenes": player.scenes, "figures": self._figures()}

    def _routes(self) -> list[Any]:
        return [
            Route("/", self._page),
            Route("/api/table", self._table),
            Route("/api/state", self._state),
            Route("/api/controls", self._set, methods=["PATCH"]),
            Route("/api/actions/{name}", self._do, methods=["POST"]),
            Route("/api/scenes/{name}", self._scene, methods=["POST", "PUT"]),
            WebSocketRoute("/api/play", self._play),
        ]

    async def _page(self, request: Request) -> Response:
        return HTMLResponse((files("murai.control") / "page.html").read_text())

    async def _table(self, request: Request) -> Response:
        rows = [{name: getattr(row, name) for name in COLUMNS} for row in TABLE]
        actions = [{**asdict(action), "osc": action.osc} for action in self._player.actions]
        return JSONResponse({"controls": rows, "actions": actions})

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self.state)

    async def _set(self, request: Request) -> Response:
        return self._answer(self._player.set_all, await _body(request))

    async def _do(self, request: Request) -> Response:
        return self._answer(lambda _: self._player.do(request.path_params["name"]), {})

    async def _scene(self, request: Request) -> Response:
        act = self._player.recall if request.method == "POST" else self._player.keep
        return self._answer(lambda _: act(request.path_params["name"]), {})

    def _answer(self, act: Callable[[Any], None], body: Any) -> Response:
        if refusal := _refusal(act, body):
            return JSONResponse({"error": refusal}, 422)
        return JSONResponse(self._player.state)

    async def _play(self, socket: WebSocket) -> None:
        await socket.accept()
        telling = asyncio.create_task(self._tell(socket))
        try:
            with suppress(WebSocketDisconnect, RuntimeError, KeyError):  # closed, closed before, and what is no text
                while True:
                    if error := _refusal(self._obey, _parsed(await socket.receive_text())):
                        await socket.send_json({"error": error})
        finally:
            telling.cancel()

    async def _tell(self, socket: WebSocket) -> None:
        last = None
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                if (state := self.state) != last:
                    await socket.send_json(state)
                    last = state
                await asyncio.sleep(TOLD_EVERY)

    def _obey(self, message: dict[str, Any]) -> None:
        if "do" in message:
            self._player.do(str(message["do"]))
        elif "scene" in message:
            self._player.recall(str(message["scene"]))
        else:
            self._player.set_all(message)


def _refusal(act: Callable[[Any], None], message: Any) -> str:
    """Do `act` with the object `message`: why that cannot be, or nothing."""
    if not isinstance(message, dict):
        return NO_OBJECT
    try:
        act(message)
    except MuraiError as error:
        return str(error)
    return ""


class _Guard:
    """Lets through who may control the show: with the token, or, where there is none, from this machine's own page."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if self._token and not self._knows(connection):
            refusal, status = (
                "this show is played with a token: open /?token=TOKEN, or send Authorization: Bearer TOKEN.",
                401,
            )
        elif not self._token and not _own(connection):
            refusal, status = "only pages of this machine may play this show.", 403
        else:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await WebSocket(scope, receive, send).close(code=1008)
        await JSONResponse({"error": refusal}, status)(scope, receive, send)

    def _knows(self, connection: HTTPConnection) -> bool:
        given = connection.headers.get("authorization", "").removeprefix("Bearer ")
        given = given or connection.query_params.get("token", "")
        return hmac.compare_digest(given.encode(), self._token)


def _own(connection: HTTPConnection) -> bool:
    """Whether a request names this machine, and comes from no page or from one of its own."""
    host = connection.headers.get("host", "")
    origin = connection.headers.get("origin")
    try:
        local = is_local(urlsplit(f"//{host}").hostname or "")
        return local and (origin is None or urlsplit(origin).netloc == host)
    except ValueError:  # an address that is none
        return False


async def _body(request: Request) -> Any:
    """The JSON of a request, None where it is none or too large."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST:
            return None
    return _parsed(data)


def _parsed(text: str | bytes) -> Any:
    """What a JSON text says, None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
