"""Real HTTP and WebSockets on this machine."""

import json

import pytest

pytest.importorskip("starlette")
httpx = pytest.importorskip("httpx")
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from murai.control.access import Address  # noqa: E402
from murai.control.http import LARGEST, HTTPControl  # noqa: E402
from murai.control.player import Player  # noqa: E402
from murai.controls import TABLE  # noqa: E402
from murai.errors import ControlError  # noqa: E402

from .conftest import STYLES  # noqa: E402

HERE = Address("127.0.0.1", 0)


@pytest.fixture
def done():
    return []


@pytest.fixture
def control(show, done, scenes):
    player = Player(show, STYLES, {"snapshot": lambda: done.append(1)}, scenes=scenes)
    control = HTTPControl(player, HERE, figures=lambda: {"fps": 30})
    yield control
    control.close()


@pytest.fixture
def client(control):
    with httpx.Client(base_url=f"http://127.0.0.1:{control.port}") as client:
        yield client


def test_the_table_and_the_state_are_told(client):
    table = client.get("/api/table").json()
    assert [row["name"] for row in table["controls"]] == [row.name for row in TABLE]
    assert [row["name"] for row in table["actions"]] == ["snapshot", "help"]
    state = client.get("/api/state").json()
    assert state["controls"]["mix"] == {"night/stars": 1.0}
    assert state["styles"] == list(STYLES)
    assert state["figures"] == {"fps": 30}


def test_controls_are_set_all_or_none(client, show, done):
    answer = client.patch("/api/controls", json={"strength": 0.25, "boldness": 1, "mix": {"wave": 1}})
    assert answer.json()["strength"] == 0.25
    assert answer.json()["boldness"] == show.controls.boldness == 1
    assert dict(show.controls.mix) == {"sea/wave": 1.0}
    answer = client.patch("/api/controls", json={"strength": 0.5, "split": 7})
    assert answer.status_code == 422
    assert answer.json() == {"error": "split is between 0 and 1, not 7."}
    assert show.controls.strength == 0.25
    assert client.post("/api/actions/snapshot").status_code == 200
    assert done == [1]
    assert client.post("/api/actions/dance").status_code == 422


def test_scenes_are_kept_and_recalled(control, client, show):
    client.patch("/api/controls", json={"strength": 0.5, "mix": "wave"})
    assert client.put("/api/scenes/finale").status_code == 200
    client.patch("/api/controls", json={"strength": 1, "mix": "stars"})
    assert client.get("/api/state").json()["scenes"] == ["finale"]
    assert client.post("/api/scenes/finale").json()["strength"] == 0.5
    assert dict(show.controls.mix) == {"sea/wave": 1.0}
    assert client.post("/api/scenes/none").status_code == 422
    assert client.put("/api/scenes/%2e%2e%2fpasswd").status_code in (404, 422)
    client.patch("/api/controls", json={"strength": 1})
    with connect(f"ws://127.0.0.1:{control.port}/api/play") as one:
        one.recv(5)
        one.send(json.dumps({"scene": "finale"}))
        assert json.loads(one.recv(5))["controls"]["strength"] == 0.5


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"5", b"\xff", b'{"strength": NaN}', b"[" * 20_000, b" " * (LARGEST + 1)]
)
def test_garbage_is_answered_with_a_sentence(client, show, body):
    answer = client.patch("/api/controls", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    assert show.controls.strength == 1.0


def test_who_listens_hears_every_change_whoever_made_it(control, show):
    with connect(f"ws://127.0.0.1:{control.port}/api/play") as one:
        assert json.loads(one.recv(5))["controls"]["strength"] == 1.0
        one.send(json.dumps({"strength": 0.5}))
        assert json.loads(one.recv(5))["controls"]["strength"] == 0.5
        show.update(blackout=True)
        assert json.loads(one.recv(5))["controls"]["blackout"] is True
        for garbage in ("{", "[" * 20_000, "[]", '{"strength": "loud"}', '{"do": "dance"}'):
            one.send(garbage)
            assert json.loads(one.recv(5))["error"].endswith(".")
        one.send(b"\xff\xfe")  # not text: this one is shown out, the others stay
    with connect(f"ws://127.0.0.1:{control.port}/api/play") as other:
        assert json.loads(other.recv(5))["controls"]["strength"] == 0.5


def test_another_page_in_the_browser_cannot_play(control, client, show):
    for headers in (
        {"Origin": "https://example.org"},
        {"Host": "example.org"},
        {"Host": f"evil.test:{control.port}"},
        {"Host": "["},
    ):
        assert client.patch("/api/controls", json={"strength": 0}, headers=headers).status_code == 403
        assert client.get("/", headers=headers).status_code == 403
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{control.port}/api/play", origin="https://example.org")
    own = {"Origin": f"http://127.0.0.1:{control.port}"}
    assert client.patch("/api/controls", json={"strength": 0.75}, headers=own).status_code == 200
    assert show.controls.strength == 0.75


def test_with_a_token_only_who_knows_it_plays(player, show):
    control = HTTPControl(player, HERE, token="sesame-42")
    address = f"http://127.0.0.1:{control.port}"
    try:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "sesame"}):
            assert httpx.patch(f"{address}/api/controls", json={"strength": 0}, headers=headers).status_code == 401
        assert httpx.get(f"{address}/?token=sesame-42").status_code == 200
        answer = httpx.patch(
            f"{address}/api/controls", json={"strength": 0.5}, headers={"Authorization": "Bearer sesame-42"}
        )
        assert answer.status_code == 200
        with connect(f"ws://127.0.0.1:{control.port}/api/play?token=sesame-42") as one:
            assert json.loads(one.recv(5))["controls"]["strength"] == 0.5
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{control.port}/api/play")
    finally:
        control.close()


def test_beyond_this_machine_it_needs_a_token(player):
    with pytest.raises(ControlError, match="needs a token"):
        HTTPControl(player, Address("0.0.0.0", 0))


def test_a_port_in_use(player, control):
    with pytest.raises(ControlError, match="give another port"):
        HTTPControl(player, Address("127.0.0.1", control.port))


def test_the_page_has_no_address_of_another_machine(client):
    page = client.get("/").text
    assert "<title>murai</title>" in page
    assert "http://" not in page
    assert "https://" not in page
