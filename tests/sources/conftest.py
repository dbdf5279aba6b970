"""Shared by the tests of sources."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.sources.kit import Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("the ffmpeg program, which plays the server here, is not installed")
    servers: list[Server] = []

    def start(*arguments: str, **settings: int) -> Server:
        servers.append(Server(*arguments, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
