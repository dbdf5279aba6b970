"""Lines over the picture, and the mouse on them."""

import numpy as np

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


def test_the_mouse_plays_the_bar_it_is_on():
    played = []
    panel = Panel([Line("text"), Line("bar", 0.2, played.append), Line("act", None, played.append)])
    y = [MARGIN + LINE * number + 5 for number in range(3)]
    assert not panel.press(MARGIN + 5, y[0])
    assert panel.press(MARGIN + BAR * 0.25, y[1])
    assert not panel.press(MARGIN + BAR + 5, y[1]), "beside the bar"
    assert panel.press(MARGIN + BAR + 5, y[2])
    assert not panel.press(MARGIN, y[2] + LINE)
    assert not panel.press(MARGIN, 1)
    assert played == [0.25, 1.0]
