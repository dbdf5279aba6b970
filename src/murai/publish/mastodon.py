"""Pictures and clips to Mastodon, or any server that speaks its protocol. The only file that imports Mastodon.py."""

import time
from collections.abc import Callable
from typing import Any

import mastodon
from mastodon import Mastodon as Client

from murai.errors import DeliveryError
from murai.publish.credentials import Keeper, Secrets
from murai.publish.fitting import mastodon_length
from murai.publish.http import TIMEOUT, trouble
from murai.publish.login import Questions, server_address
from murai.publish.post import CLIP, POSTING, Limits, LoggedOut, Notes, NotReady, Prepared, Refused, TryLater, Unsure

SCOPES = ["read:accounts", "read:statuses", "write:media", "write:statuses"]
SPOKEN = "4.4.0"
"""The version of the interface that is spoken; a server is not asked for its own."""
CHARACTERS, BYTES, SIDE, ALT, CLIP_BYTES = 500, 16_000_000, 4096, 1500, 40_000_000
"""What a server takes that does not say."""
PAGE, PAGES = 40, 50
"""Posts of the account in one answer, and answers, among which one is looked for that may have been made."""
MARGIN = 86400.0
"""Seconds by which a clock may be wrong when it is looked for."""
LOOK_AGAIN = 5.0
"""Seconds after which the server is asked again that has not finished with a picture."""


class Mastodon:
    """Posts as the account that gave its consent.

    The picture is uploaded first, and its id kept. Where a post may have been made of it, it is looked for among those
    of the account since then. A second time carries the same Idempotency-Key.
    """

    name = "mastodon"

    def __init__(self, accounts: Keeper) -> None:
        self._accounts = accounts
        self._limits: tuple[str, Limits] | None = None

    @staticmethod
    def login(ask: Questions) -> dict[str, str]:
        """Ask for the server, and for the code that it shows to who agrees."""
        server = server_address(ask.line("The server, such as mastodon.social"))
        try:
            identity, secret = Client.create_app("murai", SCOPES, api_base_url=server, request_timeout=TIMEOUT)
            client = Client(identity, secret, api_base_url=server, ratelimit_method="throw", request_timeout=TIMEOUT)
            ask.say(f"Agree at {client.auth_request_url(scopes=SCOPES)}")
            code = ask.secret("The code that is shown then")
            token = client.log_in(code=code, scopes=SCOPES, allow_http=server.startswith("http://"))
        except (mastodon.MastodonError, KeyError, ValueError) as error:
            why = type(error).__name__
            raise DeliveryError(f"{server} does not let murai in ({why}); check the server and the code.") from None
        return {"server": server, "client": identity, "secret": secret, "token": token}

    @property
    def limits(self) -> Limits:
        """What the server takes; it is asked once."""
        server = self._values()["server"]
        if self._limits is None or self._limits[0] != server:
            self._limits = server, self._ask(_limits)
        return self._limits[1]

    def account(self) -> str:
        """The name and its server."""
        values = self._values()
        name = self._ask(lambda client: client.account_verify_credentials()["username"], wants_login=(422,))
        return f"@{name}@{values['server'].partition('://')[2]}"

    def send(self, post: Prepared, notes: Notes) -> str:
        """Find the post, or make it."""
        if notes[POSTING]:
            if not notes["media"]:
                raise Unsure("it may have been posted before the outbox lost its memory.")
            since = float(notes["since"] or 0)
            if url := self._ask(lambda client: _found(client, notes["media"], notes["media_url"], since)):
                return str(url)
        fresh = not notes["media"]
        if fresh:
            media, media_url = self._ask(lambda client: _uploaded(client, post))
            notes.keep(media=media, media_url=media_url)
        try:
            if not notes["media_url"]:
                notes.keep(media_url=self._finished(notes["media"]))
            notes.keep(posting="yes", since=notes["since"] or repr(time.time()))
            return str(self._ask(lambda client: _posted(client, post, notes["media"])))
        except Refused as error:
            gone = not fresh and self._is_gone(notes["media"])
            notes.keep(media="", media_url="", posting="", since="")  # the next attempt uploads it again
            if gone:
                raise TryLater(str(error)) from None
            raise

    def _finished(self, media: str) -> str:
        """The address of a picture. Raises NotReady where it has none yet, Refused where it never will."""
        address = self._ask(lambda client: _address(client, media))
        if address is None:
            raise Refused("the picture is not there any more.")
        if not address:
            raise NotReady(self.name, LOOK_AGAIN)
        return str(address)

    def _is_gone(self, media: str) -> bool:
        """Whether the server has thrown a picture away."""
        try:
            return self._ask(lambda client: _address(client, media)) is None
        except Refused:  # it has it, and can make nothing of it
            return False

    def _ask(self, question: Callable[[Client], Any], wants_login: tuple[int, ...] = ()) -> Any:
        """What the server answers. Raises DeliveryError."""
        values, last = self._values(), {"status": 0, "headers": {}, "text": ""}
        client = Client(
            access_token=values["token"],
            api_base_url=values["server"],
            ratelimit_method="throw",
            request_timeout=TIMEOUT,
            version_check_mode="created",
            mastodon_version=SPOKEN,
        )

        def remember(answer: Any, **_: Any) -> None:
            last.update(status=answer.status_code, headers=answer.headers, text=answer.text)

        client.session.hooks["response"].append(remember)
        try:
            return question(client)
        except (mastodon.MastodonError, KeyError, TypeError, ValueError) as error:
            raise self._trouble(error, last, values, wants_login) from None
        finally:
            client.session.close()

    def _trouble(
        self, error: Exception, last: dict[str, Any], values: Secrets, wants_login: tuple[int, ...]
    ) -> DeliveryError:
        status = last["status"]
        if isinstance(error, mastodon.MastodonNetworkError) or not status:
            why = type(error.__context__ or error).__name__
            return TryLater(f"{values['server']} cannot be reached ({why}).")
        if status < 400:
            return TryLater(f"{values['server']} does not answer as Mastodon does ({type(error).__name__}).")
        detail = str(error.args[-1]) if isinstance(error, mastodon.MastodonAPIError) else ""
        return trouble(self.name, 401 if status in wants_login else status, last["headers"], detail, values)

    def _values(self) -> Secrets:
        values = self._accounts.read(self.name)
        if not {"server", "token"} <= set(values):
            raise LoggedOut("nobody is logged in; `murai publish login mastodon` does it.")
        return values


