"""A process that publishes and is killed at one of its steps. It runs nothing but what the booth runs.

A step is the moment before or after a request, a transaction or a file that gets its name. `Steps` counts them where
they pass: in the libraries, so that no service knows of it.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import requests

from murai.database import Database
from murai.publish import Outbox, Post
from murai.publish.bluesky import Bluesky
from murai.publish.credentials import Held
from murai.publish.folder import Folder
from murai.publish.mastodon import Mastodon
from murai.publish.webhook import Webhook
from murai.publish.x import X
from murai.sinks.whole import WholeFile

from .kit import eventually, publishing, row_of

SERVICES: dict[str, Callable[..., Any]] = {
    "bluesky": Bluesky, "mastodon": Mastodon, "x": X, "folder": Folder, "webhook": Webhook,
}  # fmt: skip
ENDS = ("sent", "unsure", "failed")


def make(name: str, values: dict[str, str], api: str = "") -> Any:
    """A service, and nothing that was known before."""
    return SERVICES[name](Held(**values), *([api, (0.0,)] if api else []))


class Steps:
    """Kills this process at step number `last`."""

    def __init__(self, last: int) -> None:
        self._left = last

    def pass_one(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def around(self, owner: type, name: str) -> None:
        """Count the moments before and after a method."""
        whole = getattr(owner, name)

        def stepped(*arguments: Any, **options: Any) -> Any:
            self.pass_one()
            result = whole(*arguments, **options)
            self.pass_one()
            return result

        setattr(owner, name, stepped)

    def around_transactions(self) -> None:
        whole = Database.writing

        @contextmanager
        def stepped(database: Database) -> Iterator[Any]:
            self.pass_one()
            with whole(database) as rows:
                yield rows
            self.pass_one()

        Database.writing = stepped  # type: ignore[method-assign]


def run(folder: Path, post: Post, name: str, values: dict[str, str], api: str, last: int) -> None:
    """Publish `post`, killed at step `last`; ends by itself where there are not so many."""
    steps = Steps(last)
    steps.around(httpx.Client, "send")
    steps.around(requests.Session, "send")
    steps.around(WholeFile, "commit")
    steps.around_transactions()
    outbox = Outbox(folder / "outbox.sqlite")
    service = make(name, values, api)
    outbox.add(post, [name], approved=True)
    with publishing(outbox, service):
        eventually(lambda: row_of(outbox, post).state in ENDS)
