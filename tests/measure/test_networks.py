import numpy as np
import pytest

from murai.errors import PackError, UnknownStyle
from murai.measure.networks import Taught, Unpainted, choose
from murai.packs import StylePack
from tests.packs_support import make_pack, paint, vector


@pytest.fixture
def known(tmp_path):
    return [StylePack.load(make_pack(tmp_path / "one", "one")), StylePack.load(make_pack(tmp_path / "two", "two"))]


def names(taught):
    return [(each.pack.name, each.style.name) for each in taught]


def test_all_styles_of_all_packs_are_measured_unless_some_are_named(known, tmp_path):
    everything = [("one", "invert"), ("one", "warm"), ("two", "invert"), ("two", "warm")]
    assert names(choose([], [], known)) == everything
    assert names(choose(["two"], [], known)) == everything[2:]
    assert names(choose([], ["warm"], known)) == everything[1::2]
    assert names(choose([str(tmp_path / "two")], ["warm"], [])) == everything[3:]


def test_what_is_not_there_is_one_sentence_that_says_what_is(known, tmp_path):
    with pytest.raises(UnknownStyle, match=r"no pack 'three'.*: one, two"):
        choose(["three"], [], known)
    with pytest.raises(UnknownStyle, match="style 'cold'; there are invert, warm"):
        choose([], ["warm", "cold"], known)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackError, match="not a whole style pack"):
        choose([str(tmp_path / "empty")], [], known)


def test_two_packs_of_one_name_are_not_told_apart_by_chance(known, tmp_path):
    other = make_pack(tmp_path / "other" / "one", "one")
    with pytest.raises(PackError, match="called 'one'"):
        choose(["one", str(other)], [], known)
    assert names(choose([], ["warm"], [*known, StylePack.load(other)])) == [("one", "warm"), ("two", "warm")]


def test_a_style_is_painted_through_the_packs_graph(known):
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    warm = Taught(known[0], known[0].manifest.styles[1])
    wanted = paint(image, vector("warm"))
    assert np.abs(warm.stylizer()(image).astype(int) - wanted).max() <= 1  # halves may round either way


def test_the_key_changes_with_the_style_and_not_with_the_name_of_the_pack(known, tmp_path):
    keys = [Taught(pack, style).key for pack in known for style in pack.manifest.styles]
    assert keys[0] == keys[2] != keys[1] == keys[3]


@pytest.mark.parametrize(
    ("training", "seen", "steps", "minutes"),
    [
        (
            {
                "styles": {"invert": [{"steps": 30, "minutes": 1.5}, {"steps": 10, "minutes": 0.5}], "warm": []},
                "photographs_seen": {"invert": 80},
            },
            80,
            40,
            2.0,
        ),
        ({"styles": {"invert": [{"steps": 30}]}}, None, 30, None),
        ({"styles": {"invert": [{"steps": "many", "minutes": "few"}, 7]}, "photographs_seen": 3}, None, None, None),
        ({"styles": ["invert"]}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_the_facts_are_what_the_pack_says(tmp_path, training, seen, steps, minutes):
    pack = StylePack.load(make_pack(tmp_path / "pack", training=training))
    facts = Taught(pack, pack.manifest.styles[0]).facts
    assert facts == {
        "photographs_seen": seen,
        "steps": steps,
        "minutes": minutes,
        "mac_per_pixel": 27.0,
    }


def test_unpainted_pictures_are_themselves():
    image = np.zeros((2, 2, 3), np.uint8)
    assert Unpainted()(image) is image
