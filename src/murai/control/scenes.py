"""Scenes: the state of every control under a name, one TOML file each."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from murai.errors import ControlError, MuraiError
from murai.sinks.whole import WholeFile

VERSION = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
LARGEST = 65_536
"""Bytes of a scene, above which it is none."""


class Scenes:
    """The scenes in `folder`, which is made when the first is saved.

    A file says `version` and has a table `controls`, by their JSON names; one may leave some out. Raises ControlError
    for a name that is none, and for a file that is missing, broken or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(file.stem for file in self._folder.glob("*.toml") if NAME.fullmatch(file.stem))

    def save(self, name: str, controls: Mapping[str, Any]) -> None:
        """Keep `controls` as the scene `name`, in place of one that is there."""
        file = self._file(name)
        text = tomli_w.dumps({"version": VERSION, "controls": dict(controls)})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            whole = WholeFile(file, overwrite=True)
            whole.temporary.write_text(text)
            whole.commit()
        except (OSError, MuraiError) as error:
            raise ControlError(f"the scene '{name}' cannot be kept in {self._folder} ({error}).") from error

    def load(self, name: str) -> dict[str, Any]:
        """The controls of the scene `name`, as they are written: not checked yet."""
        file = self._file(name)
        if not file.is_file():
            known = ", ".join(self.names) or "none yet"
            raise ControlError(f"there is no scene '{name}'; there are: {known}.")
        try:
            if file.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            scene = tomllib.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise ControlError(f"{file} cannot be read as a scene ({error}); mend or remove it.") from error
        if scene.get("version") != VERSION:
            raise ControlError(f"{file} is of version {scene.get('version')}, not {VERSION}; save the scene again.")
        controls = scene.get("controls")
        if not isinstance(controls, dict):
            raise ControlError(f"{file} has no table [controls]; save the scene again.")
        return controls

    def _file(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ControlError(f"'{name}' is no name for a scene; use letters, digits, _ and -.")
        return self._folder / f"{name}.toml"
