"""What a service knows an account by: in the system's keyring, else in a file that only its owner reads."""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from murai.errors import MuraiError
from murai.sinks.whole import sync_folder

APPLICATION = "murai"
"""What the entries in the keyring are filed under."""
FILE = "credentials-{}.json"
"""Of each service: two processes that write of different services are not in each other's way."""
SHORTEST = 4
"""Letters of a value, below which it is nothing that is to be hidden."""


class Secrets(Mapping[str, str]):
    """The values of one account. They are never shown: not by `repr`, and in no text that went through `hide`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: str(value) for name, value in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def hide(self, text: str) -> str:
        """`text` without any of the values: a server may send back what it was sent."""
        for value in sorted(self._values.values(), key=len, reverse=True):
            if len(value) >= SHORTEST:
                text = text.replace(value, "…")
        return text


class Keeper(Protocol):
    """Keeps the values of each account."""

    def read(self, service: str) -> Secrets:
        """The values of `service`, none where nobody is logged in."""

    def write(self, service: str, values: Mapping[str, str]) -> None:
        """Keep `values`, on the disk when this returns."""


class Held:
    """Values that are kept nowhere else: those of a login that is being tried, or of a program's own settings."""

    def __init__(self, **values: str) -> None:
        self._values: Mapping[str, str] = values

    def read(self, service: str) -> Secrets:
        """What is held, whatever the service."""
        return Secrets(self._values)

    def write(self, service: str, values: Mapping[str, str]) -> None:
        """Hold `values` instead."""
        self._values = dict(values)


class Credentials:
    """The user's accounts: in the keyring where there is one, else each in a file of mode 0600 in `folder`.

    Both are looked into, the keyring first: who logged in may have had a keyring that the booth has not, or the other
    way round. Raises MuraiError where they cannot be read or kept. Its text has no value in it.
    """

    def __init__(self, folder: Path, *, keyring: bool = True) -> None:
        self._folder = folder
        self._ring = keyring and _has_keyring()

    def place(self, service: str) -> str:
        """Where what is known of `service` is kept, or will be."""
        if self._in_ring(service):
            return f"the keyring, which a booth without one does not see; it would look into {self._file(service)}"
        return str(self._file(service))

    def read(self, service: str) -> Secrets:
        """The values of `service`, none where nobody is logged in."""
        return Secrets(self._from_ring(service) or self._from_file(service))

    def write(self, service: str, values: Mapping[str, str]) -> None:
        """Keep `values` where those before them are, on the disk when this returns."""
        if self._in_ring(service):
            _ask_keyring("set_password", service, json.dumps(dict(values)))
        else:
            self._write(self._file(service), values)

    def remove(self, service: str) -> None:
        """Forget `service`."""
        if self._from_ring(service):
            _ask_keyring("delete_password", service)
        try:
            self._file(service).unlink(missing_ok=True)
        except OSError as error:
            raise MuraiError(f"{self._file(service)} cannot be removed ({_why(error)}); mend its folder.") from None

    def _file(self, service: str) -> Path:
        return self._folder / FILE.format(service)

    def _in_ring(self, service: str) -> bool:
        return self._ring and (bool(self._from_ring(service)) or not self._file(service).exists())

    def _from_ring(self, service: str) -> dict[str, Any]:
        return _parsed(_ask_keyring("get_password", service) or "{}", "the keyring") if self._ring else {}

    def _from_file(self, service: str) -> dict[str, Any]:
        file = self._file(service)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise MuraiError(f"{file} cannot be read ({_why(error)}); mend or remove it.") from None
        return _parsed(text, str(file))

    def _write(self, file: Path, values: Mapping[str, str]) -> None:
        part = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Nobody else can read it at any moment, and a power cut leaves the old file or the new one.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
                json.dump(dict(values), opened)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(part, file)
            sync_folder(file.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise MuraiError(f"{file} cannot be written ({_why(error)}); mend its folder.") from None


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise MuraiError(f"what is in {place} are no accounts of murai; remove it and log in again.")
    return values


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _has_keyring() -> bool:
    """Whether there is a keyring, and it answers."""
    try:
        import keyring
        import keyring.backends.fail

        if isinstance(keyring.get_keyring(), keyring.backends.fail.Keyring):
            return False
        keyring.get_password(APPLICATION, "is there anybody")
    except Exception:  # a backend may raise anything: none is installed, locked, no session to talk to
        return False
    return True


def _ask_keyring(what: str, *arguments: str) -> str | None:
    import keyring

    try:
        answer: str | None = getattr(keyring, what)(APPLICATION, *arguments)
    except Exception as error:  # whatever its backend raises
        raise MuraiError(f"the keyring does not work ({type(error).__name__}); unlock it, or log in again.") from None
    return answer
