"""Visits that time the booth."""

from pathlib import Path

import pytest

from murai.booth import trial
from murai.booth.trial import Trial, table
from murai.errors import BoothError
from tests.booth.visits import booth


class Screen:
    """A window that presents something whenever it is looked at."""

    presented = 0


def test_visits_are_walked_through_and_timed(tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "CALM", 0.2)
    monkeypatch.setattr(trial, "WARM_UP", 1.0)
    with booth(tmp_path / "booth", tiny_pack, kinds=["single"], pictures={"quality": "fine"}) as one:
        screen = Screen()
        walk = Trial(one, screen, 2)
        with pytest.raises(BoothError, match="before a visit was over"):
            assert walk.figures

        def over() -> bool:
            screen.presented += 1
            return walk()

        one.play(over)
        pictures = len(one.gallery.all(10))
    figures = walk.figures
    assert figures["visits"] == pictures == 2
    assert 0 < figures["shown_seconds_median"] <= figures["shown_seconds_most"]
    assert figures["full_seconds_median"] > figures["shown_seconds_median"] / 2
    assert 0 < figures["mirror_fps_least"] <= figures["mirror_fps_mean"] < 60
    assert "| 160x90 | 2 |" in table({"size": "160x90", **figures})
