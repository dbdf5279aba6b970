"""`murai styles` shows paintings where it can, and stays plain text where it cannot."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.cli import run
from murai.cli.thumbnails import COLUMNS, LINES, half_blocks, shows_colours
from murai.packs import StylePack, export_pack
from tests.packs_support import make_pack

TRUE = {"COLORTERM": "truecolor"}
CELL = re.compile("\x1b\\[38;2;(\\d+);(\\d+);(\\d+);48;2;(\\d+);(\\d+);(\\d+)m▀")


def preview(*colours):
    """A preview as training writes it: a row a style, here of one colour each."""
    picture = PIL.Image.new("RGB", (256, 64 * len(colours)))
    for row, colour in enumerate(colours):
        picture.paste(colour, (0, 64 * row, 256, 64 * row + 64))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def pixels(lines):
    """The picture that half blocks show."""
    rows = []
    for line in lines:
        cells = np.array([list(map(int, cell)) for cell in CELL.findall(line)], np.uint8)
        rows += [cells[:, :3], cells[:, 3:]]
    return np.stack(rows)


@pytest.fixture(autouse=True)
def packs(tmp_path, monkeypatch):
    """The user's own folder, with one pack that has a preview."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data" / "murai" / "styles"
    folder.mkdir(parents=True)
    files = {"README.md": b"# seen\n", "preview.jpg": preview((200, 30, 30), (30, 30, 200))}
    make_pack(folder / "seen", "seen", files=files)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def opened(monkeypatch):
    """What the desktop's viewer was asked to open."""
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or True)
    return asked


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def listed(monkeypatch, environment, *arguments):
    """What `murai styles list` prints to a terminal."""
    screen = Screen()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", screen)
    assert run(["styles", "list", *arguments]) == 0
    return screen.getvalue()


@settings(deadline=None)
@given(width=st.integers(1, 8), height=st.integers(1, 4), seed=st.integers(0, 99))
def test_half_blocks_are_the_picture(width, height, seed):
    picture = np.random.default_rng(seed).integers(0, 256, (2 * height, width, 3), dtype=np.uint8)
    lines = half_blocks(PIL.Image.fromarray(picture))
    assert np.array_equal(pixels(lines), picture)
    assert all(line.endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        (TRUE, True),
        ({"COLORTERM": "24bit"}, True),
        ({}, False),
        ({"COLORTERM": "yes"}, False),
        ({**TRUE, "NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_terminals_that_say_so(environment, coloured):
    assert shows_colours(Screen(), environment) == coloured
    assert not shows_colours(io.StringIO(), environment)


def test_a_terminal_without_the_half_block_gets_none():
    screen = Screen()
    screen.encoding = "latin-1"
    assert not shows_colours(screen, TRUE)


def test_each_style_is_listed_with_its_own_row_of_the_preview(monkeypatch):
    lines = listed(monkeypatch, TRUE).splitlines()
    for name, colour in (("seen/invert", (200, 30, 30)), ("seen/warm", (30, 30, 200))):
        at = next(i for i, line in enumerate(lines) if line.endswith(name))
        picture = pixels(lines[at : at + LINES])
        assert picture.shape == (2 * LINES, COLUMNS, 3)
        assert np.abs(picture.astype(int) - colour).max() < 12
        assert lines[at + 1].endswith("fast")
        assert lines[at + 2].endswith("Nobody")


def test_without_colours_a_style_is_one_plain_line(monkeypatch):
    text = listed(monkeypatch, {})
    assert "\x1b" not in text
    assert sum("seen/" in line for line in text.splitlines()) == 2


def test_json_stays_json_on_a_terminal(monkeypatch):
    rows = json.loads(listed(monkeypatch, TRUE, "--json"))
    assert {"seen/invert", "seen/warm"} <= {row["style"] for row in rows}


@pytest.mark.parametrize("damage", [b"no picture", preview((1, 2, 3))[:300], b""])
def test_a_preview_that_cannot_be_read_leaves_the_plain_line(packs, monkeypatch, damage):
    (packs / "seen" / "preview.jpg").write_bytes(damage)
    text = listed(monkeypatch, TRUE)
    assert any(line.startswith("seen/warm ") for line in text.splitlines())


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_bomb_is_not_decoded(packs, monkeypatch):
    PIL.Image.new("L", (60_000, 2000)).save(packs / "seen" / "preview.jpg")
    convert = PIL.Image.Image.convert

    def watched(picture, mode):
        assert picture.width < 60_000, "it was decoded"
        return convert(picture, mode)

    monkeypatch.setattr(PIL.Image.Image, "convert", watched)
    assert "seen/warm " in listed(monkeypatch, TRUE)


def test_a_name_cannot_play_tricks_with_the_terminal(packs, monkeypatch):
    manifest = packs / "seen" / "pack.json"
    manifest.write_text(manifest.read_text().replace("Warm", "W\\u001b[31mX"))
    text = listed(monkeypatch, TRUE)
    assert "W[31mX" in text
    assert "\x1b[31m" not in text


def test_a_real_terminal_gets_thumbnails_and_a_pipe_does_not():
    command = [sys.executable, "-c", "from murai.cli import main; main()", "styles", "list"]
    environment = {**os.environ, **TRUE, "PYTHONIOENCODING": "utf-8"}
    parent, child = pty.openpty()
    process = subprocess.Popen(command, stdout=child, env=environment)
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 1 << 16)
        except OSError:  # the terminal's other end is closed
            break
        shown += part
    os.close(parent)
    assert process.wait() == 0
    assert shown.decode().count("▀") >= 2 * COLUMNS * LINES
    piped = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True).stdout
    assert b"\x1b" not in piped


def test_show_says_where_the_preview_is_and_opens_nothing(packs, capsys, opened):
    assert run(["styles", "show", "seen"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Preview: {packs / 'seen' / 'preview.jpg'}"
    assert run(["styles", "show", "seen", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "seen"
    assert opened == []


def test_show_opens_the_preview_when_asked(packs, opened):
    assert run(["styles", "show", "seen", "--open"]) == 0
    assert opened == [(packs / "seen" / "preview.jpg").as_uri()]


def test_the_preview_of_a_zip_is_unpacked_to_be_opened(packs, opened):
    export_pack(StylePack.load(packs / "seen"), "seen.zip")
    assert run(["styles", "show", "seen.zip", "--open"]) == 0
    path = Path(opened[0].removeprefix("file://"))
    assert path.read_bytes() == (packs / "seen" / "preview.jpg").read_bytes()


def test_a_pack_without_a_preview_and_a_desktop_without_a_viewer(packs, capsys, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert run(["styles", "show", "seen", "--open"]) == 2
    assert str(packs / "seen" / "preview.jpg") in capsys.readouterr().err
    (packs / "seen" / "preview.jpg").unlink()
    assert run(["styles", "show", "seen", "--open"]) == 2
    assert "no preview" in capsys.readouterr().err
    assert run(["styles", "show", "seen"]) == 0
    assert "Preview" not in capsys.readouterr().out
