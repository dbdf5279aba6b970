"""Scenes: the state of every control under a name."""

from pathlib import Path

from murai.kept import Kept


class Scenes(Kept):
    """The scenes in `folder`, by the JSON names of the controls; one may leave some out."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "scene", "controls")
