import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.cli import run  # noqa: E402
from murai.measure.contact import CELL  # noqa: E402
from murai.train.figures import Yardstick  # noqa: E402
from murai.train.losses import content_loss, style_loss  # noqa: E402
from murai.train.photos import style_picture, to_tensor  # noqa: E402
from murai.train.quality import centre_picture, style_grams  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402
from tests.packs_support import STYLES, make_pack, paint, vector  # noqa: E402

LAYERS = ["relu1_2", "relu2_2", "relu3_3", "relu4_1"]
WARM = ["--style-image", "warm=style.png"]
BOTH = [*WARM, "--style-image", "invert=style.png"]


@pytest.fixture
def command(lessons):
    """A quick measurement of the tiny pack; style pictures are to be added."""
    where = ["--photos", "photos", "--pack", "pack", "--loss-network", "vgg19.safetensors"]
    return ["measure", "quality", *where, "--size", "32"]


@pytest.fixture
def show(capsys):
    """What a command prints as JSON."""

    def show(arguments):
        assert run([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return show


def find(figures, network, style="warm"):
    return [row for row in figures["rows"] if (row["network"], row["style"]) == (network, style)]


def expected(photos, style, crop=None):
    """Mean figures of what the tiny pack should paint, by hand."""
    network = load_loss_network(Path("vgg19.safetensors"))
    picture = style_picture(Path("style.png"), crop=crop)
    grams, yardstick = style_grams(network, picture), Yardstick(network, picture)
    found = []
    for photo in photos:
        x = np.array(centre_picture(Path(photo), 32))
        painted = to_tensor(Image.fromarray(paint(x, vector(style))))
        seen, wanted = (network(p[None]) for p in (painted, to_tensor(Image.fromarray(x))))
        losses = {"content": float(content_loss(seen, wanted)), "style_loss": float(style_loss(seen, grams))}
        found.append(yardstick.measure(painted, seen, wanted["relu3_3"]) | losses)
    # halves may be rounded either way
    return {name: pytest.approx(np.mean([each[name] for each in found]), rel=0.05) for name in found[0]}


def test_json_is_one_object_of_what_the_network_paints(command, show):
    figures = show([*command, *BOTH, "--limit", "3"])
    assert list(figures) == ["photos", "size", "loss_network", "rows", "means"]
    assert (figures["photos"], figures["size"]) == (3, 32)
    assert figures["loss_network"]["name"] == "vgg19"
    assert figures["loss_network"]["input"] == "caffe"
    for style, crop in (("invert", (10, 5, 50, 40)), ("warm", None)):
        (row,) = find(figures, "tiny", style)
        wanted = expected([f"photos/{n}.png" for n in range(3)], style, crop)
        assert row == {
            "network": "tiny",
            "style": style,
            "layers": {layer: wanted.pop(layer) for layer in LAYERS},
            **wanted,
            "total": pytest.approx(row["content"] + 5 * row["style_loss"]),
            "photographs": 3,
            "crop": list(crop) if crop else None,
            "photographs_seen": 60,
            "steps": 30,
            "minutes": 1.5,
            "mac_per_pixel": 27.0,
        }


def test_photographs_themselves_are_a_row_of_every_style(command, show):
    for style in ("invert", "warm"):
        (row,) = find(show([*command, *BOTH]), "photograph", style)
        assert row["content"] == 0
        assert row["structure"] == 1
        assert row["total"] == 5 * row["style_loss"] > 0
        assert row["steps"] is row["photographs_seen"] is None


def test_the_crop_is_that_of_the_pack(command, show, lessons):
    (cropped,) = find(show([*command, "--style-image", "invert=style.png"]), "tiny", "invert")
    Image.open("style.png").crop((10, 5, 60, 45)).save("section.png")
    make_pack(lessons / "pack2", "other")
    whole = [("pack2" if word == "pack" else word) for word in command]
    (of_section,) = find(show([*whole, "--style-image", "invert=section.png"]), "other", "invert")
    (of_all,) = find(show([*whole, "--style-image", "invert=style.png"]), "other", "invert")
    assert cropped["style_loss"] == pytest.approx(of_section["style_loss"], rel=1e-5)
    assert cropped["style_loss"] != pytest.approx(of_all["style_loss"], rel=1e-2)


def test_optimization_is_compared_on_its_own_photographs(command, show, capsys):
    figures = show([*command, *WARM, "--gatys", "6", "--gatys-photos", "2"])
    (gatys,) = find(figures, "gatys-6")
    assert (gatys["photographs"], gatys["steps"], gatys["minutes"]) == (2, 6, None)
    for network in ("photograph", "tiny"):
        all_five, two = find(figures, network)
        assert (all_five["photographs"], two["photographs"]) == (5, 2)
        (alone,) = find(show([*command, *WARM, "--limit", "2"]), network)
        assert two == alone
    photograph = find(figures, "photograph")[1]
    assert gatys["total"] < photograph["total"]
    assert gatys["content"] > 0
    assert gatys["structure"] < photograph["structure"] == 1
    assert gatys["palette"] < photograph["palette"]
    means = {(row["network"], row["photographs"]): row for row in figures["means"]}
    assert len(means) == len(figures["rows"]), "there is one style"
    assert means["gatys-6", 2]["effectiveness"] == gatys["effectiveness"]


def test_more_photographs_to_optimize_than_there_are_means_all(command, show):
    figures = show([*command, *WARM, "--gatys", "1", "--gatys-photos", "9", "--limit", "1"])
    assert [(row["network"], row["photographs"]) for row in figures["rows"]] == [
        ("photograph", 1),
        ("tiny", 1),
        ("gatys-1", 1),
    ]


def test_a_style_that_no_pack_has_can_be_optimized_only(command, show, capsys):
    other = [*command, "--style-image", "wall=style.png", "--limit", "1"]
    assert run(other) == 2
    assert "no pack that is measured has the style 'wall'" in capsys.readouterr().err
    assert {row["network"] for row in show([*other, "--gatys", "1"])["rows"]} == {"photograph", "gatys-1"}


def test_an_interrupted_run_goes_on_from_its_finished_rows(command, show, monkeypatch, capsys):
    from murai.measure import networks, quality

    painted = []

    class Stylizer(networks.OpenVINOStylizer):
        def __call__(self, image):
            if stop and len(painted) == 4:
                raise KeyboardInterrupt
            painted.append(next(iter(self.mix)))
            return super().__call__(image)

    monkeypatch.setattr(networks, "OpenVINOStylizer", Stylizer)
    stop = True
    with pytest.raises(SystemExit, match="130"):
        sys.exit(run([*command, *BOTH, "--limit", "3"]))
    stop = False
    figures = show([*command, *BOTH, "--limit", "3"])
    assert painted == ["invert"] * 3 + ["warm"] * 4, "the row that was finished is not painted again"
    assert show([*command, *BOTH, "--limit", "3"]) == figures
    assert len(painted) == 7
    show([*command, *BOTH, "--limit", "2"])
    assert len(painted) == 11, "other photographs are another measurement"
    monkeypatch.setattr(quality, "VERSION", -1)
    assert show([*command, *BOTH, "--limit", "2"])["rows"]
    assert len(painted) == 15


@pytest.mark.parametrize("change", ["size", "style", "loss network", "photograph", "pack"])
def test_what_is_cached_is_only_what_is_the_same(command, show, lessons, monkeypatch, change):
    before = find(show([*command, *WARM, "--limit", "1"]), "tiny")
    if change == "size":
        command[command.index("--size") + 1] = "40"
    elif change == "style":
        Image.open("style.png").rotate(90).crop((20, 10, 60, 50)).save("style.png")
    elif change == "loss network":
        command += ["--loss-input", "imagenet"]
    elif change == "photograph":
        Image.open("photos/1.png").save("photos/0.png")
    else:
        monkeypatch.setitem(STYLES, "warm", STYLES["night"])
        shutil.rmtree("pack")
        make_pack(lessons / "pack")
    after = find(show([*command, *WARM, "--limit", "1"]), "tiny")
    assert after[0]["total"] != before[0]["total"]
    assert after[0]["effectiveness"] != before[0]["effectiveness"]


def test_the_sheet_shows_paintings_only(command, capsys):
    assert run([*command, *BOTH, "--gatys", "1", "--gatys-photos", "1", "--limit", "2", "--sheet", "sheet.png"]) == 0
    sheet = np.asarray(Image.open("sheet.png")).astype(int)
    assert sheet.shape[1] == 4 * CELL, "invert and warm, painted by the network and by optimization"
    assert sheet.shape[0] - 2 * CELL in range(20, 80)
    for row in range(2):
        photograph = np.array(centre_picture(Path(f"photos/{row}.png"), 32))
        wanted = paint(photograph, vector("invert"))
        cell = sheet[sheet.shape[0] - (2 - row) * CELL :, :CELL][:CELL]
        assert np.abs(cell.mean((0, 1)) - wanted.mean((0, 1))).max() < 3


def test_means_are_those_over_the_styles(command, show):
    figures = show([*command, *BOTH, "--limit", "2"])
    assert [(row["network"], row["styles"], row["photographs"]) for row in figures["means"]] == [
        ("photograph", 2, 2),
        ("tiny", 2, 2),
    ]
    both = [row for row in figures["rows"] if row["network"] == "tiny"]
    for name in ("effectiveness", "structure", "palette", "contrast", "gradient", "total"):
        assert figures["means"][1][name] == pytest.approx(np.mean([row[name] for row in both]))
    for layer in LAYERS:
        assert figures["means"][1]["layers"][layer] == pytest.approx(np.mean([row["layers"][layer] for row in both]))


def test_without_json_it_is_a_table_a_style_and_one_of_means(command, capsys):
    head = (
        f"photographs | effectiveness | {' | '.join(LAYERS)} | structure kept | palette distance | contrast | gradient"
    )
    assert run([*command, *WARM, "--limit", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"| network | style | {head} | total, for reference | photographs seen a style |")
    assert [line.split(" | ")[:3] for line in lines[2:]] == [["| photograph", "warm", "1"], ["| tiny", "warm", "1"]]
    assert run([*command, *BOTH, "--limit", "1"]) == 0
    tables = [text.splitlines() for text in capsys.readouterr().out.split("\n\n")]
    firsts = [[line.split(" | ")[:3] for line in lines[2:]] for lines in tables]
    assert firsts == [[["| photograph", of, "1"], ["| tiny", of, "1"]] for of in ("invert", "warm", "2")]
    assert tables[2][0] == f"| network | styles | {head} | total, for reference |"
    assert all(len({line.count("|") for line in lines}) == 1 for lines in tables)


def test_the_cache_is_where_it_is_said_to_be(command, show, lessons):
    show([*command, *WARM, "--limit", "1"])
    assert len(list((lessons.parent / "cache" / "murai" / "measure").iterdir())) == 2
    show([*command, *WARM, "--limit", "1", "--cache", "mine"])
    assert len(list(Path("mine").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--photos", "nowhere"], "there is no folder nowhere"),
        (["--photos", "empty"], "holds no photograph"),
        (["--style-image", "warm"], "write NAME=FILE"),
        (["--style-image", "=style.png"], "write NAME=FILE"),
        (["--style-image", "warm=style.png"], "twice"),
        (["--style-image", "invert=none.png"], "none.png"),
        (["--style-image", "invert=tiny.png"], "the crop 10,5,50,40 does not fit"),
        (["--pack", "nothing"], "no pack 'nothing'"),
        (["--loss-network", "style.png"], "cannot be read as weights"),
        (["--sheet", "nowhere/sheet.jpg"], "nowhere/sheet.jpg cannot be written"),
        (["--cache", "style.png"], "give another --cache"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_bad_input_is_one_sentence(command, capsys, lessons, arguments, sentence):
    (lessons / "empty").mkdir()
    Image.new("RGB", (40, 40)).save("tiny.png")
    command += WARM
    if (option := arguments[0]) in command and option != "--style-image":
        command[command.index(option) + 1] = arguments[1]
    else:
        command += arguments
    assert run(command) == 2
    output = capsys.readouterr()
    assert sentence in output.err
    assert "Traceback" not in output.err
    assert not output.out
