"""Pictures and clips to a program of one's own, by HTTP."""

import hashlib
import hmac
from urllib.parse import urlsplit

from murai.publish.credentials import Keeper, Secrets
from murai.publish.http import Answer, Web, multipart, trouble
from murai.publish.login import Questions, web_address
from murai.publish.post import Limits, LoggedOut, Notes, Prepared

SIGNATURE = "X-Murai-Signature"
"""sha256= and the HMAC of the body with the secret, in hexadecimal digits."""

CLOSED = (401, 402, 403, 404, 405, 410)
"""Answers that concern the address, not the picture."""


class Webhook:
    """Sends each picture as multipart/form-data: the file `picture`, and `key`, `caption`, `alt`, `made` as fields.

    The file is a JPEG or a PNG, or a clip as MP4; of a clip that is refused, say by 415, the picture is sent next, with
    the same key. The header Idempotency-Key has the key: who has taken one with it has the picture already. Any answer
    2xx is a success; a header Location, or a field "url" of a JSON answer, is the address of the post.
    """

    name = "webhook"
    limits = Limits(clip=None)

    def __init__(self, accounts: Keeper) -> None:
        self._accounts, self._web = accounts, Web(self.name)

    @staticmethod
    def login(ask: Questions) -> dict[str, str]:
        """Ask for the address, and the secret that signs what is sent."""
        address = ask.line("The address that takes the pictures")
        web_address(address)
        return {"address": address, "secret": ask.secret("The secret that signs them, empty for none", empty=True)}

    def account(self) -> str:
        """The server, which has to answer something."""
        values = self._values()
        self._web.ask("OPTIONS", values["address"], values)
        return urlsplit(values["address"]).hostname or ""

    def send(self, post: Prepared, notes: Notes) -> str:
        """Send it."""
        values = self._values()
        fields = {"key": post.key, "caption": post.caption, "alt": post.alt, "made": repr(post.made)}
        body, kind = multipart(fields, post)
        headers = {"Idempotency-Key": post.key, "Content-Type": kind}
        if secret := values.get("secret", ""):
            headers[SIGNATURE] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        answer = self._web.ask("POST", values["address"], values, content=body, headers=headers)
        if answer.is_success:
            return answer.headers.get("location", "") or _url(answer)
        status = answer.status_code
        if status in CLOSED:
            raise LoggedOut(f"webhook answers {status}; see to its address, then `murai publish resume webhook`.")
        # What it says is not repeated: part of its address, which may be a secret, may be in it.
        raise trouble(self.name, status, answer.headers, "", values)

    def _values(self) -> Secrets:
        values = self._accounts.read(self.name)
        if "address" not in values:
            raise LoggedOut("no address is set; `murai publish login webhook` asks for it.")
        return values


def _url(answer: Answer) -> str:
    try:
        said = answer.json()
    except ValueError:  # it may answer what it likes
        return ""
    return str(said.get("url") or "") if isinstance(said, dict) else ""
