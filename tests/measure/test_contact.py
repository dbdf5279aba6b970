import numpy as np
import pytest

from murai.errors import SinkError
from murai.measure.contact import CELL, LINE, contact_sheet
from murai.sinks.picture import refuse_picture


def flat(value):
    return np.full((32, 32, 3), value, np.uint8)


def test_every_painting_has_its_place_under_its_label():
    labels = [("wall", "one"), ("a name that is far too long for one cell" * 2, "two")]
    sheet = contact_sheet(labels, [[flat(10), flat(20)], [flat(30)]])
    assert sheet.shape == (2 * LINE + 2 * CELL, 2 * CELL, 3)
    for row, column, value in ((0, 0, 10), (1, 0, 20), (0, 1, 30), (1, 1, 255)):
        cell = sheet[2 * LINE + CELL * row :, CELL * column :][:CELL, :CELL]
        assert (cell == value).all()
    for line in range(2):
        for column in range(2):
            label = sheet[LINE * line : LINE * (line + 1), CELL * column :][:, :CELL]
            assert (label < 100).any()
            assert (label[:, -4:] == 255).all(), "labels do not run into each other"


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    for name in ("sheet", "sheet.gif", "sheet.txt", "nowhere/sheet.jpg", "folder.jpg"):
        with pytest.raises(SinkError):
            refuse_picture(tmp_path / name)
    refuse_picture(tmp_path / "sheet.JPG")
