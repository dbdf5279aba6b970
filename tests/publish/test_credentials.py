"""Where accounts are kept, and that nothing shows them."""

import os
import stat

import pytest

from murai.errors import MuraiError
from murai.publish.credentials import FILE, Credentials, Held, Secrets

VALUES = {"handle": "booth.test", "password": "correct-horse-battery"}


@pytest.fixture
def credentials(tmp_path):
    return Credentials(tmp_path / "config", keyring=False)


def test_what_is_kept_is_read_again_and_forgotten(credentials, tmp_path):
    credentials.write("bluesky", VALUES)
    credentials.write("x", {"token": "abc"})
    again = Credentials(tmp_path / "config", keyring=False)
    assert dict(again.read("bluesky")) == VALUES
    again.remove("bluesky")
    assert dict(credentials.read("bluesky")) == {}
    assert dict(credentials.read("x")) == {"token": "abc"}


def test_the_file_is_its_owners_alone_whatever_the_habits(credentials, tmp_path):
    before = os.umask(0)
    try:
        credentials.write("bluesky", VALUES)
        assert stat.S_IMODE((tmp_path / "config" / FILE).stat().st_mode) == 0o600
        (tmp_path / "config" / FILE).chmod(0o644)
        credentials.write("bluesky", VALUES)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "config" / FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "config").iterdir()] == [FILE]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"x": 5'])
def test_a_file_that_is_none(credentials, tmp_path, content):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / FILE).write_bytes(content)
    with pytest.raises(MuraiError, match="remove it"):
        credentials.read("x")


def test_a_folder_that_does_not_allow_it(tmp_path):
    (tmp_path / "config").write_text("in the way")
    with pytest.raises(MuraiError, match=r"cannot be (written|read)") as raised:
        Credentials(tmp_path / "config", keyring=False).write("x", VALUES)
    assert "battery" not in str(raised.value)


def test_nothing_shows_them():
    secrets = Secrets(VALUES)
    for shown in (repr(secrets), str(secrets), f"{secrets}", repr({"a": secrets}), repr(Held(**VALUES))):
        assert "battery" not in shown
    assert secrets.hide("told correct-horse-battery back") == "told … back"
    assert Secrets({"a": "abcdef", "b": "abcdefgh", "c": "xy", "d": ""}).hide("abcdefgh abcdef xy") == "… … xy"


@pytest.fixture
def ring(monkeypatch):
    backend = pytest.importorskip("keyring.backend")
    keyring = pytest.importorskip("keyring")

    class Memory(backend.KeyringBackend):
        priority = 1
        kept, locked = {}, False

        def get_password(self, service, name):
            if self.locked:
                raise RuntimeError("correct-horse-battery")
            return self.kept.get((service, name))

        def set_password(self, service, name, value):
            self.kept[service, name] = value

        def delete_password(self, service, name):
            del self.kept[service, name]

    before = keyring.get_keyring()
    keyring.set_keyring(memory := Memory())
    yield memory
    keyring.set_keyring(before)


def test_a_keyring_is_used_where_there_is_one(ring, tmp_path):
    credentials = Credentials(tmp_path)
    assert credentials.place == "the keyring"
    credentials.write("bluesky", VALUES)
    assert dict(Credentials(tmp_path).read("bluesky")) == VALUES
    assert list(tmp_path.iterdir()) == []
    assert list(ring.kept) == [("murai", "bluesky")]
    credentials.remove("bluesky")
    credentials.remove("bluesky")
    assert dict(credentials.read("bluesky")) == {}


def test_a_keyring_that_is_locked(ring, tmp_path):
    credentials = Credentials(tmp_path)
    type(ring).locked = True
    with pytest.raises(MuraiError, match="does not work") as raised:
        credentials.read("bluesky")
    assert "battery" not in str(raised.value)
    assert Credentials(tmp_path).place == str(tmp_path / FILE)  # from the beginning: the file
