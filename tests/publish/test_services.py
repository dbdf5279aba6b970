"""Services by their names."""

import sys

import pytest

from murai.errors import DeliveryError, MissingExtra
from murai.publish import SERVICES, LoggedOut, open_service, open_services
from murai.publish.credentials import Held


def test_every_service_by_its_name():
    services = open_services(SERVICES, Held())
    assert [service.name for service in services] == list(SERVICES)
    for service in services:
        with pytest.raises(LoggedOut, match=f"publish login {service.name}"):
            service.account()


def test_a_service_that_is_none():
    with pytest.raises(DeliveryError, match="bluesky, mastodon, x, folder, webhook"):
        open_service("myspace", Held())


def test_a_library_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "atproto", None)
    monkeypatch.delitem(sys.modules, "murai.publish.bluesky", raising=False)
    with pytest.raises(MissingExtra, match=r"murai\[booth\]"):
        open_service("bluesky", Held())
