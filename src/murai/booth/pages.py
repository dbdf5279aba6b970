"""The pages of the booth on the local network: a visitor's picture, the gallery, the visit, the host."""

import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from murai.booth.addresses import base_address
from murai.booth.gallery import PAGES, Gallery, Picture
from murai.booth.hosting import Hosting, HostPage
from murai.booth.qr import qr_svg
from murai.booth.rendering import KEPT_A_WHILE, Form, Private, Rendering, file_response, posted
from murai.booth.visiting import Visiting, VisitPage
from murai.booth.words import Words
from murai.control.access import Address
from murai.control.serving import Server
from murai.errors import MuraiError, Say, silent

PAGE, WALL = 24, 8
"""Pictures on a page of the gallery, and on the wall."""
DAY = 86_400.0


class Pages:
    """Serves the booth's pages at `address` from construction to `close`.

        GET  /                    the gallery: what everybody may see; ?before=NUMBER goes on with older ones
        GET  /wall                the newest of them with QR codes, for a screen
        GET  /g/NUMBER            one of them, and /picture.jpg, /clip.mp4, /preview.webp, /thumbnail.jpg, /qr.svg of it
        GET  /p/KEY               the same for its own visitor, who may delete it: POST /p/KEY/delete
             /visit /host         see VisitPage, HostPage

    words       of each language, that of unknown visitors first
    titles      what a style is called, by its name
    wanted      how phones reach this machine, where the host knows it better: an address, a name or a URL
    days        after how many a picture is removed, and its link holds no more; None is never
    delete      removes a picture at the wish of its visitor, here and from what is still to be published
    visiting    what a phone plays; without it there is no remote control
    hosting     what the host sees; there is a host page with it and `knows_pin` only

    Nothing is listed that is not shown to all, and no key of a picture is in any page but its own. A key has 128 bits,
    which nobody guesses: nobody is made to wait. Raises ControlError where the port cannot be had.
    """

    def __init__(
        self,
        gallery: Gallery,
        address: Address,
        *,
        words: Sequence[Words],
        event: str = "murai",
        titles: Mapping[str, str] | None = None,
        wanted: str = "",
        days: float | None = None,
        delete: Callable[[str], None] | None = None,
        visiting: Visiting | None = None,
        hosting: Hosting | None = None,
        knows_pin: Callable[[str], bool] | None = None,
        say: Say = silent,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._gallery, self._wanted, self._days, self._clock, self._say = gallery, wanted, days, clock, say
        self._delete = delete or gallery.delete
        self._rendering = Rendering(words, event, titles or {})
        routes = self._routes()
        if visiting is not None:
            routes += VisitPage(visiting, self._rendering).routes
        if hosting is not None and knows_pin is not None:
            routes += HostPage(hosting, gallery, self._rendering, knows_pin, clock).routes
        app = Starlette(routes=routes, exception_handlers={HTTPException: self._refused, Exception: self._failed})
        self._server = Server(Private(app), address, "The booth's pages")
        self.port = self._server.port

    def close(self) -> None:
        """Serve no more."""
        self._server.close()

    @property
    def base(self) -> str:
        """What links begin with for phones; empty where none would reach this machine now."""
        return base_address(self.port, self._wanted)

    def picture_link(self, key: str) -> str:
        """Where a visitor gets the picture; empty without a network."""
        return f"{base}/p/{key}" if (base := self.base) else ""

    def visit_link(self, token: str) -> str:
        """Where a visitor plays the booth; empty without a network."""
        return f"{base}/visit?t={quote(token)}" if (base := self.base) else ""

    def _routes(self) -> list[Any]:
        return [
            Route("/", self._gallery_page),
            Route("/gallery", lambda request: RedirectResponse("/")),
            Route("/wall", self._wall),
            Route("/g/{number}", self._shown_page),
            Route("/g/{number}/{file}", self._shown_file),
            Route("/p/{key}", self._own_page),
            Route("/p/{key}/delete", posted(self._delete_own), methods=["POST"]),
            Route("/p/{key}/{file}", self._own_file),
            Route("/robots.txt", lambda request: PlainTextResponse("User-agent: *\nDisallow: /\n")),
            Mount("/static", StaticFiles(directory=str(files("murai.booth") / "static"))),
        ]

    def _gallery_page(self, request: Request) -> Response:
        pictures = self._gallery.shown(PAGE + 1, _number(request.query_params.get("before")))
        page, older = pictures[:PAGE], pictures[PAGE:]
        return self._rendering.page(request, "gallery", pictures=page, older=page[-1].number if older else None)

    def _wall(self, request: Request) -> Response:
        pictures = self._gallery.shown(WALL)
        return self._rendering.page(request, "wall", pictures=pictures, codes=bool(self.base))

    def _shown_page(self, request: Request) -> Response:
        picture = self._shown(request)
        return self._picture_page(request, picture, f"/g/{picture.number}", own=False)

    def _shown_file(self, request: Request) -> Response:
        picture, file = self._shown(request), request.path_params["file"]
        if file == "qr.svg" and (base := self.base):
            code = qr_svg(f"{base}/g/{picture.number}")
            return Response(code, media_type="image/svg+xml", headers={"Cache-Control": KEPT_A_WHILE})
        return self._file(picture, file, KEPT_A_WHILE)

    def _own_page(self, request: Request) -> Response:
        picture = self._own(request)
        return self._picture_page(request, picture, f"/p/{picture.key}", own=True)

    def _own_file(self, request: Request) -> Response:
        return self._file(self._own(request), request.path_params["file"], "no-store")

    def _delete_own(self, request: Request, form: Form) -> Response:
        self._delete(self._own(request).key)
        return self._rendering.message(request, "deleted", 200)

    def _picture_page(self, request: Request, picture: Picture, where: str, *, own: bool) -> Response:
        left = None if self._days is None else max(1, round(self._days - (self._clock() - picture.made) / DAY))
        return self._rendering.page(request, "picture", picture=picture, where=where, own=own, left=left)

    def _file(self, picture: Picture, name: str, cache: str) -> Response:
        kinds = {
            "picture.jpg": picture.image,
            "clip.mp4": picture.clip,
            "preview.webp": picture.preview,
            "thumbnail.jpg": picture.thumbnail,
        }
        return file_response(kinds.get(name), cache)

    def _shown(self, request: Request) -> Picture:
        number = _number(request.path_params["number"])
        picture = None if number is None else self._gallery.numbered(number)
        if picture is None or not picture.is_shown(PAGES):
            raise HTTPException(404)
        return picture

    def _own(self, request: Request) -> Picture:
        """The picture of a key: answers 404 where there is none, or none any more."""
        picture = self._gallery.find(request.path_params["key"])
        if picture is None:
            raise HTTPException(404)
        return picture

    def _refused(self, request: Request, error: Exception) -> Response:
        """What is not there, and what is not done that way."""
        assert isinstance(error, HTTPException)
        name = "gone" if error.status_code == 404 else "refused"
        answer = self._rendering.message(request, name, error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    def _failed(self, request: Request, error: Exception) -> Response:
        """A fault of ours or of the disk: `say` hears of it, but no key."""
        self._say(str(error) if isinstance(error, MuraiError) else f"a page failed ({type(error).__name__}).")
        return self._rendering.message(request, "failed", 500)


def _number(text: str | None) -> int | None:
    """A number in an address, None where there is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
