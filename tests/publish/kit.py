"""Servers to publish to, and posts to publish."""

import json
import re
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from murai.publish import DeliveryError, Outbox, Post, Publisher
from tests.sources.kit import make_video

SERVERS = Path(__file__).parents[2] / ".servers"
SOON = 20.0
OOB = "urn:ietf:wg:oauth:2.0:oob"


def installed(name: str) -> Path:
    """What `make test` set up."""
    if not (path := SERVERS / name).exists():
        pytest.skip(f"there is no {path}: `make test` sets it up")
    return path


def picture(folder: Path, size: tuple[int, int] = (320, 180), kind: str = "png", **options: Any) -> Path:
    """A picture that nobody has seen before."""
    path = folder / f"{secrets.token_hex(8)}.{kind}"
    image = np.random.default_rng().integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(image).save(path, **options)
    return path


def new_post(folder: Path, caption: str = "Painted at the fair", alt: str = "A painted face", **options: Any) -> Post:
    return Post(secrets.token_hex(16), picture(folder, **options), caption, alt, time.time())


def moving_post(folder: Path, caption: str = "Painted at the fair", alt: str = "A painted face") -> Post:
    """A picture that also moves, in a clip of its own."""
    clip = make_video(folder / f"{secrets.token_hex(8)}.mp4", list(range(30)), size=(320, 180))
    return replace(new_post(folder, caption, alt), clip=clip)


def eventually(true: Callable[[], Any], what: str = "it never came true") -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def patiently(ask: Callable[[], Any]) -> Any:
    """What `ask` returns, asked again where no answer came."""
    for _ in range(10):
        try:
            return ask()
        except DeliveryError as error:
            if "cannot be reached (ConnectionError)" not in str(error) and "does not let murai in" not in str(error):
                raise
    raise AssertionError("there is never an answer")


@contextmanager
def publishing(outbox: Outbox, *services: Any, say: Callable[[str], None] | None = None) -> Iterator[Publisher]:
    publisher = Publisher(outbox, services, say or (lambda _: None), first=0.02)
    try:
        yield publisher
    finally:
        publisher.close()


def publish(outbox: Outbox, service: Any, post: Post, until: tuple[str, ...] = ("sent",), **options: Any) -> Any:
    """The row of `post`, once it is in one of these states."""
    outbox.add(post, [service.name], approved=True)
    with publishing(outbox, service, **options):
        eventually(lambda: row_of(outbox, post).state in until, f"{row_of(outbox, post)}")
    return row_of(outbox, post)


def row_of(outbox: Outbox, post: Post) -> Any:
    [row] = [row for row in outbox.rows() if row.key == post.key]
    return row


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Memory(dict[str, str]):
    """Notes that are forgotten."""

    def __missing__(self, name: str) -> str:
        return ""

    def keep(self, **notes: str) -> None:
        self.update(notes)


