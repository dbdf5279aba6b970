"""Where a show listens, and whom it lets in."""

import ipaddress
import stat

import pytest

from murai.control.access import Address, is_local, parse_address, reachable, read_token
from murai.errors import ControlError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9000", Address("127.0.0.1", 9000)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("localhost:1", Address("localhost", 1)),
        ("[::1]:9000", Address("::1", 9000)),
    ],
)
def test_an_address_as_a_user_writes_it(text, address):
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", "host", "host:", ":", ":9000", "1.2.3.4:99999", "-1"])
def test_no_place_to_listen(text):
    with pytest.raises(ControlError, match="PORT or HOST:PORT"):
        parse_address(text)


def test_local_is_what_nobody_else_reaches():
    assert all(is_local(host) for host in ("127.0.0.1", "127.1.2.3", "localhost", "::1"))
    assert not any(is_local(host) for host in ("0.0.0.0", "::", "192.168.1.2", "localhost.example.org", ""))


def test_a_token_is_made_once_for_its_owner_alone(tmp_path):
    file = tmp_path / "folder" / "token"
    token = read_token(file)
    assert len(token) >= 16
    assert read_token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_token(tmp_path / "other") != token


@pytest.mark.parametrize(
    "content", [b"", b"short", b"with a space in it", b"\xff\xfe\xff\xfe\xff", "schlüssel".encode()]
)
def test_a_file_that_holds_no_token(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ControlError, match="token"):
        read_token(tmp_path / "token")


def test_a_token_that_cannot_be_kept(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ControlError, match="--token-file"):
        read_token(tmp_path / "file" / "token")


def test_who_is_told_where_to_go_is_told_an_address_of_this_machine():
    assert reachable("127.0.0.1") == "127.0.0.1"
    assert reachable("wall.local") == "wall.local"
    for anywhere in ("0.0.0.0", "::"):
        address = ipaddress.ip_address(reachable(anywhere))
        assert address.version == (4 if anywhere == "0.0.0.0" else 6)
