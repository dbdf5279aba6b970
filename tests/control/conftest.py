import dataclasses

import pytest

from murai.control.player import Player
from murai.control.scenes import Scenes
from murai.controls import Controls

STYLES = ("night/stars", "night/moon", "sea/wave", "sea/moon")


class Show:
    """What a pipeline does with controls, without the rest."""

    def __init__(self):
        self.controls = Controls(mix={"night/stars": 1.0})

    def update(self, **changes):
        self.controls = dataclasses.replace(self.controls, **changes)


@pytest.fixture
def show():
    return Show()


@pytest.fixture
def scenes(tmp_path):
    return Scenes(tmp_path / "scenes")


@pytest.fixture
def player(show, scenes):
    return Player(show, STYLES, scenes=scenes)
