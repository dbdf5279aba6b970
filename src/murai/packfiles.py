"""The files of a style pack as bytes: a flat folder or zip, measured before it is read, written whole or not at all."""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from murai.errors import PackError

MANIFEST, GRAPH, WEIGHTS = "pack.json", "model.onnx", "model.safetensors"
LIMITS = {MANIFEST: 1 << 20, GRAPH: 1 << 29, WEIGHTS: 1 << 29, "README.md": 1 << 20, "preview*.jpg": 1 << 24}
"""The most bytes each file of a pack may have. Other files are none of ours and are left alone."""


def measure(path: Path) -> dict[str, int]:
    """The files of the pack at `path` and their bytes. Raises PackError for missing, oversized and unsafe files."""
    with disk(path, "read"):
        sizes = _zip_sizes(path) if path.is_file() else _folder_sizes(path)
    for name in (MANIFEST, GRAPH, WEIGHTS):
        if name not in sizes:
            raise PackError(f"{path} is not a whole style pack: it has no {name}; give a pack's folder or zip.")
    for name, size in sizes.items():
        _check_size(path, name, size)
    return sizes


def read(path: Path, name: str) -> bytes:
    """One file of the pack at `path`. Raises PackError."""
    most = _limit(name) + 1
    with disk(path, "read"):
        if path.is_dir():
            with open(path / name, "rb") as file:
                data = file.read(most)
        else:
            with zipfile.ZipFile(path) as archive, archive.open(name) as member:
                data = member.read(most)
    _check_size(path, name, len(data))
    return data


def place(target: Path, files: Mapping[str, bytes], *, check: Callable[[Path], object], overwrite: bool) -> None:
    """Write `files` beside `target`, let `check` look at them there, and rename them to `target`.

    A zip where `target` ends in .zip, else a folder. Where PackError is raised, also by `check`, nothing has changed.
    """
    if unknown := [name for name in files if "/" in name or not _limit(name)]:
        raise PackError(f"{target}: {unknown[0]} is no file of a style pack; leave it out.")
    with disk(target, "written"):
        if target.exists() and not overwrite:
            raise PackError(f"{target} exists; remove it first, or give --overwrite to replace it.")
        if target.is_dir() and not all(map(_limit, os.listdir(target))):
            raise PackError(f"{target} holds other files than a style pack and is not replaced; choose another place.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as scratch:
            fresh = Path(scratch) / target.name
            _store(fresh, files)
            check(fresh)
            _swap(fresh, target, Path(scratch) / "former")


def remove(target: Path) -> None:
    """Delete a pack: it vanishes at once and whole. Raises PackError."""
    with disk(target, "removed"), tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as scratch:
        os.replace(target, Path(scratch) / target.name)


@contextmanager
def disk(path: Path, done: str) -> Iterator[None]:
    """Turn what files, zips and disks raise into a PackError that says `path` cannot be `done`."""
    try:
        yield
    except FileNotFoundError as error:
        raise PackError(f"{path} cannot be {done}: there is no {error.filename or path}.") from error
    # RuntimeError: an encrypted zip, or one of a kind Python does not know; ValueError: one with impossible fields.
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise PackError(f"{path} cannot be {done} ({error}); check the disk, or get the pack again.") from error


def _limit(name: str) -> int:
    """The most bytes of the file `name`; 0 where a pack has no such file."""
    return next((limit for pattern, limit in LIMITS.items() if fnmatchcase(name, pattern)), 0)


def _check_size(path: Path, name: str, size: int) -> None:
    if size > _limit(name):
        raise PackError(f"{path}: {name} is larger than {_limit(name) >> 20} MB, too much for a pack; get another one.")


def _folder_sizes(path: Path) -> dict[str, int]:
    sizes = {}
    for entry in os.scandir(path):
        if _limit(entry.name):
            if not entry.is_file(follow_symlinks=False):
                raise PackError(f"{path}: {entry.name} is a link or no plain file; put the file itself there.")
            sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    return sizes


def _zip_sizes(path: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            if "/" in item.filename or "\\" in item.filename or item.filename in sizes:
                raise PackError(
                    f"{path}: '{item.filename}' is not a plain name used once; zip the files without a folder."
                )
            if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise PackError(f"{path}: {item.filename} is compressed in an unusual way; zip it the ordinary way.")
            sizes[item.filename] = item.file_size
    return {name: size for name, size in sizes.items() if _limit(name)}


def _store(path: Path, files: Mapping[str, bytes]) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        path.mkdir()
        for name, data in files.items():
            (path / name).write_bytes(data)


def _swap(fresh: Path, target: Path, old: Path) -> None:
    """Rename `fresh` to `target`, whose former self goes to `old`; if that fails everything is as before."""
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(fresh, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
