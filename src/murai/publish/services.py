"""Every service, by its name."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from murai.errors import DeliveryError, MissingExtra
from murai.publish.credentials import Keeper
from murai.publish.post import Service

SERVICES = {"bluesky": "Bluesky", "mastodon": "Mastodon", "x": "X", "folder": "Folder", "webhook": "Webhook"}
"""The class of each, in the module of its name; it is made of what keeps its accounts, and has a `login`."""


def open_service(name: str, accounts: Keeper) -> Service:
    """The service `name`, for the account that `accounts` keeps. Raises DeliveryError, MissingExtra.

    Whether somebody is logged in shows when something is sent: the service is paused then, and nothing is lost.
    """
    service: Service = service_class(name)(accounts)
    return service


def open_services(names: Iterable[str], accounts: Keeper) -> list[Service]:
    """The services of these names. Raises DeliveryError, MissingExtra."""
    return [open_service(name, accounts) for name in names]


def check_service(name: str) -> None:
    """Raises DeliveryError where there is no service `name`."""
    if name not in SERVICES:
        raise DeliveryError(f"there is no service '{name}'; there are: {', '.join(SERVICES)}.")


def service_class(name: str) -> Any:
    """The class of the service `name`. Raises DeliveryError, MissingExtra."""
    check_service(name)
    try:
        return getattr(import_module(f"murai.publish.{name}"), SERVICES[name])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "murai":
            raise
        raise MissingExtra(f"Publishing to {SERVICES[name]}", "booth") from error
