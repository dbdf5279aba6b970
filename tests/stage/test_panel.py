"""Lines over the picture, and the mouse on them."""

import numpy as np
import pytest

from murai.stage.panel import BAR, LINE, MARGIN, Line, Panel


def test_a_panel_is_as_large_as_its_lines():
    small, large = Panel([Line("a")]).draw(), Panel([Line("a"), Line("a much longer line")]).draw()
    assert small.shape[0] == 2 * MARGIN + LINE
    assert large.shape[0] == 2 * MARGIN + 2 * LINE
    assert large.shape[1] > small.shape[1]
    assert small.dtype == np.uint8
    assert small.shape[2] == 4
    assert small[..., :3].max() > 200, "something is written"


def test_a_bar_is_full_to_its_share():
    picture = Panel([Line("half", 0.5)]).draw()
    row = picture[MARGIN + LINE // 2, MARGIN : MARGIN + BAR, 0].astype(int)
    assert abs(int((row > 200).sum()) - BAR // 2) <= 1


def test_a_low_window_gets_columns_and_the_mouse_finds_them():
    played = []
    lines = [Line(f"line {n}", 0.0, lambda share, n=n: played.append((n, share)), slides=True) for n in range(10)]
    panel = Panel(lines, 2 * MARGIN + 4 * LINE)
    picture = panel.draw()
    assert picture.shape[0] == 2 * MARGIN + 4 * LINE
    third = picture.shape[1] // 3
    for column, number in ((0, 1), (1, 5), (2, 9)):
        assert panel.press(column * third + MARGIN + BAR / 2, MARGIN + LINE + 5)
        assert played.pop() == (number, pytest.approx(0.5, abs=0.02))
    assert not panel.press(2 * third + MARGIN + 5, MARGIN + 3 * LINE + 5), "the last column is shorter"
    assert not panel.press(picture.shape[1] + 5, MARGIN + 5)


def test_the_mouse_plays_the_bar_it_is_on():
    played = []
    panel = Panel([Line("text"), Line("bar", 0.2, played.append, slides=True), Line("act", None, played.append)])
    y = [MARGIN + LINE * number + 5 for number in range(3)]
    assert not panel.press(MARGIN + 5, y[0])
    assert panel.press(MARGIN + BAR * 0.25, y[1])
    assert not panel.press(MARGIN + BAR + 5, y[1]), "beside the bar"
    assert panel.press(MARGIN + BAR + 5, y[2])
    assert not panel.press(MARGIN, y[2] + LINE)
    assert not panel.press(MARGIN, 1)
    assert played == [0.25, 1.0]


def test_what_does_not_slide_is_pressed_anywhere_in_its_line_and_once():
    played = []
    panel = Panel([Line("choose", 0.2, played.append)])
    for x in (MARGIN + 5, MARGIN + BAR + 20):
        assert panel.press(x, MARGIN + 5)
        assert not panel.press(x, MARGIN + 5, moved=True)
    assert played == [1.0, 1.0]


def test_what_is_too_wide_stands_on_further_pages_each_with_a_title():
    lines = [Line(f"line {n}", None, lambda share, n=n: played.append(n)) for n in range(12)]
    height, played = 2 * MARGIN + 5 * LINE, []
    wide = Panel(lines, height, titled=True).draw().shape[1]
    pages = [Panel(lines, height, wide - 1, page=page, titled=True) for page in range(2)]
    assert [page.pages for page in pages] == [2, 2]
    first, second = (page.draw("title") for page in pages)
    assert wide > first.shape[1] > second.shape[1]
    for picture in (first, second):
        assert picture.shape[0] == height
        assert picture[MARGIN : MARGIN + LINE, :60, :3].max() > 200, "its title"
    assert not pages[1].press(MARGIN + 5, MARGIN + 5), "the title is not played"
    assert pages[1].press(MARGIN + 5, MARGIN + LINE + 5)
    assert played == [8]
    assert Panel(lines, height, 10, titled=True).pages == 3, "a column is a page at least"
    assert Panel([], titled=True).draw("title").shape[0] == 2 * MARGIN + LINE
