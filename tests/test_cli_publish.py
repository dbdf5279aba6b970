"""murai publish, as it is run."""

import json
import os
import re
import secrets
import subprocess
import sys

import pytest

pytest.importorskip("atproto")
from murai.publish import SERVICES, Outbox, Publisher, open_services
from murai.publish.credentials import FILE, Credentials
from murai.publish.fitting import prepare
from tests.publish.conftest import bluesky, mastodon  # noqa: F401  (fixtures)
from tests.publish.kit import eventually, new_post, row_of


@pytest.fixture
def places(tmp_path):
    own = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    return own | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


@pytest.fixture
def murai(tmp_path, places):
    """Runs `murai publish` and returns its exit code, what it prints and what it says."""

    def run(*arguments, told=""):
        command = [sys.executable, "-m", "murai", "publish", *map(str, arguments)]
        done = subprocess.run(
            command, input=told, text=True, capture_output=True, env={**os.environ, **places}, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def booth(tmp_path):
    """The folder of a booth, with an outbox."""
    folder = tmp_path / "data" / "murai" / "booth"
    folder.mkdir(parents=True)
    Outbox(folder / "outbox.sqlite").close()
    return folder


def test_before_there_is_a_booth(murai, tmp_path):
    for command in (["pause", "myspace"], ["resume", "myspace"], ["retry", "myspace"]):
        code, out, said = murai(*command)
        assert (code, out) == (2, "")
        assert "no service 'myspace'" in said
    for command in (["status"], ["retry"], ["pause", "x"], ["approve", "abc"]):
        code, out, said = murai(*command)
        assert (code, out) == (2, "")
        assert "there is no outbox in" in said
    assert murai("login", "myspace")[0] == 2
    assert not (tmp_path / "data").exists()


def test_the_host_decides(murai, booth, tmp_path):
    outbox = Outbox(booth / "outbox.sqlite")
    one, other = new_post(tmp_path), new_post(tmp_path)
    for post in (one, other):
        outbox.add(post, ["x"], approved=False)
    assert murai("pause", "x")[0] == 0
    code, out, said = murai("status")
    assert (code, said) == (0, "")
    assert out.splitlines()[0] == "x: 2 held; paused: the host paused it"
    assert f"{one.key} x held" in out
    assert murai("approve", one.key)[0] == 0
    assert murai("refuse", other.key, "--folder", booth)[0] == 0
    assert murai("resume", "x")[0] == 0
    assert murai("approve", "nobody")[0] == 2
    told = json.loads(murai("status", "--json")[1])
    assert told["services"] == {"x": {"queued": 1, "refused": 1}}
    assert told["paused"] == {}
    assert {row["key"]: row["state"] for row in told["rows"]} == {one.key: "queued", other.key: "refused"}
    outbox.unsent(outbox.take("x"), "rude.", state="failed")
    [line] = [line for line in murai("status")[1].splitlines() if line.startswith(one.key)]
    assert line.startswith(f"{one.key} x failed, taken 20")
    assert line.endswith(f"{one.caption!r}: rude.")
    assert murai("retry", "x")[0] == 0
    assert row_of(outbox, one).state == "queued"
    outbox.unsent(outbox.take("x"), "hm.", state="unsure")
    assert murai("settle", one.key, "x", "perhaps")[0] == 2
    assert murai("settle", one.key, "x", "there")[0] == 0
    assert row_of(outbox, one).state == "sent"


def test_the_host_approves_all_that_waits(murai, booth, tmp_path):
    outbox = Outbox(booth / "outbox.sqlite")
    posts = [new_post(tmp_path) for _ in range(4)]
    for post in posts:
        outbox.add(post, ["x", "folder"], approved=False)
    outbox.refuse(posts[3].key)
    assert murai("approve", "--all") == (0, "pictures approved: 3\n", "")
    states = {(row.key, row.service): row.state for row in outbox.rows()}
    for place in ("x", "folder"):
        assert [states[post.key, place] for post in posts] == ["queued"] * 3 + ["refused"]
    assert murai("approve", "--all", "--folder", booth)[1] == "pictures approved: 0\n"
    for wrong in ([], [posts[3].key, "--all"]):
        code, out, said = murai("approve", *wrong)
        assert (code, out) == (2, "")
        assert "give the KEY of a picture, or --all." in said
    assert outbox.counts()["folder"] == {"queued": 3, "refused": 1}


def test_login_publish_and_logout_leave_no_secret_anywhere(murai, booth, tmp_path, bluesky, mastodon):  # noqa: F811
    """From the command line to the post, then every file and sentence is searched."""
    password, hook = bluesky.app_password(secrets.token_hex(8)), f"http://localhost:9/{secrets.token_hex(12)}"
    sentences = []

    def run(*arguments, told=""):
        code, out, said = murai(*arguments, told=told)
        sentences.append(out + said)
        return code, said

    code, said = run("login", "bluesky", told=f"{bluesky.url}\n@{bluesky.handle}\n{password}\n")
    assert code == 0, said
    assert f"logged in as {bluesky.handle}" in said
    code, said = run("login", "folder", told=f"{tmp_path / 'out'}\n")
    assert code == 2
    (tmp_path / "out").mkdir()
    code, said = run("login", "folder", told=f"{tmp_path / 'out'}\n")
    assert code == 0, said
    token = mastodon.token()
    accounts = Credentials(tmp_path / "config" / "murai", keyring=False)
    accounts.write("mastodon", {"server": mastodon.url, "token": token})
    accounts.write("webhook", {"address": hook, "secret": "hook-secret-0001"})
    accounts.write("x", {"client": "c", "access_token": "x-access-0001", "refresh_token": "x-refresh-0001"})

    outbox = Outbox(booth / "outbox.sqlite", sentences.append)
    services = open_services(["bluesky", "mastodon", "folder", "webhook"], accounts)
    publisher = Publisher(outbox, services, sentences.append, first=0.02)
    post = new_post(tmp_path)
    outbox.add(post, ["bluesky", "mastodon", "folder", "webhook"], approved=True)
    eventually(lambda: len(outbox.rows("sent")) == 3)
    bluesky.revoke_all()
    mastodon.revoke(token)
    services[0]._client = None  # its two hours are over
    late = new_post(tmp_path)
    outbox.add(late, ["bluesky", "mastodon"], approved=True)
    eventually(lambda: outbox.paused == {"bluesky", "mastodon"})
    run("status")
    run("status", "--json")
    publisher.close()
    wrong = secrets.token_hex(12)
    code, said = run("login", "bluesky", told=f"{bluesky.url}\n{bluesky.handle}\n{wrong}\n")
    assert code == 2
    assert "publish login bluesky" in said
    assert (tmp_path / "out" / post.picture.name).exists() is False
    assert (tmp_path / "out" / f"{post.key}.png").read_bytes() == prepare(post, services[2].limits).data

    kept = [tmp_path / "config" / "murai" / FILE.format(name) for name in SERVICES]
    assert password in kept[0].read_text()
    known = (password, token, wrong, hook, "hook-secret-0001", "x-access-0001", "x-refresh-0001")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path not in kept]
    assert booth / "outbox.sqlite" in files
    assert any(path.name.endswith("-wal") for path in files)
    for secret in known:
        assert not [path for path in files if secret.encode() in path.read_bytes()], secret
        assert not [sentence for sentence in sentences if secret in sentence], secret
    assert run("logout", "bluesky")[0] == 0
    assert not kept[0].exists()
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept[1:])


def test_mastodon_by_its_code(booth, places, mastodon):  # noqa: F811
    outbox = Outbox(booth / "outbox.sqlite")
    outbox.pause("mastodon", "log in.")
    for _ in range(5):  # this server drops a request now and then
        code, said = log_in_to(mastodon, places)
        if code == 0:
            break
    assert "logged in as @booth@localhost" in said
    assert outbox.paused == set()


def log_in_to(mastodon, places):  # noqa: F811
    command = [sys.executable, "-u", "-m", "murai", "publish", "login", "mastodon"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **places}
    )
    process.stdin.write(f"{mastodon.url}\n")
    process.stdin.flush()
    address = re.search(r"http\S+authorize\S+", process.stderr.readline())
    _, said = process.communicate(mastodon.consent(address[0]) + "\n" if address else "", timeout=30)
    return process.returncode, said
