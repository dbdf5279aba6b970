"""The sheets of `murai measure`: blends, styles, boldness, changes, layers; and crops."""

import json

import numpy as np
import pytest
from PIL import Image

from murai.cli import run
from murai.measure.sheets import CAPTION, HEIGHT, WIDTH
from tests.packs_support import make_pack


@pytest.fixture
def pack(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(make_pack(tmp_path / "tiny"))


def test_blends_writes_a_row_a_pair(pack):
    pairs = ["--pair", "invert,warm", "--pair", "warm,invert"]
    assert run(["measure", "blends", "--style", pack, *pairs, "--steps", "4", "--out", "sheet.jpg"]) == 0
    assert Image.open("sheet.jpg").size == (4 * WIDTH, 2 * (HEIGHT + CAPTION))


def test_styles_writes_the_scene_and_every_style(pack):
    assert run(["measure", "styles", "--style", pack, "--out", "sheet.png"]) == 0
    sheet = np.asarray(Image.open("sheet.png"))
    assert sheet.shape == (HEIGHT + CAPTION, 4 * WIDTH, 3)
    pictures = [sheet[CAPTION:, i * WIDTH : (i + 1) * WIDTH] for i in range(4)]
    assert np.array_equal(pictures[0], pictures[3]) or len({p.tobytes() for p in pictures}) == 4
    assert not np.array_equal(pictures[0], pictures[1])


def test_boldness_writes_a_row_a_style(pack):
    assert run(["measure", "boldness", "--style", pack, "--name", "warm", "invert", "--out", "sheet.png"]) == 0
    assert Image.open("sheet.png").size == (5 * WIDTH, 2 * (HEIGHT + CAPTION))


def test_a_sheet_shows_any_picture(pack):
    Image.new("RGB", (64, 64), "red").save("red.png")
    command = ["measure", "styles", "--style", pack, "--picture", "red.png", "red.png", "--out", "sheet.png"]
    assert run(command) == 0
    sheet = np.asarray(Image.open("sheet.png"))
    assert sheet.shape == (2 * (HEIGHT + CAPTION), 4 * WIDTH, 3)
    assert (sheet[CAPTION : CAPTION + HEIGHT, :WIDTH] == (255, 0, 0)).all()


def test_changes_shows_the_scene_each_style_and_each_style_at_calm(pack):
    assert run(["measure", "changes", "--pack", pack, "--style", "warm", "--calm", "1", "--out", "sheet.png"]) == 0
    sheet = np.asarray(Image.open("sheet.png")).astype(int)
    assert sheet.shape == (3 * (HEIGHT + CAPTION), 2 * WIDTH, 3)
    tops = [row * (HEIGHT + CAPTION) + CAPTION for row in range(3)]
    itself, plain, calm = (sheet[top : top + HEIGHT, WIDTH:].mean() for top in tops)
    assert itself > plain > 2 * calm > 0, "the tiny pack blurs"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["blends", "--pair", "invert"], "--pair A,B"),
        (["blends", "--pair", "invert,nobody"], "nobody"),
        (["boldness", "--name", "nobody"], "nobody"),
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


def test_layers_writes_three_rows(lessons):
    pytest.importorskip("torch")
    command = ["measure", "layers", str(lessons / "style.png"), "--out", "layers.png", "--iterations", "2"]
    assert run([*command, "--loss-network", str(lessons / "vgg19.safetensors")]) == 0
    sheet = Image.open("layers.png")
    assert sheet.height == 3 * (HEIGHT + CAPTION)
    assert sheet.width % WIDTH == 0


def test_layers_says_what_is_wrong_with_a_picture(lessons, capsys):
    pytest.importorskip("torch")
    command = ["measure", "layers", str(lessons / "vgg19.safetensors"), "--out", "layers.png"]
    assert run([*command, "--loss-network", str(lessons / "vgg19.safetensors")]) == 2
    assert "cannot be read as a picture" in capsys.readouterr().err
    assert not (lessons / "layers.png").exists()


def test_crops_prints_both_judges(lessons, capsys):
    pytest.importorskip("torch")
    picture = Image.effect_noise((160, 96), 80).convert("RGB")
    picture.save("wall.png")
    sizes = ["--style-size", "32", "--size", "32", "--iterations", "2", "--limit", "1"]
    where = ["--photos", str(lessons / "photos"), "--loss-network", str(lessons / "vgg19.safetensors")]
    assert run(["measure", "crops", "wall.png", *where, *sizes, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["photographs"] == 1
    assert [row["picture"] for row in figures["rows"]] == ["wall"]
    assert run(["measure", "crops", "wall.png", *where, *sizes]) == 0
    assert "Of 1 pictures the suggestion is better" in capsys.readouterr().out
