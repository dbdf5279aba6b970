"""murai publish: the accounts that the booth publishes with, and what waits to be published."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from murai.cli.common import booth_folder, config_folder, needs
from murai.console import say, show_json
from murai.errors import DeliveryError, MuraiError

if TYPE_CHECKING:
    from murai.publish import Outbox, Row

Folder = Annotated[Path | None, Parameter(name="--folder", help="The booth's; by default the user's.")]
Key = Annotated[str, Parameter(help="Of the picture, as `status` shows it.")]
Service = Annotated[str, Parameter(help="bluesky, mastodon, x, folder or webhook.")]
FILE = "outbox.sqlite"
"""In the folder of a booth."""
TOLD = ("held", "failed", "unsure")
"""States in which a picture waits for the host."""

publish = App(name="publish", help="The accounts that the booth publishes with, and what waits to be published.")


@publish.command
def login(service: Service, *, folder: Folder = None) -> None:
    """Log in to a service, try it, and send to it what waits.

    What it asks is answered on the terminal, or line by line on standard input. Secrets go to the system's keyring, or
    to a file that only its owner reads.
    """
    with needs("Publishing", "booth"):
        from murai.publish import open_service
        from murai.publish.credentials import Credentials, Held
        from murai.publish.login import Questions
        from murai.publish.services import service_class
    tried = Held(**service_class(service).login(Questions(say)))
    account = open_service(service, tried).account()
    credentials = Credentials(config_folder())
    credentials.write(service, tried.read(service))
    say(f"{service}: logged in as {account}; kept in {credentials.place(service)}.")
    if _file(folder).is_file():
        resume(service, folder=folder)


@publish.command
def logout(service: Service) -> None:
    """Forget the account of a service."""
    with needs("Publishing", "booth"):
        from murai.publish.credentials import Credentials
        from murai.publish.services import service_class
    service_class(service)
    Credentials(config_folder()).remove(service)
    say(f"{service}: logged out here; what was allowed to murai is taken back at {service} itself.")


@publish.command
def status(*, folder: Folder = None, json: bool = False) -> None:
    """Show what was published, and what waits and why.

    Parameters
    ----------
    json
        Print JSON.
    """
    with _outbox(folder) as outbox:
        counts, paused, rows = outbox.counts(), outbox.reasons, outbox.rows()
    if json:
        return show_json({"services": counts, "paused": paused, "rows": list(map(_told, rows))})
    for service in sorted({*counts, *paused}):
        states = ", ".join(f"{number} {state}" for state, number in counts.get(service, {}).items()) or "nothing yet"
        print(f"{service}: {states}" + (f"; paused: {paused[service]}" if service in paused else ""))
    if not rows:
        print("nothing was given to be published yet.")
    for row in rows:
        if row.state in TOLD or row.error:
            taken = datetime.fromtimestamp(row.post.made)
            about = f"{row.key} {row.service} {row.state}, taken {taken:%Y-%m-%d %H:%M}, {row.post.caption!r}"
            print(about + (f": {row.error}" if row.error else ""))


@publish.command
def retry(service: str | None = None, *, folder: Folder = None) -> None:
    """Try what failed once more, and what waits now.

    Parameters
    ----------
    service
        One of them; by default all.
    """
    with _outbox(folder, service) as outbox:
        outbox.retry(service)


@publish.command
def pause(service: Service, *, folder: Folder = None) -> None:
    """Send nothing to a service until `resume`."""
    with _outbox(folder, service) as outbox:
        outbox.pause(service)


@publish.command
def resume(service: Service, *, folder: Folder = None) -> None:
    """Send to a service again."""
    with _outbox(folder, service) as outbox:
        outbox.resume(service)


@publish.command
def approve(
    key: Annotated[str | None, Parameter(help="Of the picture, as `status` shows it.")] = None,
    *,
    all: bool = False,
    folder: Folder = None,
) -> None:
    """Let a picture go out that waits for the host.

    Parameters
    ----------
    all
        Every picture that waits now.
    """
    if all is (key is not None):
        raise MuraiError("give the KEY of a picture, or --all.")
    with _outbox(folder) as outbox:
        if key is not None:
            return outbox.approve(key)
        approved = 0
        for each in {row.key for row in outbox.rows("held")}:
            with suppress(DeliveryError):  # its visitor took it back meanwhile
                outbox.approve(each)
                approved += 1
    print(f"pictures approved: {approved}")


@publish.command
def refuse(key: Key, *, folder: Folder = None) -> None:
    """Keep a picture from going out."""
    with _outbox(folder) as outbox:
        outbox.refuse(key)


@publish.command
def settle(key: Key, service: str, answer: Literal["there", "again"], *, folder: Folder = None) -> None:
    """Say what you found where nobody knows whether a picture was published.

    Parameters
    ----------
    service
        Where you looked.
    answer
        there: it is there. again: it is not, and is sent again.
    """
    with _outbox(folder) as outbox:
        outbox.settle(key, service, there=answer == "there")


@contextmanager
def _outbox(folder: Path | None, service: str | None = None) -> "Iterator[Outbox]":
    """The outbox of the booth in `folder`. Raises MuraiError where there is none, or no such service."""
    with needs("Publishing", "booth"):
        from murai.publish import Outbox
        from murai.publish.services import check_service
    if service is not None:
        check_service(service)
    file = _file(folder)
    if not file.is_file():
        raise MuraiError(f"there is no outbox in {file.parent}; give the booth's --folder, or start a booth first.")
    with closing(Outbox(file, say)) as outbox:
        yield outbox


def _file(folder: Path | None) -> Path:
    return (folder or booth_folder()) / FILE


def _told(row: "Row") -> dict[str, object]:
    names = ("key", "service", "state", "attempts", "error", "url")
    return {name: getattr(row, name) for name in names} | {"picture": str(row.post.picture), "made": row.post.made}
