"""Pictures and clips to X, by its API v2."""

import base64
import hashlib
import hmac
import re
import secrets as chance
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from murai.errors import DeliveryError, MuraiError
from murai.publish.credentials import Keeper, Secrets
from murai.publish.fitting import x_length
from murai.publish.http import Answer, Web, moment, trouble
from murai.publish.login import Questions, web_address
from murai.publish.post import (
    CLIP,
    POSTING,
    Denied,
    Limits,
    LoggedOut,
    Notes,
    NotReached,
    NotReady,
    Prepared,
    Refused,
    TryLater,
    Unsure,
)

API = "https://api.x.com"
CONSENT = "https://x.com/i/oauth2/authorize"
SCOPES = "tweet.read tweet.write users.read media.write offline.access"
PORT = 8459
"""At this machine; http://127.0.0.1:8459/ has to be an address that the app at X sends people back to."""
CHUNK = 1_000_000
"""Bytes of a picture in one request."""
KEPT = 3600.0
"""Seconds for which X surely keeps a picture that is in no post."""
LOOK_BACK = 3
"""Hundreds of the account's newest posts among which one is looked for that may have been made."""
LOOKS = (0.0, 30.0, 120.0)
"""Seconds after an attempt of which nobody knows, at which its post is looked for: X may show it late."""
OUT_OF_TIME = 60.0
"""Seconds by which a clock may be wrong for a signature."""
FOUR_KEYS = ("consumer_key", "consumer_secret", "access_token", "access_secret")
ACCOUNT = re.compile(r'client-forbidden|oauth1-permissions|\b(?:locked|suspended)\b|"code": ?453\b', re.IGNORECASE)
"""What X says where the app or the account may not post, whatever the post."""


