"""Shared by all tests: a tiny real style pack."""

import shutil
import signal
from pathlib import Path

import pytest

from tests.packs_support import make_pack


def pytest_configure():
    # A shell that starts the tests in the background has Ctrl-C ignored, here and in every program started from here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path_factory):
    """The settings and scenes of whoever runs the tests do not count."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no settings"))


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory):
    """The path of a pack `tiny` with the styles `invert` and `warm`, in a folder of its own. Do not change it."""
    return make_pack(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def pack(tiny_pack, tmp_path):
    """The path of a copy of the tiny pack, which the test may spoil."""
    return Path(shutil.copytree(tiny_pack, tmp_path / "tiny"))
