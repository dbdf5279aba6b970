"""`murai measure blends` and `murai measure strength`."""

import pytest
from PIL import Image

from murai.cli import run
from murai.measure.sheets import CAPTION, HEIGHT, STRENGTHS, WIDTH
from tests.packs_support import PHOTOGRAPH, make_pack


@pytest.fixture
def pack(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(make_pack(tmp_path / "tiny", photograph=PHOTOGRAPH))


def test_blends_writes_a_row_a_pair(pack):
    pairs = ["--pair", "invert,warm", "--pair", "warm,invert"]
    assert run(["measure", "blends", "--style", pack, *pairs, "--steps", "4", "--out", "sheet.jpg"]) == 0
    assert Image.open("sheet.jpg").size == (4 * WIDTH, 2 * (HEIGHT + CAPTION))


def test_strength_writes_its_sheet_and_says_how_far_colours_stray(pack, capsys):
    assert run(["measure", "strength", "--style", pack, "--name", "warm", "--out", "sheet.png"]) == 0
    assert Image.open("sheet.png").size == (2 * len(STRENGTHS) * WIDTH, 2 * (HEIGHT + CAPTION))
    table = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in table[2:]] == ["0.1", "0.3", "0.6"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["blends", "--pair", "invert"], "--pair A,B"),
        (["blends", "--pair", "invert,nobody"], "nobody"),
        (["strength", "--name", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_shown_is_refused(pack, capsys, arguments, expected):
    assert run(["measure", *arguments, "--style", pack, "--out", "sheet.jpg"]) == 2
    assert expected in capsys.readouterr().err


def test_a_sheet_is_not_replaced_unasked(pack, tmp_path, capsys):
    (tmp_path / "sheet.jpg").write_bytes(b"mine")
    assert run(["measure", "blends", "--style", pack, "--pair", "warm,invert", "--out", "sheet.jpg"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "sheet.jpg").read_bytes() == b"mine"
