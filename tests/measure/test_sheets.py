import numpy as np
import pytest

from murai.errors import UnknownStyle
from murai.measure.sheets import (
    CAPTION,
    FLATS,
    HEIGHT,
    STRENGTHS,
    WIDTH,
    blend_sheet,
    by_pixels,
    by_vectors,
    flat_errors,
    flats,
    strength_sheet,
)
from murai.packs import StylePack
from tests.packs_support import PHOTOGRAPH, make_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return StylePack.load(make_pack(tmp_path_factory.mktemp("packs") / "tiny", photograph=PHOTOGRAPH))


def cut(sheet, row, column):
    top = row * (HEIGHT + CAPTION) + CAPTION
    return np.asarray(sheet)[top : top + HEIGHT, column * WIDTH : (column + 1) * WIDTH].astype(float)


def test_a_path_begins_and_ends_with_its_styles_and_goes_through_their_mean(pack):
    sheet = blend_sheet(pack, [("invert", "warm"), ("warm", "invert")], steps=3)
    assert sheet.size == (3 * WIDTH, 2 * (HEIGHT + CAPTION))
    assert np.array_equal(cut(sheet, 0, 0), cut(sheet, 1, 2))
    assert np.array_equal(cut(sheet, 0, 1), cut(sheet, 1, 1))
    assert not np.array_equal(cut(sheet, 0, 0), cut(sheet, 0, 1))


def test_a_path_to_nowhere_is_refused(pack):
    with pytest.raises(UnknownStyle, match="nonesuch"):
        blend_sheet(pack, [("invert", "nonesuch")])


def test_the_sheet_of_strengths_sets_vectors_over_pixels(pack):
    sheet = strength_sheet(pack, ["invert"])
    assert sheet.size == (2 * len(STRENGTHS) * WIDTH, 2 * (HEIGHT + CAPTION))
    # This pack is linear, so away from the edges of its blur both ways are the same on flat colours.
    for column in (1, 3, 5):
        middle = np.s_[20:60, 20:80]
        assert np.abs(cut(sheet, 0, column)[middle] - cut(sheet, 1, column)[middle]).max() <= 1


def test_flat_areas_show_every_colour():
    found = {tuple(color) for color in flats().reshape(-1, 3)}
    assert found == set(FLATS)


def test_a_linear_pack_never_strays(pack):
    for paint in (by_vectors, by_pixels):
        assert max(flat_errors(pack, paint).values()) < 1
