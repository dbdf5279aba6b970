"""Where accounts are kept, and that nothing shows them."""

import os
import stat
import threading

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
        file = tmp_path / "config" / FILE.format("bluesky")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
        credentials.write("bluesky", VALUES)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list((tmp_path / "config").iterdir()) == [file]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"x": 5'])
def test_a_file_that_is_none(credentials, tmp_path, content):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / FILE.format("x")).write_bytes(content)
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
    assert credentials.place("bluesky").startswith("the keyring")
    assert str(tmp_path / FILE.format("bluesky")) in credentials.place("bluesky")
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
    assert Credentials(tmp_path).place("x") == str(tmp_path / FILE.format("x"))  # from the beginning: the file


def test_what_was_kept_without_the_keyring_is_found_with_it_and_stays_there(ring, tmp_path):
    alone = Credentials(tmp_path, keyring=False)
    alone.write("bluesky", VALUES)
    credentials = Credentials(tmp_path)
    assert dict(credentials.read("bluesky")) == VALUES
    credentials.write("bluesky", VALUES | {"password": "another-horse"})
    assert alone.read("bluesky")["password"] == "another-horse"
    assert ring.kept == {}
    credentials.remove("bluesky")
    assert dict(alone.read("bluesky")) == {}


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    names = [f"service{number}" for number in range(8)]

    def write(name):
        own = Credentials(tmp_path, keyring=False)
        for number in range(20):
            own.write(name, {"token": f"{name}-{number}"})

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = Credentials(tmp_path, keyring=False)
    assert [kept.read(name)["token"] for name in names] == [f"{name}-19" for name in names]
