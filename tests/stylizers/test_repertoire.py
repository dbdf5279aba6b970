"""Walking through packs, with real ones and the real runtime."""

from collections import Counter

import numpy as np
import pytest

from murai.controls import Controls
from murai.errors import UnknownStyle
from murai.packs import StylePack
from murai.stylizers.openvino import OpenVINOStylizer
from murai.stylizers.repertoire import Repertoire
from tests.packs_support import make_pack, paint, vector

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def packs(tiny_pack, tmp_path_factory):
    """`tiny` with invert and warm, `dusk` with night and warm, and `spoiled`, whose network is none."""
    folder = tmp_path_factory.mktemp("others")
    spoiled = make_pack(folder / "spoiled", "spoiled", model=b"no graph")
    dusk = make_pack(folder / "dusk", "dusk", ("night", "warm"))
    return [StylePack.load(path) for path in (tiny_pack, dusk, spoiled)]


class Opener:
    """Opens packs with the real runtime and remembers which."""

    def __init__(self):
        self.opened = Counter()

    def __call__(self, pack):
        self.opened[pack.name] += 1
        return OpenVINOStylizer(pack, precision="f32")


@pytest.fixture
def opener():
    return Opener()


@pytest.fixture
def repertoire(packs, opener):
    return Repertoire(packs, packs[0], opener)


def play(repertoire, mix, **others):
    repertoire.use(Controls(mix=mix, **others))
    return repertoire(IMAGE)


def painted_in(picture, name):
    return np.abs(picture.astype(int) - paint(IMAGE, vector(name))).max() <= 1


def test_every_style_is_named_in_the_order_of_the_packs(repertoire):
    assert repertoire.names == (
        *("tiny/invert", "tiny/warm", "dusk/night", "dusk/warm"),
        *("spoiled/invert", "spoiled/warm"),
    )


def test_a_pack_and_a_name_change_to_that_pack(repertoire):
    for name in ("tiny/invert", "dusk/night", "tiny/warm", "dusk/warm"):
        assert painted_in(play(repertoire, {name: 1.0}), name.partition("/")[2])


def test_a_name_alone_stays_in_the_pack_in_use(repertoire):
    assert painted_in(play(repertoire, {"warm": 1.0}), "warm")
    play(repertoire, {"dusk/night": 1.0})
    assert painted_in(play(repertoire, {"warm": 1.0}), "warm")
    with pytest.raises(UnknownStyle):  # it is in the other pack only
        repertoire.use(Controls(mix={"invert": 1.0}))


def test_no_mix_is_the_first_style_of_the_pack_in_use(repertoire):
    assert painted_in(play(repertoire, {}), "invert")
    play(repertoire, {"dusk/warm": 1.0})
    assert painted_in(play(repertoire, {}), "night")


def test_a_blend_inside_one_pack_is_painted_however_it_is_written(repertoire):
    plain = play(repertoire, {"dusk/night": 0.25, "dusk/warm": 0.75})
    blend = 0.25 * vector("night") + 0.75 * vector("warm")
    assert np.abs(plain.astype(int) - paint(IMAGE, blend)).max() <= 1
    for mix in ({"night": 1.0, "dusk/warm": 3.0}, {"night": 0.25, "warm": 0.75}):
        assert np.array_equal(play(repertoire, mix), plain)


@pytest.mark.parametrize("mix", [{"tiny/warm": 1.0, "dusk/warm": 1.0}, {"invert": 1.0, "dusk/night": 1.0}])
def test_a_blend_across_packs_is_refused(repertoire, mix):
    with pytest.raises(UnknownStyle, match="one pack, not dusk, tiny"):
        repertoire.use(Controls(mix=mix))


@pytest.mark.parametrize(
    ("mix", "reason"),
    [
        ({"nowhere/warm": 1.0}, "no pack 'nowhere'; there are tiny, dusk"),
        ({"dusk/invert": 1.0}, "invert"),
        ({"tiny/warm": 1.0, "dusk/warm": 1.0}, "one pack"),
        ({"spoiled/warm": 1.0}, "'spoiled' cannot be used: .*get the pack again"),
    ],
)
def test_what_cannot_be_painted_is_said_and_changes_nothing(repertoire, mix, reason):
    before = play(repertoire, {"tiny/warm": 1.0}, keep_colors=True)
    with pytest.raises(UnknownStyle, match=reason):
        repertoire.use(Controls(mix=mix))
    assert np.array_equal(repertoire(IMAGE), before)
    assert painted_in(play(repertoire, {"invert": 1.0}), "invert")


def test_strength_boldness_and_colours_go_with_every_pack(repertoire):
    assert np.array_equal(play(repertoire, {"dusk/night": 1.0}, strength=0.0), IMAGE)
    half = play(repertoire, {"dusk/night": 1.0}, strength=0.5).astype(int)
    assert np.abs(half - (IMAGE.astype(int) + paint(IMAGE, vector("night"))) / 2).max() <= 1.5
    bold = play(repertoire, {"dusk/night": 1.0}, boldness=1.0).astype(int)
    assert np.abs(bold - paint(IMAGE, vector("night", 1.0))).max() <= 1
    kept = play(repertoire, {"dusk/night": 1.0}, keep_colors=True)
    assert not np.array_equal(kept, play(repertoire, {"dusk/night": 1.0}))


def test_packs_are_opened_once_and_only_when_asked_for(repertoire, opener):
    assert opener.opened == {"tiny": 1}
    for name in ("tiny/warm", "dusk/night", "tiny/invert", "dusk/warm", "dusk/night"):
        play(repertoire, {name: 1.0})
    assert opener.opened == {"tiny": 1, "dusk": 1}


def test_the_first_pack_of_a_name_counts_and_the_one_in_use_before_all(packs, opener, tmp_path):
    other = StylePack.load(make_pack(tmp_path / "tiny", "tiny", ("night",)))
    assert Repertoire([*packs[:2], other], packs[1], opener).names[:2] == ("tiny/invert", "tiny/warm")
    assert Repertoire([other, *packs[:2]], packs[1], opener).names[:1] == ("tiny/night",)
    named = Repertoire(packs[:2], other, opener)
    assert named.names == ("tiny/night", "dusk/night", "dusk/warm")
    assert painted_in(play(named, {}), "night")


def test_a_pack_that_was_not_found_but_named_by_its_path_is_there_too(packs, opener):
    repertoire = Repertoire([packs[1]], packs[0], opener)
    assert repertoire.names == ("dusk/night", "dusk/warm", "tiny/invert", "tiny/warm")
    assert painted_in(play(repertoire, {}), "invert")


class Remembers:
    """A stylizer that adds up what it has painted, as one with a memory of the pictures before."""

    def __init__(self, pack):
        self.memory = 0

    def use(self, controls):
        """Nothing to set."""

    def reset(self):
        self.memory = 0

    def __call__(self, image):
        self.memory += 1
        return image + self.memory


def test_a_reset_and_a_change_of_pack_forget_what_was_painted_before(packs):
    repertoire, black = Repertoire(packs[:2], packs[0], Remembers), np.zeros((2, 2, 3), np.uint8)

    def paints():
        return int(repertoire(black).max())

    assert [paints(), paints()] == [1, 2]
    repertoire.use(Controls(mix={"warm": 1.0}))
    assert paints() == 3, "a style of the same pack goes on from the pictures before"
    repertoire.use(Controls(mix={"dusk/warm": 1.0}))
    assert paints() == 1
    repertoire.use(Controls(mix={"tiny/warm": 1.0}))
    assert paints() == 1
    repertoire.reset()
    assert paints() == 1
