"""What all pages of the booth share: templates, languages, forms, and headers that keep them private."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from murai.booth.words import Words

LARGEST_FORM = 4096
"""Bytes."""
MEDIA = {".jpg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4", ".png": "image/png"}
KEPT_A_WHILE = "private, max-age=600"
"""For how long a browser may keep what is not secret."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Of every answer that does not say otherwise."""

Form = Mapping[str, str]


class Private:
    """Gives every answer of `app` the HEADERS it lacks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sealed)


class Rendering:
    """Pages of an `event` in the languages of `words`, of which the first is that of who speaks none of them.

    `titles`: what a style is called, by its name.
    """

    def __init__(self, words: Sequence[Words], event: str, titles: Mapping[str, str]) -> None:
        self._words, self._event, self._titles = words, event, titles
        self._templates = Environment(
            loader=PackageLoader("murai.booth"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )

    def page(
        self, request: Request, template: str, status: int = 200, headers: Form | None = None, **values: Any
    ) -> Response:
        """The page of a template, in the language of who asks; `t` stands for the texts of [pages], `title` for what a
        style is called."""
        words = self.words(request)

        def text(name: str, **places: object) -> str:
            return words(f"pages.{name}", **places)

        def title(style: str) -> str:
            return words.painting(self._titles.get(style, style.rpartition("/")[2].replace("_", " ")))

        html = self._templates.get_template(f"{template}.html").render(
            t=text, title=title, language=words.name, event=self._event, **values
        )
        return HTMLResponse(html, status, headers)

    def message(self, request: Request, name: str, status: int, **places: object) -> Response:
        """A page that only says something: the texts NAME_title and NAME of [pages]."""
        return self.page(request, "message", status, name=name, places=places)

    def words(self, request: Request) -> Words:
        """Of the language that who asks likes best."""
        liked = preferred(request.headers.get("accept-language", ""), [words.name for words in self._words])
        return next((words for words in self._words if words.name == liked), self._words[0])


def preferred(header: str, known: Sequence[str]) -> str:
    """The one of the `known` languages that an Accept-Language header likes best; the first where it likes none."""
    wishes = []
    for wish in header[:1000].split(","):
        name, _, quality = wish.strip().lower().partition(";q=")
        try:
            wishes.append((float(quality or 1), name.partition("-")[0]))
        except ValueError:
            continue
    wishes.sort(key=lambda wish: -wish[0])
    return next((name for quality, name in wishes if name in known and quality > 0), known[0])


def posted(act: Callable[[Request, Form], Response]) -> Callable[[Request], Any]:
    """An endpoint that reads the form it is sent and hands it to `act`, in a thread."""

    async def endpoint(request: Request) -> Response:
        data = b""
        async for chunk in request.stream():
            data += chunk
            if len(data) > LARGEST_FORM:
                raise HTTPException(413)
        try:
            form = dict(parse_qsl(data.decode(), max_num_fields=16))
        except ValueError:
            raise HTTPException(400) from None
        return await run_in_threadpool(act, request, form)

    return endpoint


def file_response(path: Path | None, cache: str = "no-store", name: str | None = None) -> Response:
    """A file, whole or the part that is asked for. Answers 404 where there is none, or none any more."""
    try:
        if path is None:
            raise FileNotFoundError
        return FileResponse(
            path,
            headers={"Cache-Control": cache},
            media_type=MEDIA.get(path.suffix, "application/octet-stream"),
            filename=name,
            stat_result=path.stat(),
        )
    except OSError:
        raise HTTPException(404) from None


def client(request: Request) -> str:
    """Who asks, by the address."""
    return request.client.host if request.client else ""
