"""murai measure blind: lettered rows whose order only the key tells."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("torch")

from murai.cli import run
from murai.measure.blind import CELL, GAP, MARGIN, Row, arrange, shuffle
from tests.packs_support import make_pack, paint, vector

SIZE = (48, 40)
WIDTH = CELL * SIZE[0] // SIZE[1]
COLOURS = {"ours": (200, 30, 30), "theirs": (30, 160, 60)}
SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def command(lessons):
    """Two rows of ready paintings, of one colour each, and one of the tiny pack."""
    for label, colour in COLOURS.items():
        (lessons / label).mkdir()
        for n in range(4):
            Image.new("RGB", SIZE, colour).save(f"{label}/{n}.png")
    rows = ["--row", "ours=ours", "--row", "theirs=theirs"]
    return [*basic(), "--pack", "pack", *rows, "--out", "sheet.png"]


def basic():
    return ["measure", "blind", "--photos", "photos", "--style-image", "warm=style.png"]


def cut(sheet, row, column, width=WIDTH):
    top, left = row * (CELL + GAP), MARGIN + column * (width + GAP)
    return np.asarray(sheet)[top : top + CELL, left : left + width]


def shown(picture):
    return np.asarray(Image.fromarray(np.asarray(picture)).resize((WIDTH, CELL), Image.Resampling.LANCZOS))


def expected(label, photo):
    """What the row `label` should show of a photograph."""
    if label in COLOURS:
        return Image.new("RGB", SIZE, COLOURS[label])
    return paint(np.asarray(Image.open(photo)), vector("warm"))


def read_key(file="sheet.key.json"):
    return json.loads(Path(file).read_text())


def test_the_key_tells_whose_row_is_whose(command):
    orders = set()
    for seed in range(6):
        assert run([*command, "--seed", str(seed), "--overwrite"]) == 0
        sheet, key = Image.open("sheet.png"), read_key()
        assert list(key) == ["style", "seed", "photographs", "rows"]
        assert (key["style"], key["seed"]) == ("warm", seed)
        assert key["photographs"] == [f"{n}.png" for n in range(4)], "the fifth is not painted by all"
        assert sorted(key["rows"].values()) == ["ours", "theirs", "tiny"]
        assert list(key["rows"]) == ["A", "B", "C"]
        for row, label in enumerate(key["rows"].values(), 2):
            for column, name in enumerate(key["photographs"]):
                wanted = shown(expected(label, f"photos/{name}"))
                assert np.abs(cut(sheet, row, column).astype(int) - wanted).max() <= 2, "halves may be rounded"
        orders.add(tuple(key["rows"].values()))
    assert len(orders) > 2


def test_style_and_photographs_are_on_top(command):
    assert run(command) == 0
    sheet = Image.open("sheet.png")
    assert sheet.size == (MARGIN + 4 * (WIDTH + GAP), 5 * (CELL + GAP))
    style = Image.open("style.png")
    width = round(CELL * style.width / style.height)
    on_top = np.asarray(sheet)[:CELL, MARGIN : MARGIN + width].astype(int)
    assert np.abs(on_top - np.asarray(style.resize((width, CELL), Image.Resampling.BICUBIC))).max() <= 1
    for n in range(4):
        assert np.array_equal(cut(sheet, 1, n), shown(Image.open(f"photos/{n}.png")))


def test_nothing_but_letters_is_beside_the_pictures(command):
    """With the pictures and the letters' margin taken away the sheet is white, and the margin is the same for all."""
    margins = []
    for seed in range(3):
        assert run([*command, "--seed", str(seed), "--overwrite"]) == 0
        picture = Image.open("sheet.png")
        assert not picture.info
        sheet = np.array(picture)
        margins.append(sheet[:, :MARGIN].copy())
        sheet[:CELL] = sheet[:, :MARGIN] = 255
        for row in range(1, 5):
            for column in range(4):
                cut(sheet, row, column)[:] = 255
        assert (sheet == 255).all()
    assert all(np.array_equal(margin, margins[0]) for margin in margins)
    assert (margins[0][: 2 * (CELL + GAP)] == 255).all()


@settings(deadline=None)
@given(st.permutations(["a", "b", "c", "d"]), st.integers(0, 2**32), st.sampled_from(["warm", "invert"]))
def test_the_order_given_does_not_show(labels, seed, style):
    def order(names):
        return [row.label for row in shuffle([Row(name, lambda path: None) for name in names], seed, style).values()]

    assert order(labels) == order("abcd")
    assert sorted(order(labels)) == list("abcd")


