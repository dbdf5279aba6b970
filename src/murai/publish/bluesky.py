"""Pictures and clips to Bluesky, or any server that speaks its protocol. The only file that imports atproto."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from atproto import Client, Request, client_utils, exceptions, models

from murai.errors import DeliveryError
from murai.publish.credentials import Keeper, Secrets
from murai.publish.fitting import bluesky_length, cut
from murai.publish.http import TIMEOUT, TroubleOnTheWay, trouble, unanswered
from murai.publish.login import Questions, server_address
from murai.publish.post import CLIP, Limits, LoggedOut, Notes, Prepared, Refused, TryLater

SERVER = "https://bsky.social"
COLLECTION = "app.bsky.feed.post"
CLIP_ALT = 1000
"""Characters that say what is seen in a clip."""
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
"""Digits to base 32, in the order of the alphabet."""
SESSION_ENDED = {"ExpiredToken", "InvalidToken", "AuthMissing"}


class Bluesky:
    """Posts as the account of an app password.

    The key of the record is made from the key of the picture. So a post is looked up before it is made, and a second
    time could only put the same record in the same place.
    """

    name = "bluesky"
    limits = Limits(bytes=999_999, side=2000, characters=300, alt=2000, count=bluesky_length, clip=50_000_000)

    def __init__(self, accounts: Keeper) -> None:
        self._accounts = accounts
        self._client: Client | None = None
        self._logged_in: dict[str, str] = {}

    @staticmethod
    def login(ask: Questions) -> dict[str, str]:
        """Ask for the account."""
        server = server_address(ask.line("The server", SERVER))
        ask.say("An app password is made in Bluesky's settings, under Privacy and security.")
        return {
            "server": server,
            "handle": ask.line("The handle, such as booth.bsky.social").removeprefix("@"),
            "password": ask.secret("The app password"),
        }

    def account(self) -> str:
        """The handle."""
        return str(self._ask(lambda client: client.com.atproto.server.get_session()).handle)

    def send(self, post: Prepared, notes: Notes) -> str:
        """Put the record where it belongs, unless it is there."""
        key = record_key(post.key, post.made)
        if not self._ask(lambda client: _is_there(client, key)):
            self._ask(lambda client: _put(client, key, post))
        assert self._client is not None
        return f"https://bsky.app/profile/{_me(self._client)}/post/{key}"

    def _ask(self, question: Any) -> Any:
        """What the server answers. A session that ended is begun again, once."""
        values = self._values()
        try:
            try:
                return question(self._session(values))
            except exceptions.RequestErrorBase as error:
                if _name(error) not in SESSION_ENDED:
                    raise
                self._client = None
                return question(self._session(values))
        except exceptions.RequestErrorBase as error:
            raise self._trouble(error, values) from None
        except TroubleOnTheWay as error:
            raise unanswered(self.name, error, values) from None
        except (exceptions.AtProtocolError, ValueError, TypeError) as error:  # no answer of such a server
            raise TryLater(f"{values['server']} does not answer as Bluesky does ({type(error).__name__}).") from None

    def _session(self, values: Secrets) -> Client:
        if self._client is None or self._logged_in != dict(values):
            client = Client(values["server"], request=Request(timeout=TIMEOUT))
            client.login(values["handle"], values["password"], fetch_bsky_profile=False)
            self._client, self._logged_in = client, dict(values)
        return self._client

    def _trouble(self, error: exceptions.RequestErrorBase, values: Secrets) -> DeliveryError:
        cause = error.__cause__
        if error.response is None:
            return unanswered(self.name, cause if isinstance(cause, Exception) else error, values)
        status, headers = error.response.status_code, error.response.headers
        detail = str(error).partition(" ")[2]
        if _name(error) in SESSION_ENDED | {"AccountTakedown", "AuthenticationRequired"}:
            status = 401
        elif status == 403 and _name(error):
            return Refused(f"{self.name} refuses it ({values.hide(detail)}).")
        return trouble(self.name, status, headers, detail, values)

    def _values(self) -> Secrets:
        values = self._accounts.read(self.name)
        if not {"server", "handle", "password"} <= set(values):
            raise LoggedOut("nobody is logged in; `murai publish login bluesky` does it.")
        return values


def record_key(key: str, made: float) -> str:
    """The key of the record of a picture, in the form that posts need: 53 bits of microseconds, then 10 bits.

    The milliseconds are those of `made`; what is finer, and the last bits, come from `key`.
    """
    noise = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    moment = (int(min(max(made, 0.0), 9e9) * 1000) * 1000 + noise % 1000) & (1 << 53) - 1
    number = moment << 10 | noise >> 32 & 1023
    return "".join(LETTERS[number >> shift & 31] for shift in range(60, -1, -5))


def _name(error: exceptions.RequestErrorBase) -> str:
    """What the server calls its trouble."""
    return getattr(error.response.content, "error", None) or "" if error.response else ""


def _me(client: Client) -> str:
    assert client._session is not None
    return str(client._session.did)


def _is_there(client: Client, key: str) -> bool:
    try:
        client.com.atproto.repo.get_record({"repo": _me(client), "collection": COLLECTION, "rkey": key})
    except exceptions.BadRequestError as error:
        if _name(error) == "RecordNotFound":
            return False
        raise
    return True


def _embedded(blob: Any, post: Prepared) -> Any:
    """The picture or clip of a post, as a record holds it."""
    ratio = models.AppBskyEmbedDefs.AspectRatio(width=post.width, height=post.height)
    if post.type == CLIP:
        return models.AppBskyEmbedVideo.Main(video=blob, alt=cut(post.alt, CLIP_ALT), aspect_ratio=ratio)
    image = models.AppBskyEmbedImages.Image(image=blob, alt=post.alt, aspect_ratio=ratio)
    return models.AppBskyEmbedImages.Main(images=[image])


def _put(client: Client, key: str, post: Prepared) -> None:
    record = models.AppBskyFeedPost.Record(
        text=post.caption,
        facets=client_utils.detect_facets(post.caption),  # links and hashtags that can be followed
        embed=_embedded(client.upload_blob(post.data).blob, post),
        created_at=datetime.fromtimestamp(min(max(post.made, 0.0), 9e9), UTC).isoformat().replace("+00:00", "Z"),
    )
    client.com.atproto.repo.put_record(
        models.ComAtprotoRepoPutRecord.Data(repo=_me(client), collection=COLLECTION, rkey=key, record=record)
    )