class BlueskyServer:
    """A real Personal Data Server with one account."""

    def __init__(self, folder: Path) -> None:
        installed("node_modules")
        port = free_port()
        self.url = f"http://localhost:{port}"
        command = ["node", "bluesky.cjs", str(folder), str(port)]
        self._process = subprocess.Popen(command, cwd=SERVERS, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.handle = "booth.test"
        self._login = {"handle": self.handle, "email": "booth@example.org", "password": "the main one"}
        made = self.ask("server.createAccount", self._login)
        self.did, self._token = made["did"], made["accessJwt"]
        self.password = self.app_password("booth")

    def app_password(self, name: str) -> str:
        return str(self.ask("server.createAppPassword", {"name": name})["password"])

    def revoke(self, name: str) -> None:
        self.ask("server.revokeAppPassword", {"name": name})

    def revoke_all(self) -> None:
        for kept in self.ask("server.listAppPasswords")["passwords"]:
            self.revoke(kept["name"])

    @property
    def login(self) -> dict[str, str]:
        return {"server": self.url, "handle": self.handle, "password": self.password}

    @property
    def posts(self) -> list[dict[str, Any]]:
        """All of them, newest first."""
        question = f"repo.listRecords?repo={self.did}&collection=app.bsky.feed.post&limit=100"
        return list(self.ask(question)["records"])

    def blob(self, cid: str) -> bytes:
        return httpx.get(f"{self.url}/xrpc/com.atproto.sync.getBlob", params={"did": self.did, "cid": cid}).content

    def ask(self, what: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if hasattr(self, "_token") else {}
        url = f"{self.url}/xrpc/com.atproto.{what}"
        answer = httpx.request("GET" if body is None else "POST", url, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class MastodonServer:
    """A real snac2, which speaks Mastodon's protocol, with one account.

    It knows no Idempotency-Key, and now and then it drops a request without an answer: see `patiently`.
    """

    def __init__(self, folder: Path) -> None:
        self._snac, self._folder, port = installed("snac"), folder / "snac", free_port()
        self.url, self.user = f"http://localhost:{port}", "booth"
        answers = f"127.0.0.1\n{port}\nlocalhost:{port}\n\n\n"
        subprocess.run([self._snac, "init", self._folder], input=answers, text=True, check=True, capture_output=True)
        settings = self._folder / "server.json"
        # More threads, for it also sends to itself what is posted, and would wait for itself.
        plain = {"protocol": "http", "num_threads": 16, "disable_inbox_collection": True}
        settings.write_text(json.dumps(json.loads(settings.read_text()) | plain))
        command = [self._snac, "adduser", self._folder, self.user]
        told = subprocess.run(command, input="\n\n\n", text=True, check=True, capture_output=True).stdout
        self.password = re.findall(r"password is (\S+)", told)[0]
        self._process = subprocess.Popen([self._snac, "httpd", self._folder], stderr=subprocess.DEVNULL)
        eventually(lambda: _answers(self.url))
        self._token = ""

    def consent(self, address: str) -> str:
        """The code that is shown to who agrees at `address`."""
        page = _steady("GET", address).text
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        answer = _steady(
            "POST", f"{self.url}/oauth/x-snac-login", data={**fields, "login": self.user, "passwd": self.password}
        )
        return answer.text.partition("&")[0].strip()

    def token(self) -> str:
        """A new one for the account."""
        app = _steady("POST", f"{self.url}/api/v1/apps", data={"client_name": "test", "redirect_uris": OOB}).json()
        question = {"client_id": app["client_id"], "redirect_uri": OOB, "response_type": "code", "scope": "read write"}
        code = self.consent(str(httpx.URL(f"{self.url}/oauth/authorize", params=question)))
        form = {**app, "grant_type": "authorization_code", "code": code, "redirect_uri": OOB}
        self.app = {name: str(value) for name, value in app.items()}
        return str(_steady("POST", f"{self.url}/oauth/token", data=form).json()["access_token"])

    def revoke(self, token: str) -> None:
        form = {"client_id": self.app["client_id"], "client_secret": self.app["client_secret"], "token": token}
        assert _steady("POST", f"{self.url}/oauth/revoke", data=form).is_success

    @property
    def login(self) -> dict[str, str]:
        self._token = self._token or self.token()
        return {"server": self.url, "token": self._token}

    @property
    def posts(self) -> list[dict[str, Any]]:
        """All of them, newest first."""
        headers = {"Authorization": f"Bearer {self.login['token']}"}
        me = _steady("GET", f"{self.url}/api/v1/accounts/verify_credentials", headers=headers).json()["id"]
        return list(_steady("GET", f"{self.url}/api/v1/accounts/{me}/statuses", headers=headers).json())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Between:
    """Stands between a service and its server: passes on what comes, unless it is told to fail."""

    def __init__(self, target: str = "") -> None:
        self._target, self._faults = target, list[tuple[str, Any]]()
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                between.requests.append((self.command, self.path, dict(self.headers), body))
                with suppress(OSError):
                    between._handle(self, body)

            do_GET = do_POST = do_OPTIONS = do_PUT = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b"", *, path: str = "", times: int = 1
    ) -> None:
        """Answer so, the next `times` that something is asked whose path has `path`."""
        self._faults += [(path, (status, headers or {}, body))] * times

    def cut(self, path: str = "", *, passed: bool, times: int = 1) -> None:
        """Break the connection, once the request was `passed` on and answered, or before."""
        self._faults += [(path, passed)] * times

    def _handle(self, handler: Any, body: bytes) -> None:
        fault = next((found for found in self._faults if found[0] in handler.path), None)
        if fault:
            self._faults.remove(fault)
            if isinstance(fault[1], tuple):
                return self._reply(handler, *fault[1])
        if fault is None or fault[1]:
            headers = {name: value for name, value in handler.headers.items() if name.lower() != "connection"}
            passed = httpx.request(
                handler.command, self._target + handler.path, headers=headers, content=body, timeout=30
            )
            if fault is None:
                kept = ("content-type", "location", "date", "retry-after")
                answered = {name: passed.headers[name] for name in kept if name in passed.headers}
                return self._reply(handler, passed.status_code, answered, passed.content)
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    def _reply(self, handler: Any, status: int, headers: dict[str, str], body: bytes) -> None:
        handler.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    @property
    def unused(self) -> list[str]:
        """Where something was to go wrong that never came."""
        return [path for path, _ in self._faults]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _steady(method: str, url: str, **request: Any) -> httpx.Response:
    """The answer of a server that drops a request now and then."""
    for _ in range(10):
        with suppress(httpx.TransportError):
            return httpx.request(method, url, **request)
    raise AssertionError(f"{url} never answers")


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return bool(httpx.get(url))
    return False