def test_another_style_has_another_order():
    rows = [Row(label, lambda path: None) for label in "abcdefgh"]
    orders = {tuple(row.label for row in shuffle(rows, 0, style).values()) for style in ("warm", "invert", "night")}
    assert len(orders) == 3


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=3),
    st.tuples(st.integers(1, 200), st.integers(1, 20)),
)
def test_pictures_of_any_shape_are_arranged(sizes, style):
    def picture(size):
        return np.zeros((size[1], size[0], 3), np.uint8)

    photographs = [picture(size) for size in sizes]
    twice = [picture((2 * width, 2 * height)) for width, height in sizes]
    small, large = (arrange(picture(style), photographs, {"A": row, "B": row}) for row in (photographs, twice))
    assert np.array_equal(small, large), "however large a painting is, it is shown as large as its photograph"
    assert len(small) == 4 * (CELL + GAP)


def test_without_a_seed_one_is_drawn_and_told(command):
    seeds = set()
    for _ in range(2):
        assert run([*command, "--overwrite"]) == 0
        seeds.add(read_key()["seed"])
    assert len(seeds) == 2


def test_what_is_said_does_not_give_it_away(command, capsys):
    assert run([*command[:-1], "sheet.jpg"]) == 0
    output = capsys.readouterr()
    assert "sheet.key.json" in output.err
    assert not any(label in output.out + output.err for label in ("ours", "theirs", "tiny"))


@pytest.mark.parametrize("there", ["sheet.png", "sheet.key.json"])
def test_nothing_is_replaced_unasked(command, capsys, lessons, there):
    Path(there).write_bytes(b"mine")
    before = sorted(lessons.iterdir())
    assert run(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert Path(there).read_bytes() == b"mine"
    assert sorted(lessons.iterdir()) == before
    assert run([*command, "--overwrite"]) == 0
    assert read_key()["style"] == "warm"


def test_a_sheet_that_cannot_be_written_leaves_no_key(command, lessons, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("murai.sinks.picture.save_picture", full)
    before = sorted(lessons.iterdir())
    assert run(command) == 2
    assert sorted(lessons.iterdir()) == before


def test_only_so_many_photographs(command):
    assert run([*command, "--limit", "2"]) == 0
    assert read_key()["photographs"] == ["0.png", "1.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--pack", "pack"], "there are 1 rows to judge"),
        (["--pack", "pack", "pack"], "two rows are called 'tiny'"),
        (["--pack", "pack", "--row", "tiny=ours"], "two rows are called 'tiny'"),
        (["--pack", "pack", "other"], "has the style 'warm'"),
        (["--pack", "nothing"], "no pack 'nothing'"),
        (["--row", "ours"], "write LABEL=FOLDER"),
        (["--row", "=ours"], "write LABEL=FOLDER"),
        (["--row", "ours=nowhere"], "there is no folder nowhere"),
        (["--row", "ours=empty"], "no photograph of which every row has a painting"),
        (["--row", "a=ours", "b=square"], "the painting of 0.png by b is 40x40, the photograph 48x40"),
        (["--row", "a=ours", "b=broken"], "0.png is not a picture"),
        (["--row", *(f"r{n}=ours" for n in range(27))], "there are 27 rows"),
        (["--pack", "pack", "--row", "a=ours", "--photos", "empty"], "holds no photograph"),
        (["--pack", "pack", "--row", "a=ours", "--style-image", "warm"], "write NAME=FILE"),
        (["--pack", "pack", "--row", "a=ours", "--style-image", "warm=none.png"], "none.png"),
        (["--pack", "pack", "--row", "a=ours", "--out", "sheet.txt"], "no kind of picture"),
        (["--pack", "pack", "--row", "a=ours", "--out", "nowhere/sheet.png"], "nowhere is not a folder"),
    ],
)
def test_bad_input_is_one_sentence(command, lessons, capsys, arguments, sentence):
    for name in ("empty", "square", "broken"):
        (lessons / name).mkdir()
    Image.new("RGB", (40, 40)).save("square/0.png")
    Path("broken/0.png").write_bytes(b"nothing")
    make_pack(lessons / "other", "other", names=["night"])
    command = [*basic(), "--out", "sheet.png"]
    for option in ("--photos", "--style-image", "--out"):
        if option in arguments:
            at = command.index(option)
            del command[at : at + 2]
    assert run([*command, *arguments]) == 2
    output = capsys.readouterr()
    assert sentence in output.err
    assert "Traceback" not in output.err
    assert not output.out
    assert not list(lessons.glob("sheet*"))


def test_public_paintings_have_a_row_beside_another(tmp_path):
    painted = SHARED / "trials" / "public" / "great_wave"
    style = SHARED / "styles" / "hokusai-great_wave.jpg"
    if not painted.is_dir() or not style.is_file():
        pytest.skip(f"there are no paintings in {painted}, or no picture {style}")
    rows = ["--row", f"public={painted}", "--row", f"photograph={SHARED / 'photos' / 'eval'}"]
    out = ["--out", str(tmp_path / "sheet.jpg"), "--limit", "2"]
    where = ["--photos", str(SHARED / "photos" / "eval"), "--style-image", f"great_wave={style}"]
    assert run(["measure", "blind", *where, *rows, *out]) == 0
    assert set(read_key(tmp_path / "sheet.key.json")["rows"].values()) == {"public", "photograph"}
