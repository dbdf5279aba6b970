"""`murai live` played from outside, as a user would start it."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

httpx = pytest.importorskip("httpx")
pytest.importorskip("starlette")
pytest.importorskip("pythonosc")
from pythonosc.udp_client import SimpleUDPClient  # noqa: E402

MURAI = [sys.executable, "-c", "from murai.cli import main; main()", "live", "--source", "pattern", "--sink", "null"]
STYLE = ["--style", "tiny/invert", "--precision", "f32", "--size", "160x90"]


class Live:
    """A show without a window, with its doors open."""

    def __init__(self, data: Path, *options: str) -> None:
        environment = {"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(data), "XDG_CONFIG_HOME": str(data)}
        self.process = subprocess.Popen(
            [*MURAI, *STYLE, *options], env=environment, stderr=subprocess.PIPE, text=True, cwd=data
        )
        self.said = ""

    def hear(self, pattern: str) -> str:
        """The first group of `pattern` in what it says."""
        assert self.process.stderr is not None
        while not (found := re.search(pattern, self.said)):
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        return found.group(1)

    def end(self) -> int:
        self.process.terminate()
        _, rest = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def data(tiny_pack: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "murai" / "styles"
    folder.mkdir(parents=True)
    (folder / "tiny").symlink_to(tiny_pack, target_is_directory=True)
    return tmp_path


@pytest.fixture
def live(data: Path) -> Iterator[Live]:
    show = Live(data, "--http", "0", "--osc", "0", "--keep", str(data))
    try:
        yield show
    finally:
        show.process.kill()
        show.process.wait()


def test_a_show_is_played_by_http_and_osc_at_once(live: Live, data: Path) -> None:
    address = live.hear(r"(http://127\.0\.0\.1:\d+)/")
    desk = SimpleUDPClient("127.0.0.1", int(live.hear(r"at port (\d+)")))
    answer = httpx.patch(f"{address}/api/controls", json={"mix": "warm", "strength": 0.5})
    assert answer.json()["mix"] == {"tiny/warm": 1.0}
    desk.send_message("/murai/split", 0.5)
    end = time.monotonic() + 20
    while (state := httpx.get(f"{address}/api/state").json())["controls"]["split"] != 0.5:
        assert time.monotonic() < end
    assert state["controls"]["strength"] == 0.5
    while not httpx.get(f"{address}/api/state").json()["figures"]["fps_out"]:
        assert time.monotonic() < end
    assert httpx.post(f"{address}/api/actions/snapshot").status_code == 200
    while not list(data.glob("murai-*.png")):
        assert time.monotonic() < end
    live.end()
    assert "Traceback" not in live.said


def test_beyond_this_machine_the_token_lies_in_a_file_and_nowhere_else(data: Path) -> None:
    show = Live(data, "--http", "0.0.0.0:0")
    try:
        port = show.hear(r"http://[\d.]+:(\d+)/")
        file = Path(show.hear(r"what is in (.+)\."))
        token = file.read_text().strip()
        assert httpx.get(f"http://127.0.0.1:{port}/api/state").status_code == 401
        answer = httpx.get(f"http://127.0.0.1:{port}/api/state", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert json.loads(answer.text)["controls"]["mix"] == {"tiny/invert": 1.0}
    finally:
        show.end()
    assert token not in show.said


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--http", "nowhere"], "write PORT or HOST:PORT"), (["--osc", "70000"], "write PORT or HOST:PORT")],
)
def test_no_place_to_listen_is_one_sentence(data: Path, options: list[str], words: str) -> None:
    show = Live(data, *options)
    _, said = show.process.communicate(timeout=60)
    assert show.process.returncode == 2
    assert words in said
    assert "Traceback" not in said
