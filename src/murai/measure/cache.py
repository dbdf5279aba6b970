"""Finished measurements on disk, so that a run that was interrupted goes on where it was."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from murai.errors import SinkError, SourceError
from murai.frame import Image
from murai.sinks.whole import WholeFile

Figures = dict[str, Any]


class Cache:
    """One file for each measurement in `folder`, named by a fingerprint of all it depends on, written whole.

    A file that is damaged counts as not there. Raises SinkError where the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SinkError(f"{folder} cannot be made ({error.strerror}); give another --cache.") from error

    def load(self, key: str) -> Figures | None:
        """The figures saved under `key`, None where there are none."""
        try:
            figures = json.loads((self.folder / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return figures if isinstance(figures, dict) else None

    def save(self, key: str, figures: Figures) -> None:
        """Keep `figures`, a JSON object, under `key`."""
        self._write(self.folder / f"{key}.json", json.dumps(figures, indent=2).encode())

    def picture(self, key: str, paint: Callable[[], Image]) -> Image:
        """The picture kept under `key`; where there is none, what `paint` gives, kept from now on."""
        file = self.folder / f"{key}.png"
        try:
            with PIL.Image.open(file) as kept:
                return np.array(kept.convert("RGB"))
        except (OSError, SyntaxError, ValueError):
            painted = paint()
        buffer = io.BytesIO()
        PIL.Image.fromarray(painted).save(buffer, "PNG")
        self._write(file, buffer.getvalue())
        return painted

    def _write(self, file: Path, data: bytes) -> None:
        whole = WholeFile(file, overwrite=True)
        try:
            whole.temporary.write_bytes(data)
        except OSError as error:
            whole.discard()
            raise SinkError(
                f"{file} cannot be written ({error.strerror}); make room, or give another --cache."
            ) from error
        whole.commit()


def fingerprint(*parts: object) -> str:
    """A hash of `parts`, each bytes or anything that JSON can say; in another order it is another."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file's contents. Raises SourceError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check the name.") from error
