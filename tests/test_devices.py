"""Devices by number and by name."""

from murai.devices import choose, listed

NAMES = ("HDMI-1 Beamer", "DP-2 Monitor", "7 inch")


def test_a_number_counts_from_one_and_a_part_of_a_name_finds_the_first():
    assert [choose(wanted, NAMES) for wanted in ("1", "3", "DP", "HDMI-1 Beamer", "1 B", "inch")] == [0, 2, 1, 0, 0, 2]


def test_what_is_not_there_is_not_found():
    assert [choose(wanted, NAMES) for wanted in ("0", "4", "7", "VGA")] == [None] * 4
    assert choose("1", ()) is None


def test_all_are_listed():
    assert listed(NAMES[:2]) == "1 (HDMI-1 Beamer), 2 (DP-2 Monitor)"
    assert listed(()) == "none"
