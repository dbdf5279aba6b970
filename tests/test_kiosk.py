"""The unit that starts a show with the machine."""

import configparser
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from murai.cli import run


def unit(file):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(file)
    return parser


def test_it_runs_murai_live_with_the_options_given(tmp_path, capsys):
    file = tmp_path / "units" / "murai.service"
    keep = tmp_path / "a b 100%"
    keep.mkdir()
    options = ["--source", "camera", "--style", "paintings/scream", "--keep", str(keep)]
    assert run(["install-kiosk", "--out", str(file), "--", *options]) == 0
    service = unit(file)["Service"]
    command = shlex.split(service["ExecStart"].replace("%%", "%"))
    assert command == [sys.executable, "-m", "murai", "live", "--kiosk", *options]
    assert service["WorkingDirectory"] == str(Path.cwd())
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    assert "systemctl --user enable --now murai.service" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stile", "x"], "--stile"),
        (["--style", "nobody"], "nobody"),
        (["--strength", "7"], "strength"),
        (["--boldness", "-1"], "boldness"),
        (["--sink", "mjpeg:8090"], "--sink window"),
        (["--sink", "window", "--sink", "show.mp4"], "--keep"),
        (["--keep", "nowhere"], "nowhere"),
        (["--mask", "wall.png"], "--inside"),
        (["--mask", "wall.png", "--inside", "starry_night"], "wall.png"),
    ],
)
def test_options_that_would_never_start_are_refused(tmp_path, capsys, options, words):
    assert run(["install-kiosk", "--out", str(tmp_path / "murai.service"), "--", *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "murai.service").exists()


def test_it_is_not_replaced_unasked(tmp_path, capsys):
    file = tmp_path / "murai.service"
    file.write_text("mine")
    assert run(["install-kiosk", "--out", str(file)]) == 2
    assert file.read_text() == "mine"
    assert run(["install-kiosk", "--out", str(file), "--overwrite"]) == 0
    assert "--kiosk" in file.read_text()


def test_a_place_that_cannot_be_written_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["install-kiosk", "--out", str(tmp_path / "file" / "murai.service")]) == 2
    assert "give another --out" in capsys.readouterr().err


def test_systemd_takes_it(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    file = tmp_path / "murai.service"
    assert run(["install-kiosk", "--out", str(file)]) == 0
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    subprocess.run(["systemd-analyze", "--user", "verify", str(file)], env=environment, check=True, timeout=60)


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "murai", "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.strip()
