from murai.measure.tables import markdown


def test_a_table_in_markdown():
    lines = markdown(["a", "b"], [["x", 1 / 3], [None, 12000], [2796.0, 1.5]]).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| x | 0.333 |", "| – | 12,000 |", "| 2,796 | 1.500 |"]
