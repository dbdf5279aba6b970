"""Pictures to a program of one's own, by HTTP."""

import hashlib
import hmac
from urllib.parse import urlsplit

from murai.errors import DeliveryError
from murai.publish.credentials import Keeper, Secrets
from murai.publish.http import Answer, Web, multipart, trouble
from murai.publish.login import Questions
from murai.publish.post import Limits, LoggedOut, Notes, Prepared

SIGNATURE = "X-Murai-Signature"
"""sha256= and the HMAC of the body with the secret, in hexadecimal digits."""


class Webhook:
    """Sends each picture as multipart/form-data: the file `picture`, and `key`, `caption`, `alt`, `made` as fields.

    The header Idempotency-Key has the key: who gets one twice has the picture already. Any answer 2xx is a success; a
    header Location, or a field "url" of a JSON answer, is the address of the post.
    """

    name = "webhook"
    limits = Limits()

    def __init__(self, accounts: Keeper) -> None:
        self._accounts, self._web = accounts, Web(self.name)

    @staticmethod
    def login(ask: Questions) -> dict[str, str]:
        """Ask for the address, and the secret that signs what is sent."""
        address = ask.line("The address that takes the pictures")
        if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
            raise DeliveryError("that is no address; write it whole, such as https://example.org/pictures.")
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
        raise trouble(self.name, answer.status_code, answer.headers, answer.text, values)

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
