"""Monitors and ports as users name them."""

from collections.abc import Sequence


def choose(wanted: str, names: Sequence[str]) -> int | None:
    """The place in `names` of the device whose number, from 1, or part of whose name is `wanted`; None for no such."""
    if wanted.isdecimal():
        return int(wanted) - 1 if 1 <= int(wanted) <= len(names) else None
    return next((place for place, name in enumerate(names) if wanted in name), None)


def listed(names: Sequence[str]) -> str:
    """All of them with their numbers, for a message."""
    return ", ".join(f"{number} ({name})" for number, name in enumerate(names, 1)) or "none"