class X:
    """Posts as the account that gave its consent (OAuth 2.0), or whose four keys are known (OAuth 1.0a).

    X has no way to say that two requests are the same. So the picture is uploaded first and its id kept, then that the
    post is being made. Where it may have been made, the account's newest posts are read, several times; if it is not
    among them, Unsure is raised and a person has to look. Until then no other post is begun, so that an hour in which X
    does not work leaves few in doubt. `api`: where the interface is. `looks`: as LOOKS.
    """

    name = "x"
    limits = Limits(bytes=5_000_000, side=4096, characters=280, alt=1000, count=x_length, clip=50_000_000)

    def __init__(self, accounts: Keeper, api: str = API, looks: Sequence[float] = LOOKS) -> None:
        self._accounts, self._api, self._web, self._looks = accounts, api, Web(self.name), looks
        self._ahead = self._in_doubt = 0.0
        """When others are sent again at the latest, by the clock that nobody sets."""
        self._unsaved: tuple[str, dict[str, str]] | None = None
        """The token that was spent, and what came for it and could not be kept yet."""

    @staticmethod
    def login(ask: Questions, api: str = API) -> dict[str, str]:
        """Ask for the keys of an app, then for the consent of an account."""
        client = ask.choice("The app's OAuth 2.0 client id, empty for the four keys of OAuth 1.0a")
        if not client:
            return {key: ask.secret(f"The {key.replace('_', ' ')}") for key in FOUR_KEYS}
        secret = ask.secret("The app's client secret, empty if it has none", empty=True)
        verifier, state = chance.token_urlsafe(48), chance.token_urlsafe(16)
        back = f"http://127.0.0.1:{PORT}/"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        question = {
            "response_type": "code", "client_id": client, "redirect_uri": back, "scope": SCOPES, "state": state,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        ask.say(f"Agree at {CONSENT}?{urlencode(question, quote_via=quote)}")
        ask.say("On another machine, type in the address where the browser ends.")
        arrived = parse_qs(_question(ask.arrival(PORT)))
        if arrived.get("state") != [state] or "code" not in arrived:
            raise DeliveryError("X did not let murai in; log in again and agree.")
        values = Secrets({"client": client, "client_secret": secret, "verifier": verifier, "code": arrived["code"][0]})
        form = {"code": values["code"], "redirect_uri": back, "code_verifier": verifier}
        return _tokens(Web("x"), api, values, {"grant_type": "authorization_code", **form})

    def account(self) -> str:
        """The name."""
        return f"@{self._me()['username']}"

    def send(self, post: Prepared, notes: Notes) -> str:
        """Find the post, or make it. Raises Unsure where that cannot be told."""
        if notes[POSTING]:
            return self._looked_for(notes)
        if time.monotonic() < self._in_doubt:
            raise TryLater("X did not say whether it took another picture, which is looked for first.")
        if not notes["media"]:
            self._upload(post, notes)
        try:
            return self._made(post, notes)
        except (NotReached, LoggedOut):
            notes.keep(posting="")  # surely not made
            raise
        except TryLater:
            self._doubt(notes)
            raise
        except Refused as error:
            age = time.time() - float(notes["uploaded"] or 0)
            notes.keep(posting="", media="", media_key="", processing="")  # the next attempt uploads it again
            if not 0.0 <= age < KEPT:
                raise TryLater(str(error)) from None  # X has thrown the picture away meanwhile
            raise

    def _made(self, post: Prepared, notes: Notes) -> str:
        """Make the post of the picture that X has, once X is ready with it."""
        if notes["processing"]:
            question = {"media_id": notes["media"], "command": "STATUS"}
            _wait_for_processing(self._ask("GET", "/2/media/upload", question), notes)
        if post.alt and post.type != CLIP:  # X has none for videos
            about = {"id": notes["media"], "metadata": {"alt_text": {"text": post.alt}}}
            self._ask("POST", "/2/media/metadata", json=about)
        notes.keep(posting="yes", since=repr(time.time()), looks="")
        made = self._ask("POST", "/2/tweets", json={"text": post.caption, "media": {"media_ids": [notes["media"]]}})
        return _address(made["data"]["id"])

    def _upload(self, post: Prepared, notes: Notes) -> None:
        category = "tweet_video" if post.type == CLIP else "tweet_image"
        asked = {"media_type": post.type, "media_category": category, "total_bytes": len(post.data)}
        media = self._ask("POST", "/2/media/upload/initialize", json=asked)["data"]
        where = f"/2/media/upload/{quote(media['id'], safe='')}"
        for index, start in enumerate(range(0, len(post.data), CHUNK)):
            chunk = base64.b64encode(post.data[start : start + CHUNK]).decode()
            self._ask("POST", f"{where}/append", json={"media": chunk, "segment_index": index})
        done = self._ask("POST", f"{where}/finalize")["data"]
        processing = "yes" if done.get("processing_info") else ""
        key, now = media.get("media_key") or "", repr(time.time())
        notes.keep(media=media["id"], media_key=key, processing=processing, uploaded=now)

    def _doubt(self, notes: Notes) -> None:
        """Begin no other post for a while, where nobody knows whether this one was made."""
        if notes[POSTING]:
            self._in_doubt = time.monotonic() + self._looks[-1]

    def _looked_for(self, notes: Notes) -> str:
        """The address of the post that may have been made. Raises TryLater until it was looked for often enough."""
        if not notes["media"]:
            raise Unsure("it may have been posted before the outbox lost its memory.")
        self._doubt(notes)
        looks = min(int(notes["looks"] or 0), len(self._looks) - 1)
        if 0.0 <= time.time() - float(notes["since"] or 0) < self._looks[looks]:
            raise TryLater("X did not say whether it took the picture, which is looked for.")
        try:
            url = self._found(notes)
            if not url and looks + 1 < len(self._looks):
                notes.keep(looks=str(looks + 1))
                raise TryLater("X did not say whether it took the picture, which is looked for.")
        except (Refused, Denied) as error:
            self._in_doubt = 0.0
            raise Unsure(f"X did not say whether it took the post, nor lets its posts be read: {error}") from None
        self._in_doubt = 0.0
        if not url:
            raise Unsure("X did not say whether it took the post, and it is not among the newest of the account.")
        return url

    def _found(self, notes: Notes) -> str:
        """The address of the post with this picture, if it is among the newest; else empty."""
        question = {"max_results": "100", "expansions": "attachments.media_keys"}
        place = f"/2/users/{self._me()['id']}/tweets"
        for _ in range(LOOK_BACK):
            page = self._ask("GET", place, question)
            for made in page.get("data") or []:
                keys = (made.get("attachments") or {}).get("media_keys") or []
                if any(key == notes["media_key"] or key.endswith(f"_{notes['media']}") for key in keys):
                    return _address(made["id"])
            if not (following := (page.get("meta") or {}).get("next_token")):
                break
            question["pagination_token"] = following
        return ""

    def _me(self) -> dict[str, str]:
        me = self._ask("GET", "/2/users/me").get("data")
        if not isinstance(me, dict) or not {"id", "username"} <= me.keys():
            raise _not_x()
        return me

    def _ask(self, method: str, path: str, question: Mapping[str, str] | None = None, json: Any = None) -> Any:
        """What X answers. Asked a second time with a new token, or by X's clock, where that may be what is wrong."""
        values = self._values()
        answer = self._answer(values, method, path, question or {}, json)
        if answer.status_code == 401 and (values.get("refresh_token") or self._set_clock(answer)):
            values = self._refreshed(values) if values.get("refresh_token") else values
            answer = self._answer(values, method, path, question or {}, json)
        if answer.is_success:
            return _data(answer)
        detail = _detail(answer)
        error = trouble(self.name, answer.status_code, answer.headers, detail, values)
        posting = (method, path) == ("POST", "/2/tweets")
        if isinstance(error, Denied) and answer.status_code == 403 and posting and not ACCOUNT.search(answer.text):
            raise Refused(f"x refuses it ({values.hide(detail)}).")
        raise error

    def _answer(self, values: Secrets, method: str, path: str, question: Mapping[str, str], json: Any) -> Answer:
        url = f"{self._api}{path}"
        if "consumer_key" in values:
            sign = signature(method, url, question, values, now=int(time.time() + self._ahead))
        else:
            sign = f"Bearer {values['access_token']}"
        return self._web.ask(method, url, values, params=question or None, json=json, headers={"Authorization": sign})

    def _set_clock(self, answer: Answer) -> bool:
        """Sign by the clock of X from now on, where that of this machine is wrong; returns whether it was."""
        now = moment(answer.headers.get("date", ""))
        ahead = 0.0 if now is None else now - time.time()
        wrong = abs(ahead - self._ahead) > OUT_OF_TIME
        self._ahead = ahead if wrong else self._ahead
        return wrong

    def _refreshed(self, values: Secrets) -> Secrets:
        """New tokens, which are kept before they are used: the old ones are worth nothing now.

        Somebody else may have fetched new ones, or logged in, before or meanwhile: those are used then.
        """
        if dict(latest := self._values()) != dict(values):
            return latest
        try:
            form = {"grant_type": "refresh_token", "refresh_token": values["refresh_token"]}
            tokens = _tokens(self._web, self._api, values, form)
        except Refused as error:
            if dict(latest := self._values()) != dict(values):
                return latest
            raise LoggedOut(f"{error} `murai publish login x` logs in again.") from None
        self._unsaved = self._unsaved[0] if self._unsaved else values["access_token"], tokens
        return self._values()

    def _values(self) -> Secrets:
        values = self._accounts.read(self.name)
        if self._unsaved is not None:
            spent, tokens = self._unsaved
            if values.get("access_token") != spent:  # it was kept, or somebody logged in
                self._unsaved = None
            else:
                with suppress(MuraiError):  # a disk that is full now; the tokens are known here all the same
                    self._accounts.write(self.name, tokens)
                return Secrets(tokens)
        if "access_token" not in values:
            raise LoggedOut("nobody is logged in; `murai publish login x` does it.")
        return values


def _tokens(web: Web, api: str, values: Secrets, form: dict[str, str]) -> dict[str, str]:
    """What to keep of an account, from what X gives for `form`."""
    secret = values.get("client_secret", "")
    login = {"auth": (values["client"], secret)} if secret else {}
    data = form if secret else {**form, "client_id": values["client"]}
    answer = web.ask("POST", f"{api}/2/oauth2/token", values, data=data, **login)
    if not answer.is_success:
        raise trouble("x", answer.status_code, answer.headers, _detail(answer), values)
    given = _data(answer)
    return {
        "client": values["client"], "client_secret": secret, "access_token": given["access_token"],
        "refresh_token": given.get("refresh_token") or values.get("refresh_token", ""),
    }  # fmt: skip


def _wait_for_processing(answer: Any, notes: Notes) -> None:
    """Raises TryLater where the picture is not ready, Refused where it never will be."""
    processing = answer["data"].get("processing_info") or {"state": "succeeded"}
    if processing["state"] == "failed":
        raise Refused("X cannot make anything of the picture.")
    if processing["state"] != "succeeded":
        raise NotReady("X", float(processing.get("check_after_secs") or 1.0))
    notes.keep(processing="")


def signature(
    method: str, url: str, question: Mapping[str, str], keys: Mapping[str, str], *, nonce: str = "", now: int = 0
) -> str:
    """The header Authorization of OAuth 1.0a, of a request whose body is no form; `keys` has the FOUR_KEYS."""
    signed = {
        "oauth_consumer_key": keys["consumer_key"],
        "oauth_nonce": nonce or chance.token_hex(16),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(now or int(time.time())),
        "oauth_token": keys["access_token"],
        "oauth_version": "1.0",
    }
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in {**signed, **question}.items())
    base = "&".join(map(_escaped, (method, url, "&".join(f"{name}={value}" for name, value in pairs))))
    key = f"{_escaped(keys['consumer_secret'])}&{_escaped(keys['access_secret'])}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
    signed["oauth_signature"] = base64.b64encode(digest).decode()
    return "OAuth " + ", ".join(f'{name}="{_escaped(value)}"' for name, value in sorted(signed.items()))


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")


def _question(address: str) -> str:
    """What an address asks; it may begin at its path."""
    return web_address(address if "://" in address else f"http://127.0.0.1{address}").query


def _not_x() -> TryLater:
    return TryLater("what answers is not X; look whether the network wants a login of its own.")


def _address(post: str) -> str:
    return f"https://x.com/i/status/{post}"


def _data(answer: Answer) -> Any:
    """The object that X answers. Raises TryLater where it is none."""
    try:
        data = answer.json() if answer.content else {}
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise _not_x()
    return data


def _detail(answer: Answer) -> str:
    """What X says about a failure."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text
    if not isinstance(said, dict):
        return answer.text
    errors = [error.get("detail") or error.get("message") for error in said.get("errors") or [] if error]
    return str(said.get("detail") or said.get("error_description") or said.get("error") or next(iter(errors), ""))
