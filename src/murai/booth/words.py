"""What the booth says, one TOML file a language."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from murai.errors import BoothError

HOUSE = "en"
"""The language every other one is checked against."""
LARGEST = 262_144
"""Bytes of a file, above which it holds no words."""
PLACE = re.compile(r"\{(\w*)\}")


class Words:
    """The texts of one language: `words("screen.smile")`, and `words.table("kinds")` for a table of them.

    name       of its file, such as "fr"
    language   as its speakers call it, such as "Français"
    """

    def __init__(self, name: str, table: dict[str, Any]) -> None:
        self.name, self.language, self._tables = name, str(table["language"]), table

    def __call__(self, key: str, **values: object) -> str:
        """The text of TABLE.NAME, with `values` in its places."""
        table, _, name = key.partition(".")
        return PLACE.sub(lambda place: str(values[place[1]]), self._tables[table][name])

    def painting(self, title: str) -> str:
        """What a painting of that title is called in this language, as far as it is known."""
        return str(self._tables.get("paintings", {}).get(title, title))

    def table(self, name: str) -> dict[str, str]:
        """All texts of a table, by name."""
        return dict(self._tables[name])

    @property
    def drawn(self) -> str:
        """All that the booth itself draws of it; its pages are drawn by browsers."""
        tables = (table for name, table in self._tables.items() if name != "pages" and isinstance(table, dict))
        return self.language + "".join(text for table in tables for text in table.values() if isinstance(text, str))


def bundled() -> list[str]:
    """The languages that ship with the booth."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def load_words(language: str | Path) -> Words:
    """The words of a language that ships, such as "fr", or of a file. Raises BoothError for one that lacks some."""
    text = str(language)
    if text in bundled():
        return Words(text, tomllib.loads((_folder() / f"{text}.toml").read_text(encoding="utf-8")))
    file = Path(language)
    if file.suffix != ".toml":
        raise BoothError(f"the booth does not speak '{text}'; name {', '.join(bundled())}, or a file of words.toml.")
    table = _read(file)
    if missing := _missing(load_words(HOUSE), table):
        raise BoothError(f"{file} does not say {missing}; begin with a copy of {_folder() / f'{HOUSE}.toml'}.")
    if odd := _odd(table.get("paintings", {})):
        raise BoothError(f"{file} calls {odd} by no text of one line in [paintings]; mend it.")
    return Words(file.stem, table)


def _folder() -> Any:
    return files("murai.booth") / "words"


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BoothError(f"{file} cannot be read as words ({error}); mend it, or name another language.") from error


def _odd(paintings: Any) -> str:
    """The first painting whose name is none; empty where there is none."""
    if not isinstance(paintings, dict):
        return "paintings"
    wrong = (title for title, said in paintings.items() if not isinstance(said, str) or "\n" in said)
    return next((f"'{title}'" for title in wrong), "")


def _missing(house: Words, table: dict[str, Any]) -> str:
    """The first text that `table` lacks or has with other places than `house`; empty where there is none."""
    for name, wanted in house._tables.items():
        given = table.get(name)
        if isinstance(wanted, str):
            if not isinstance(given, str):
                return f"'{name}'"
            continue
        for key, text in wanted.items():
            said = given.get(key) if isinstance(given, dict) else None
            if not isinstance(said, str) or "\n" in said or not set(PLACE.findall(said)) <= set(PLACE.findall(text)):
                return f"'{key}' of [{name}] as {HOUSE}.toml does"
    return ""
