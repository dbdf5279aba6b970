"""What a user keeps by name, such as scenes: one TOML file each."""

import os
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
"""Bytes of a file, above which it is none of these."""


class Kept:
    """The tables in `folder`, which is made when the first is saved; `kind` is what one is called, `table` its name.

    A file says `version` and has the table. Raises ControlError for a name that is none, and for a file that is
    missing, broken or of another version.
    """

    def __init__(self, folder: Path, kind: str, table: str) -> None:
        self._folder, self._kind, self._table = folder, kind, table

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(file.stem for file in self._folder.glob("*.toml") if NAME.fullmatch(file.stem))

    def save(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep `values` as `name`, in place of what is there."""
        file = self.path(name)
        text = tomli_w.dumps({"version": VERSION, self._table: dict(values)})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            whole = WholeFile(file, overwrite=True)
            whole.temporary.write_text(text)
            whole.commit()
        except (OSError, MuraiError) as error:
            raise ControlError(f"the {self._kind} '{name}' cannot be kept in {self._folder} ({error}).") from error

    def refuse(self, name: str) -> None:
        """Raise ControlError now where `save` could not keep `name` later."""
        self.path(name)
        place = next(folder for folder in (self._folder, *self._folder.parents) if folder.exists())
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            raise ControlError(
                f"the {self._kind} '{name}' cannot be kept in {self._folder}; {place} does not allow it."
            )

    def load(self, name: str) -> dict[str, Any]:
        """The table of `name`, as it is written: its values are not checked yet."""
        file = self.path(name)
        if not file.is_file():
            known = ", ".join(self.names) or "none yet"
            raise ControlError(f"there is no {self._kind} '{name}'; there are: {known}.")
        try:
            if file.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            kept = tomllib.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise ControlError(f"{file} cannot be read as a {self._kind} ({error}); mend or remove it.") from error
        if kept.get("version") != VERSION:
            found = f"is of version {kept.get('version')}, not {VERSION}"
            raise ControlError(f"{file} {found}; save the {self._kind} again.")
        values = kept.get(self._table)
        if not isinstance(values, dict):
            raise ControlError(f"{file} has no table [{self._table}]; save the {self._kind} again.")
        return values

    def path(self, name: str) -> Path:
        """The file of `name`, whether it is there or not."""
        if not NAME.fullmatch(name):
            raise ControlError(f"'{name}' is no name for a {self._kind}; use letters, digits, _ and -.")
        return self._folder / f"{name}.toml"
