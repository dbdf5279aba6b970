"""A stand-in for X's API v2 that believes nothing it is sent.

X cannot be had on this machine. What this server demands is written from two independent places: the bodies and answers
are checked with the models of X's own client library (`xdk`, made by X from the description of its API), the signatures
of OAuth 1.0a by `oauthlib`. The order of an upload, the limits, the tokens and the errors follow X's public
documentation.
"""

import base64
import hashlib
import io
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import av
from oauthlib.common import Request as SignedRequest
from oauthlib.oauth1.rfc5849 import signature as oauth1
from PIL import Image
from pydantic import BaseModel, ValidationError
from xdk import schemas

from murai.publish.fitting import x_length

REDIRECT = "http://127.0.0.1:8459/"
SCOPES = {"tweet.read", "tweet.write", "users.read", "media.write", "offline.access"}
KEYS = {
    "consumer_key": "consumer-key-0001",
    "consumer_secret": "consumer-secret-0002",
    "access_token": "1001-access-token-0003",
    "access_secret": "access-secret-0004",
}


class Fault(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, detail: str, title: str = "", **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"title": title or detail, "detail": detail, "type": "about:blank", "status": status, **more}


class XServer:
    """One app, one account. `posts`, newest first, `media` by its id; the attributes below make it misbehave."""

    def __init__(self) -> None:
        self.client, self.client_secret = "app-client-id", ""
        self.posts: list[dict[str, Any]] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.access: dict[str, bool] = {}  # token: whether it still works
        self.refresh: set[str] = set()
        self._codes: dict[str, dict[str, str]] = {}
        self._nonces: set[str] = set()
        self.processing = 0  # times that a picture is said not to be ready
        self.fails = False  # whether nothing can be made of clips
        self.budget: int | None = None  # requests left
        self.reset = 0.0  # when there are more, in seconds since 1970
        self.clock: Callable[[], float] = time.time
        self.reads = True  # whether posts may be read back
        self.forbidden = ""  # why posts are not allowed
        self.page = 100  # posts in one answer at most
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True

            def answer(self) -> None:
                server._handle(self)

            do_GET = do_POST = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def login(self) -> dict[str, str]:
        """What is known of an account that has just agreed."""
        given = self._grant()
        return {
            "client": self.client,
            "client_secret": self.client_secret,
            "access_token": given["access_token"],
            "refresh_token": given["refresh_token"],
        }

    def expire(self) -> None:
        """No access token works any more."""
        self.access = dict.fromkeys(self.access, False)

    def revoke(self) -> None:
        """The account wants no more of the app."""
        self.expire()
        self.refresh.clear()

    def consent(self, address: str) -> str:
        """Where the browser ends of somebody who agrees at `address`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()}
        assert address.startswith("https://x.com/i/oauth2/authorize?")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == self.client
        assert asked["redirect_uri"] == REDIRECT
        assert asked["code_challenge_method"] == "S256"
        assert set(asked["scope"].split()) == SCOPES
        assert len(asked["state"]) >= 16
        code = secrets.token_urlsafe(32)
        self._codes[code] = asked
        return f"{REDIRECT}?{urlencode({'state': asked['state'], 'code': code})}"

    def _grant(self) -> dict[str, Any]:
        access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        self.access[access] = True
        self.refresh.add(refresh)
        return {
            "token_type": "bearer",
            "expires_in": 7200,
            "access_token": access,
            "refresh_token": refresh,
            "scope": " ".join(sorted(SCOPES)),
        }

    def _handle(self, handler: Any) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        place = urlsplit(handler.path)
        with self._lock:
            self.requests.append(f"{handler.command} {place.path}")
            headers = {}
            try:
                if place.path == "/2/oauth2/token":
                    status, answer = 200, self._token(handler, body)
                else:
                    self._allow(handler)
                    headers = self._spend()
                    status, answer = self._route(handler, place, body)
            except Fault as fault:
                status, answer = fault.status, fault.body
                headers = self._budget_headers() if fault.status == 429 else headers
        data = json.dumps(answer).encode()
        handler.send_response_only(status)
        handler.send_header("Content-Type", "application/json; charset=utf-8")
        handler.send_header("Date", _http_date(self.clock()))
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def _token(self, handler: Any, body: bytes) -> dict[str, Any]:
        if handler.command != "POST" or handler.headers["content-type"] != "application/x-www-form-urlencoded":
            raise Fault(400, "Missing valid form.")
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        if self.client_secret:
            given = base64.b64encode(f"{self.client}:{self.client_secret}".encode()).decode()
            known = handler.headers.get("authorization") == f"Basic {given}" and "client_id" not in form
        else:
            known = form.get("client_id") == self.client and "authorization" not in handler.headers
        if not known:
            raise Fault(401, "Missing valid authorization header", error="unauthorized_client")
        if form.get("grant_type") == "authorization_code":
            asked = self._codes.pop(form.get("code", ""), None)
            if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
                raise Fault(400, "Value passed for the authorization code was invalid.", error="invalid_request")
            verifier = form.get("code_verifier", "")
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
            if not 43 <= len(verifier) <= 128 or digest != asked["code_challenge"]:
                raise Fault(400, "Value passed for the code verifier did not match.", error="invalid_request")
        elif form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") not in self.refresh:
                raise Fault(400, "Value passed for the token was invalid.", error="invalid_request")
            self.refresh.remove(form["refresh_token"])  # it works once
        else:
            raise Fault(400, "Missing required parameter [grant_type].", error="invalid_request")
        return self._grant()

    def _allow(self, handler: Any) -> None:
        kind, _, rest = handler.headers.get("authorization", "").partition(" ")
        if kind == "Bearer" and self.access.get(rest):
            return
        if kind == "OAuth":
            return self._check_signature(handler)
        raise Fault(401, "Unauthorized", echo=rest)  # an unkind server: it says again what it was told

    def _check_signature(self, handler: Any) -> None:
        request = SignedRequest(f"{self.url}{handler.path}", handler.command, "", dict(handler.headers))
        found = oauth1.collect_parameters(
            urlsplit(handler.path).query, headers={"Authorization": handler.headers["authorization"]},
            exclude_oauth_signature=False,
        )  # fmt: skip
        given = dict(found)
        request.signature = given.get("oauth_signature")
        request.params = [pair for pair in found if pair[0] != "oauth_signature"]
        fine = (
            given.get("oauth_consumer_key") == KEYS["consumer_key"]
            and given.get("oauth_token") == KEYS["access_token"]
            and given.get("oauth_signature_method") == "HMAC-SHA1"
            and given.get("oauth_version") == "1.0"
            and abs(int(given.get("oauth_timestamp", 0)) - self.clock()) < 300
            and given.get("oauth_nonce") not in self._nonces | {None}
            and oauth1.verify_hmac_sha1(request, KEYS["consumer_secret"], KEYS["access_secret"])
        )
        if not fine:
            raise Fault(401, "Unauthorized")
        self._nonces.add(given["oauth_nonce"])

    def _spend(self) -> dict[str, str]:
        if self.budget is None:
            return {}
        if self.budget == 0 and self.clock() < self.reset:
            raise Fault(429, "Too Many Requests")
        self.budget = max(0, self.budget - 1)
        return self._budget_headers()

    def _budget_headers(self) -> dict[str, str]:
        return {
            "x-rate-limit-limit": "100",
            "x-rate-limit-remaining": str(self.budget),
            "x-rate-limit-reset": str(int(self.reset)),
        }

    def _route(self, handler: Any, place: Any, body: bytes) -> tuple[int, Any]:
        question = {name: values[0] for name, values in parse_qs(place.query, strict_parsing=bool(place.query)).items()}
        match handler.command, place.path.removeprefix("/2/").split("/"):
            case "GET", ["users", "me"]:
                return 200, _checked(schemas.GetUsersMeResponse, {"data": self._user})
            case "GET", ["users", "1001", "tweets"]:
                return 200, self._timeline(question)
            case "GET", ["media", "upload"]:
                return 200, self._status(question)
            case "POST", ["media", "upload", "initialize"]:
                return 200, self._initialize(_asked(handler, body, schemas.InitializeMediaUploadRequest))
            case "POST", ["media", "upload", media, "append"]:
                return 200, self._append(media, _asked(handler, body, schemas.AppendMediaUploadRequest))
            case "POST", ["media", "upload", media, "finalize"] if not body:
                return 200, self._finalize(media)
            case "POST", ["media", "metadata"]:
                return 200, self._metadata(_asked(handler, body, schemas.CreateMediaMetadataRequest))
            case "POST", ["tweets"]:
                return 201, self._post(_asked(handler, body, schemas.CreatePostsRequest))
        raise Fault(404, "Not Found")

    _user = {"id": "1001", "name": "The booth", "username": "booth"}

    def _timeline(self, question: dict[str, str]) -> Any:
        if not self.reads:
            raise Fault(403, "this app may not read posts.", "Client Forbidden", reason="client-not-enrolled")
        if question.keys() - {"max_results", "expansions", "pagination_token"}:
            raise _invalid(f"these are not known: {sorted(question)}")
        if not 5 <= int(question.get("max_results", "10")) <= 100:
            raise _invalid("max_results is between 5 and 100")
        start = int(question.get("pagination_token", "0"))
        end = start + min(self.page, int(question.get("max_results", "10")))
        found = [{name: post[name] for name in ("id", "text")} for post in self.posts[start:end]]
        if "attachments.media_keys" in question.get("expansions", ""):
            for shown, post in zip(found, self.posts[start:end], strict=True):
                shown["attachments"] = {"media_keys": post["media_keys"]}
        meta: dict[str, Any] = {"result_count": len(found)}
        if end < len(self.posts):
            meta["next_token"] = str(end)
        return _checked(schemas.GetUsersPostsResponse, {"data": found, "meta": meta} if found else {"meta": meta})

    def _initialize(self, asked: dict[str, Any]) -> Any:
        clip = asked.get("media_category") == "tweet_video"
        if not clip and asked.get("media_category") != "tweet_image":
            raise _invalid("media_category says what it is")
        if asked.get("media_type") not in (("video/mp4",) if clip else ("image/jpeg", "image/png")):
            raise _invalid("media_type says what it is")
        if not 0 < (asked.get("total_bytes") or 0) <= (512 if clip else 5) * 1024 * 1024:
            raise _invalid("total_bytes")
        media = str(1_880_000_000_000_000_000 + secrets.randbelow(10**15))
        self.media[media] = {"asked": asked, "parts": [], "state": "open", "polls": self.processing, "alt": ""}
        data = {"id": media, "media_key": self._key(media), "expires_after_secs": 86400}
        return _checked(schemas.InitializeMediaUploadResponse, {"data": data})

    def _append(self, media: str, asked: dict[str, Any]) -> Any:
        upload = self._open(media)
        chunk = base64.b64decode(asked["media"], validate=True)
        if not 0 < len(chunk) <= 5 * 1024 * 1024 or asked["segment_index"] != len(upload["parts"]):
            raise _invalid("segment_index counts from 0, chunks are of 5 MB at most")
        upload["parts"].append(chunk)
        return _checked(schemas.AppendMediaUploadResponse, {"data": {"expires_at": int(self.clock()) + 86400}})

    def _finalize(self, media: str) -> Any:
        upload = self._open(media)
        upload["data"] = b"".join(upload["parts"])
        if len(upload["data"]) != upload["asked"]["total_bytes"]:
            raise _invalid("the parts are not as long as total_bytes")
        if _media_type(upload["data"]) != upload["asked"]["media_type"]:
            raise _invalid("it is not of its media_type")
        upload["state"] = "done"
        return _checked(schemas.FinalizeMediaUploadResponse, {"data": self._described(media)})

    def _status(self, question: dict[str, str]) -> Any:
        if question.keys() != {"media_id", "command"} or question["command"] != "STATUS":
            raise _invalid("media_id and command=STATUS")
        upload = self.media.get(question["media_id"])
        if upload is None or upload["state"] != "done":
            raise _invalid("media_id")
        upload["polls"] = max(0, upload["polls"] - 1)
        return _checked(schemas.GetMediaUploadStatusResponse, {"data": self._described(question["media_id"])})

    def _described(self, media: str) -> dict[str, Any]:
        upload = self.media[media]
        about = {"id": media, "media_key": self._key(media), "size": len(upload["data"]), "expires_after_secs": 86400}
        if self.processing:
            end = "failed" if self.fails and self._is_clip(media) else "succeeded"
            state = {"state": "in_progress", "check_after_secs": 1} if upload["polls"] else {"state": end}
            about["processing_info"] = state
        return about

    def _is_clip(self, media: str) -> bool:
        return bool(self.media[media]["asked"]["media_category"] == "tweet_video")

    def _key(self, media: str) -> str:
        return f"{7 if self._is_clip(media) else 3}_{media}"

    def _metadata(self, asked: dict[str, Any]) -> Any:
        text = asked["metadata"]["alt_text"]["text"]
        if asked["id"] not in self.media or not 0 < len(text) <= 1000 or self._is_clip(asked["id"]):
            raise _invalid("id, and alt_text of 1000 characters at most, of a picture")
        self.media[asked["id"]]["alt"] = text
        return _checked(schemas.CreateMediaMetadataResponse, {"data": {"id": asked["id"]}})

    def _post(self, asked: dict[str, Any]) -> Any:
        if self.forbidden:
            raise Fault(403, self.forbidden, "Forbidden")
        ids = (asked.get("media") or {}).get("media_ids") or []
        uploads = [self.media.get(media) for media in ids]
        if not 1 <= len(ids) <= 4 or not all(
            found and found["state"] == "done" and not found["polls"] for found in uploads
        ):
            raise Fault(400, "Your media IDs are invalid.", "Invalid Request")
        if x_length(asked["text"]) > 280:
            raise Fault(403, "Your Post text is too long.", "Forbidden")
        made = {"id": str(1_900_000_000_000_000_000 + len(self.posts)), "text": asked["text"]}
        self.posts.insert(0, {**made, "media_keys": [self._key(media) for media in ids], "media": ids})
        return _checked(schemas.CreatePostsResponse, {"data": made})

    def _open(self, media: str) -> dict[str, Any]:
        upload = self.media.get(media)
        if upload is None or upload["state"] != "open":
            raise _invalid("there is no such upload")
        return upload


def _media_type(data: bytes) -> str:
    """What `data` is, all of which is read."""
    if data[4:8] == b"ftyp":
        with av.open(io.BytesIO(data)) as clip:
            assert [stream.codec_context.name for stream in clip.streams] == ["h264"]
            assert list(clip.decode(video=0))
        return "video/mp4"
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    return f"image/{str(image.format).lower()}"


def _invalid(why: str) -> Fault:
    return Fault(400, f"One or more parameters to your request was invalid: {why}.", "Invalid Request")


def _asked(handler: Any, body: bytes, model: type[BaseModel]) -> dict[str, Any]:
    """The body, if X's own model of it knows every part."""
    if handler.headers.get("content-type") != "application/json" or urlsplit(handler.path).query:
        raise _invalid("it is to be JSON, without a question")
    try:
        asked = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _invalid(str(error)) from None
    if unknown := _unknown(asked):
        raise _invalid(f"these are not known: {unknown}")
    return asked.model_dump(exclude_none=True)


def _checked(model: type[BaseModel], answer: dict[str, Any]) -> dict[str, Any]:
    """`answer`, which X's own model has to know."""
    assert not _unknown(model.model_validate(answer, strict=True))
    return answer


def _unknown(value: Any) -> list[str]:
    """Names in a value that its model does not have."""
    if isinstance(value, list):
        return [name for item in value for name in _unknown(item)]
    if not isinstance(value, BaseModel):
        return []
    parts = [getattr(value, name) for name in type(value).model_fields]
    return [*(value.model_extra or {}), *(name for part in parts for name in _unknown(part))]


def _http_date(moment: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(moment))
