"""Gentle painting judged: by vectors beside by pixels."""

import pytest

torch = pytest.importorskip("torch")

from murai.cli import run  # noqa: E402
from murai.measure import strength  # noqa: E402
from murai.measure.strength import measure_strength, table  # noqa: E402
from murai.packs import StylePack  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402
from tests.packs_support import PHOTOGRAPH, make_pack  # noqa: E402


@pytest.fixture
def pack(lessons):
    return make_pack(lessons / "gentle", photograph=PHOTOGRAPH)


def test_both_ways_are_judged_where_they_keep_as_much(pack, lessons):
    judge = load_loss_network(lessons / "vgg19.safetensors")
    photographs = sorted((lessons / "photos").iterdir())[:2]
    rows = measure_strength(StylePack.load(pack), {"warm": lessons / "style.png"}, photographs, judge, size=32)
    assert [(row["style"], row["strength"]) for row in rows] == [("warm", 0.1), ("warm", 0.3), ("warm", 0.6)]
    contents = [row["content"] for row in rows]
    assert 0 < contents[0] < contents[1] < contents[2]
    assert len(table(rows).splitlines()) == 5


def test_pixels_mixed_as_pixels_are_their_own_equal(pack, lessons, monkeypatch):
    """Were the vectors to mix pixels, both ways would be the same."""
    monkeypatch.setattr(strength, "by_vectors", strength.by_pixels)
    judge = load_loss_network(lessons / "vgg19.safetensors")
    photographs = sorted((lessons / "photos").iterdir())[:1]
    for row in measure_strength(StylePack.load(pack), {"warm": lessons / "style.png"}, photographs, judge, size=32):
        assert row["style_loss"] == pytest.approx(row["mixed_style_loss"], rel=1e-5)


def test_the_command_prints_it_and_an_unknown_style_is_refused(pack, lessons, capsys):
    command = ["measure", "strength", "--style", str(pack), "--name", "warm", "--out", "sheet.jpg", "--overwrite"]
    command += ["--photos", "photos", "--limit", "1", "--loss-network", "vgg19.safetensors", "--style-image"]
    assert run([*command, "warm=style.png"]) == 0
    assert "at the same content loss" in capsys.readouterr().out
    assert run([*command, "nobody=style.png"]) == 2
    assert "nobody" in capsys.readouterr().err