def _uploaded(client: Client, post: Prepared) -> tuple[str, str]:
    """The id and the address of the picture."""
    media = client.media_post(post.data, post.type, description=post.alt, file_name=post.name)
    return str(media["id"]), str(media.get("url") or "")


def _address(client: Client, media: str) -> str | None:
    """Where a picture is that was uploaded; empty while the server has not finished with it, None where it is gone."""
    try:
        return str(client.media(media)["url"] or "")
    except mastodon.MastodonNotFoundError:
        return None


def _posted(client: Client, post: Prepared, media: str) -> str:
    """The address of the post."""
    return str(client.status_post(post.caption, media_ids=[media], idempotency_key=post.key)["url"])


def _found(client: Client, media: str, media_url: str, since: float) -> str:
    """The address of the account's post with this picture, empty where there is none that was made after `since`."""
    me, last = client.account_verify_credentials(), ""
    for _ in range(PAGES):
        page = client.account_statuses(me, only_media=True, limit=PAGE, **({"max_id": last} if last else {}))
        for status in page:
            for picture in status["media_attachments"]:
                if str(picture["id"]) == media or (media_url and picture["url"] == media_url):
                    return str(status["url"])
        if not page or str(page[-1]["id"]) == last or page[-1]["created_at"].timestamp() < since - MARGIN:
            break
        last = str(page[-1]["id"])
    return ""


def _limits(client: Client) -> Limits:
    about: Any = {}
    for question in (client.instance_v2, client.instance_v1):
        try:
            about = question().get("configuration") or {}
            break
        except mastodon.MastodonNotFoundError:
            continue
    media, texts = about.get("media_attachments") or {}, about.get("statuses") or {}
    clips = CLIP in (media.get("supported_mime_types") or [CLIP])
    pixels = int(media.get("image_matrix_limit") or SIDE**2)
    return Limits(
        bytes=int(media.get("image_size_limit") or BYTES),
        side=min(SIDE, int(pixels**0.5)),
        characters=int(texts.get("max_characters") or CHARACTERS),
        alt=int(media.get("description_limit") or ALT),
        count=mastodon_length,
        clip=int(media.get("video_size_limit") or CLIP_BYTES) if clips else 0,
    )
