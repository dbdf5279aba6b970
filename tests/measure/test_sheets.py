import numpy as np
import pytest

from murai.errors import UnknownStyle
from murai.measure.sheets import CAPTION, HEIGHT, WIDTH, blend_sheet, boldness_sheet, people, scene, styles_sheet
from murai.packs import StylePack
from tests.packs_support import make_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return StylePack.load(make_pack(tmp_path_factory.mktemp("packs") / "tiny"))


def cut(sheet, row, column):
    top = row * (HEIGHT + CAPTION) + CAPTION
    return np.asarray(sheet)[top : top + HEIGHT, column * WIDTH : (column + 1) * WIDTH].astype(float)


def test_a_path_begins_and_ends_with_its_styles_and_goes_through_their_mean(pack):
    sheet = blend_sheet(pack, [("invert", "warm"), ("warm", "invert")], scene(), steps=3)
    assert sheet.size == (3 * WIDTH, 2 * (HEIGHT + CAPTION))
    assert np.array_equal(cut(sheet, 0, 0), cut(sheet, 1, 2))
    assert np.array_equal(cut(sheet, 0, 1), cut(sheet, 1, 1))
    assert not np.array_equal(cut(sheet, 0, 0), cut(sheet, 0, 1))


def test_a_path_to_nowhere_is_refused(pack):
    with pytest.raises(UnknownStyle, match="nonesuch"):
        blend_sheet(pack, [("invert", "nonesuch")], scene())


def test_the_sheet_of_boldness_goes_from_one_end_to_the_other(pack):
    from murai.controls import Controls
    from murai.stylizers.openvino import OpenVINOStylizer

    sheet = boldness_sheet(pack, ["invert", "warm"], scene(), steps=3)
    assert sheet.size == (3 * WIDTH, 2 * (HEIGHT + CAPTION))
    stylizer = OpenVINOStylizer(pack, precision="f32")
    for column, boldness in enumerate((0.0, 0.5, 1.0)):
        stylizer.use(Controls(mix={"warm": 1.0}, boldness=boldness))
        assert np.array_equal(cut(sheet, 1, column), stylizer(scene()))
    assert not np.array_equal(cut(sheet, 0, 0), cut(sheet, 0, 2))


def test_every_picture_has_every_style(pack):
    sheet = styles_sheet(pack, [scene(), people()], across=2)
    assert sheet.size == (2 * WIDTH, 4 * (HEIGHT + CAPTION)), "two rows each: itself and two styles, filled up"
    assert np.array_equal(cut(sheet, 0, 0), scene())
    assert np.array_equal(cut(sheet, 1, 1), scene())
    shown = [cut(sheet, row, column).tobytes() for row in range(4) for column in range(2)]
    assert len(set(shown)) == 6


def test_the_clip_shows_people_as_they_are_in_it():
    assert people().shape == (360, 640, 3)
    assert not np.array_equal(people(0), people(100))
