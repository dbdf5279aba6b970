"""Who may control a show: this machine alone, or whoever knows the token."""

import ipaddress
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from murai.errors import ControlError

LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen at; port 0 is any that is free."""

    host: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """Of the socket that listens there."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """The address of PORT, HOST:PORT or [IPV6]:PORT; this machine alone where no host is given. Raises ControlError."""
    host, colon, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535 or (colon and not host):
        raise ControlError(f"'{text}' is no place to listen; write PORT or HOST:PORT, such as 9000 or 0.0.0.0:9000.")
    return Address(host.removeprefix("[").removesuffix("]") or LOCAL, int(port))


def reachable(host: str) -> str:
    """`host`, or, where it stands for every address of this machine, the one by which others reach it."""
    anywhere = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}
    if host not in anywhere:
        return host
    family, beyond = anywhere[host]
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((beyond, 9))  # sends nothing: the system only chooses the way it would take
            return str(asked.getsockname()[0])
        except OSError:  # there is no network
            return host


def is_local(host: str) -> bool:
    """Whether nobody but this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_open(kind: str, address: Address, token: str) -> None:
    """Raise ControlError where others could play without a token; `kind` says by what."""
    if not token and not is_local(address.host):
        raise ControlError(f"{kind} at {address} is open to others; it needs a token there.")


@contextmanager
def listening(kind: str, address: Address) -> Iterator[None]:
    """Turn what the system raises where `kind` cannot listen at `address` into a ControlError."""
    try:
        yield
    except OSError as error:
        raise ControlError(f"{kind} cannot listen at {address} ({error.strerror}); give another port.") from error


def read_token(file: Path) -> str:
    """The token in `file`; where there is none it is made, with a new one, for its owner alone. Raises ControlError."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
                new.write(secrets.token_urlsafe(16) + "\n")
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ControlError(f"the token cannot be kept in {file} ({error}); give another --token-file.") from error
    if len(token) < 8 or not token.replace("-", "").replace("_", "").isalnum() or not token.isascii():
        raise ControlError(f"{file} holds no token: it needs 8 letters and digits or more; remove it for a new one.")
    return token
