"""The pictures of the booth on disk: kept, listed, deleted, exported. Nothing here is half there."""

import csv
import io
import os
import re
import secrets
import shutil
import sqlite3
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import PIL.Image

from murai.database import Database
from murai.errors import BoothError, MuraiError, Say, silent
from murai.frame import Frame, Image, StreamInfo
from murai.pictures import UNREADABLE, read_rgb
from murai.sinks.file import FileSink
from murai.sinks.whole import WholeFile

KINDS = ("single", "strip", "boomerang", "before-after")
CLIP_RATE = 15
"""Pictures a second of a clip."""
THUMBNAIL, PREVIEW = 480, 320
"""Pixels of the longest side."""
PREVIEW_PICTURES = 30
"""At most so many pictures of a clip move in its preview."""
PHOTO: dict[str, Any] = {"format": "JPEG", "quality": 95, "subsampling": 0}
SMALL: dict[str, Any] = {"format": "JPEG", "quality": 82}

PRIVATE, HELD, SHOWN, REFUSED = "private", "held", "shown", "refused"
"""How a picture stands: seen by its visitor alone; waiting for the host; seen by all; seen by its visitor alone, since
the host said no."""

DATABASE = "gallery.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    made REAL NOT NULL,
    style TEXT NOT NULL,
    kind TEXT NOT NULL,
    standing TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS taken (made REAL NOT NULL, style TEXT NOT NULL, kind TEXT NOT NULL);
"""
"""`taken` counts pictures and knows no more of them: it outlives them."""
ENDINGS = {"image": ".jpg", "clip": ".mp4", "preview": ".webp", "thumbnail": ".small.jpg", "original": ".before.jpg"}
"""What each file of a picture is called, after its key."""
NAME = re.compile(r"([A-Za-z0-9_-]{22})(\.jpg|\.mp4|\.webp|\.small\.jpg|\.before\.jpg)")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the gallery and its files.

    number     rises with every picture; it is no secret, other than `key`
    made       seconds since 1970
    style      as the pack names it; "" where it is not known any more
    kind       one of KINDS
    standing   PRIVATE, HELD, SHOWN or REFUSED
    clip       the MP4 of a boomerang, `preview` the same small, as WebP
    original   what the full-quality painting is to be made of, until it came
    """

    number: int
    key: str
    made: float
    style: str
    kind: str
    standing: str
    image: Path
    thumbnail: Path
    clip: Path | None = None
    preview: Path | None = None
    original: Path | None = None

    @property
    def consent(self) -> bool:
        """Whether it may leave the machine: its visitor agreed, and no host refused it."""
        return self.standing in (HELD, SHOWN)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many pictures were taken, those since deleted included: all, and by style and kind; how many are shown."""

    taken: int = 0
    shown: int = 0
    styles: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)


class Gallery:
    """The pictures in `folder`, which is made where it is missing. One process has it at a time; any thread may use it.

    A picture appears with all its files or not at all. What a power cut left half done is cleared at construction.
    Where the database was lost, its pictures are taken up again, private: `say` hears of it.

    Methods raise BoothError, or another MuraiError, where the disk refuses, and for a key that is not there any more.
    """

    def __init__(self, folder: Path, say: Say = silent, clock: Callable[[], float] = time.time) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BoothError(
                f"the gallery cannot be kept in {folder} ({error.strerror}); name another folder."
            ) from error
        self.folder, self._say, self._clock = folder, say, clock
        self._lock = threading.RLock()
        """Held by whoever changes a picture that is there already."""
        self._database = Database(folder / DATABASE, SCHEMA, say, mend=True)
        self._tidy()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def add(
        self,
        image: Image,
        *,
        style: str,
        kind: str,
        clip: Sequence[Image] | None = None,
        original: Image | None = None,
    ) -> Picture:
        """Keep a picture under a new key, private until `consent`.

        `clip` are the pictures of a boomerang in the order they are played, all of one size. `original` is the
        unpainted picture, kept until `replace` brings what was painted of it in full quality.
        """
        if kind not in KINDS:
            raise BoothError(f"'{kind}' is no kind of picture; it is one of {', '.join(KINDS)}.")
        key, made = secrets.token_urlsafe(16), self._clock()
        try:
            if original is not None:
                _save(self._path(key, "original"), PIL.Image.fromarray(original), PHOTO)
            self._write(key, image, clip)
            _sync(self.folder)
            with self._database.writing() as rows:
                rows.execute(
                    "INSERT INTO pictures (key, made, style, kind, standing) VALUES (?, ?, ?, ?, ?)",
                    (key, made, style, kind, PRIVATE),
                )
                rows.execute("INSERT INTO taken VALUES (?, ?, ?)", (made, style, kind))
        except BaseException:
            self._unlink(key)
            raise
        return self._there(key)

    def replace(self, key: str, image: Image, clip: Sequence[Image] | None = None) -> None:
        """Put the full-quality painting in the place of what is there. What was deleted meanwhile stays deleted."""
        with self._lock:
            if self.find(key) is None:
                return
            self._write(key, image, clip)
            self._path(key, "original").unlink(missing_ok=True)

    def consent(self, key: str, *, approved: bool = True) -> None:
        """Its visitor agreed that it is shown and published; unless `approved`, once the host agrees too."""
        self._stand(key, SHOWN if approved else HELD)

    def approve(self, key: str) -> None:
        """The host agrees to a picture that is held."""
        with self._lock:
            if self._there(key).consent:
                self._stand(key, SHOWN)

    def refuse(self, key: str) -> None:
        """The host does not want a picture shown; its visitor still has it."""
        self._stand(key, REFUSED)

    def find(self, key: str) -> Picture | None:
        """The picture of a key, None where there is none."""
        return next(self._listed("key = ?", [key]), None)

    def shown(self, limit: int, before: int | None = None) -> list[Picture]:
        """What everybody may see, newest first, at most `limit`; older than the picture of number `before`."""
        return list(self._listed("standing = ?", [SHOWN], limit, before))

    def numbered(self, number: int) -> Picture | None:
        """One of those that everybody may see."""
        return next(self._listed("standing = ? AND number = ?", [SHOWN, number]), None)

    def held(self) -> list[Picture]:
        """What waits for the host, oldest first."""
        return list(self._listed("standing = ?", [HELD]))[::-1]

    def all(self, limit: int = -1, before: int | None = None) -> list[Picture]:
        """Every picture, newest first."""
        return list(self._listed("1", [], limit, before))

    def delete(self, key: str) -> None:
        """Remove a picture, its files and its row; where it is gone already there is nothing to do."""
        with self._lock:
            self._unlink(key)
            with self._database.writing() as rows:
                rows.execute("DELETE FROM pictures WHERE key = ?", (key,))

    def retain(self, days: float | None, gigabytes: float | None, busy: Iterable[str] = ()) -> list[str]:
        """Remove what is older than `days`, then the oldest until all files are within `gigabytes`; None is no limit.

        What is `busy`, because it is still to be published, stays. Returns the keys of what was removed.
        """
        sizes = self._sizes()
        left, bound = sum(sizes.values()), float("inf") if gigabytes is None else gigabytes * 1e9
        oldest = float("-inf") if days is None else self._clock() - days * 86_400
        removed, kept = [], set(busy)
        for picture in reversed(self.all()):
            if picture.key not in kept and (picture.made < oldest or left > bound):
                self.delete(picture.key)
                left -= sizes.get(picture.key, 0)
                removed.append(picture.key)
        return removed

    def export(self, file: Path, *, everything: bool = False) -> int:
        """Write a ZIP of what everybody may see, or of `everything`, and a list of it; returns how many pictures.

        `file` appears whole or not at all. Raises OutputExists where it is there already.
        """
        whole = WholeFile(file)
        try:
            with zipfile.ZipFile(whole.temporary, "w") as archive:
                count = _pack(archive, reversed(self.all() if everything else self.shown(-1)))
        except OSError as error:
            whole.discard()
            raise BoothError(f"{file} cannot be written: {error.strerror}; make room on the disk.") from error
        except BaseException:
            whole.discard()
            raise
        whole.commit()
        return count

    def tally(self, since: float = 0.0) -> Tally:
        """What was taken since then."""

        def counts(column: str) -> dict[str, int]:
            question = f"SELECT {column}, COUNT(*) FROM taken WHERE made >= ? GROUP BY {column} ORDER BY COUNT(*) DESC"
            return {row[0]: row[1] for row in self._database.read(question, [since])}

        kinds = counts("kind")
        question = "SELECT COUNT(*) FROM pictures WHERE standing = ? AND made >= ?"
        [[shown]] = self._database.read(question, [SHOWN, since])
        return Tally(sum(kinds.values()), shown, counts("style"), kinds)

    def free(self) -> int:
        """Bytes that are left on the disk."""
        return shutil.disk_usage(self.folder).free

    def _stand(self, key: str, standing: str) -> None:
        with self._lock, self._database.writing() as rows:
            if not rows.execute("UPDATE pictures SET standing = ? WHERE key = ?", (standing, key)).rowcount:
                raise BoothError("that picture is not there any more.")

    def _there(self, key: str) -> Picture:
        picture = self.find(key)
        if picture is None:
            raise BoothError("that picture is not there any more.")
        return picture

    def _listed(self, which: str, values: list[Any], limit: int = -1, before: int | None = None) -> Iterator[Picture]:
        rows = self._database.read(*_question(which, values, limit, before))
        return (_picture(self.folder, row) for row in rows)

    def _path(self, key: str, what: str) -> Path:
        return self.folder / f"{key}{ENDINGS[what]}"

    def _write(self, key: str, image: Image, clip: Sequence[Image] | None) -> None:
        """The files of a picture, the picture itself last: what has none is no picture."""
        if clip:
            _save_clip(self._path(key, "clip"), clip)
            _save_preview(self._path(key, "preview"), clip)
        picture = PIL.Image.fromarray(image)
        _save(self._path(key, "thumbnail"), _within(picture, THUMBNAIL), SMALL)
        _save(self._path(key, "image"), picture, PHOTO)

    def _unlink(self, key: str) -> None:
        """Remove the files of a picture, the picture itself first."""
        try:
            for what in ENDINGS:
                self._path(key, what).unlink(missing_ok=True)
        except OSError as error:
            raise BoothError(f"a picture in {self.folder} cannot be removed: {error.strerror}.") from error

    def _sizes(self) -> dict[str, int]:
        """Bytes on the disk by key."""
        sizes: dict[str, int] = {}
        for file in os.scandir(self.folder):
            if match := NAME.fullmatch(file.name):
                with suppress(FileNotFoundError):
                    sizes[match[1]] = sizes.get(match[1], 0) + file.stat().st_size
        return sizes

    def _tidy(self) -> None:
        """Clear what was left half done, and take up pictures whose rows were lost with the database."""
        for part in self.folder.glob(".*.part.*"):
            part.unlink(missing_ok=True)
        for picture in self.all():
            if not picture.image.is_file():
                self.delete(picture.key)
        strangers = self._sizes().keys() - {picture.key for picture in self.all()}
        taken_up = 0
        for key in sorted(strangers):
            if self._database.fresh and self._take_up(key):
                taken_up += 1
            else:
                self._unlink(key)
        if taken_up:
            self._say(f"{taken_up} pictures in {self.folder} were listed nowhere: they are again, for nobody to see.")

    def _take_up(self, key: str) -> bool:
        """List a picture of which only the files are left; False where they are none."""
        image = self._path(key, "image")
        try:
            small = _within(read_rgb(image, scale=0.25), THUMBNAIL)
            made = image.stat().st_mtime
            _save(self._path(key, "thumbnail"), small, SMALL)
        except UNREADABLE:
            return False
        kind = "boomerang" if self._path(key, "clip").is_file() else "single"
        with self._database.writing() as rows:
            rows.execute(
                "INSERT INTO pictures (key, made, style, kind, standing) VALUES (?, ?, '', ?, ?)",
                (key, made, kind, PRIVATE),
            )
            rows.execute("INSERT INTO taken VALUES (?, '', ?)", (made, kind))
        return True


def shown_in(folder: Path, limit: int) -> list[Picture]:
    """What everybody may see of a gallery that another process has, newest first; nothing where there is none yet."""
    address = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute(*_question("standing = ?", [SHOWN], limit, None)).fetchall()
    except sqlite3.Error:
        return []
    return [_picture(folder, row) for row in rows]


def _question(which: str, values: list[Any], limit: int, before: int | None) -> tuple[str, list[Any]]:
    older = "" if before is None else "AND number < ?"
    return (
        f"SELECT * FROM pictures WHERE {which} {older} ORDER BY number DESC LIMIT ?",
        [*values, *([] if before is None else [before]), limit],
    )


def _picture(folder: Path, row: sqlite3.Row) -> Picture:
    files = {what: folder / f"{row['key']}{ending}" for what, ending in ENDINGS.items()}

    def maybe(what: str) -> Path | None:
        return files[what] if files[what].is_file() else None

    return Picture(
        **dict(row),
        image=files["image"],
        thumbnail=files["thumbnail"],
        clip=maybe("clip"),
        preview=maybe("preview"),
        original=maybe("original"),
    )


def _within(picture: PIL.Image.Image, side: int) -> PIL.Image.Image:
    small = picture.copy()
    small.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    return small


def _save(path: Path, picture: PIL.Image.Image, options: dict[str, Any]) -> None:
    """Write pixels and nothing else, whole or not at all."""
    whole = WholeFile(path, overwrite=True)
    try:
        picture.save(whole.temporary, **options)
        whole.commit()
    except (OSError, MuraiError) as error:
        whole.discard()
        reason = getattr(error, "strerror", None) or error
        raise BoothError(f"the picture cannot be kept in {path.parent}: {reason}; make room on the disk.") from error


def _save_clip(path: Path, clip: Sequence[Image]) -> None:
    height, width = (side // 2 * 2 for side in clip[0].shape[:2])  # what phones play has even sides
    tick = Fraction(1, CLIP_RATE)
    sink = FileSink(path, overwrite=True)
    try:
        sink.open(StreamInfo(width, height, Fraction(CLIP_RATE), tick))
        for index, image in enumerate(clip):
            sink.write(Frame(image[:height, :width], index, tick, index, duration=1))
        sink.close()
    except MuraiError as error:
        sink.close(complete=False)
        raise BoothError(f"the clip cannot be kept: {error}") from error


def _save_preview(path: Path, clip: Sequence[Image]) -> None:
    step = -(-len(clip) // PREVIEW_PICTURES)
    first, *others = (_within(PIL.Image.fromarray(image), PREVIEW) for image in clip[::step])
    moving = {"save_all": True, "append_images": others, "duration": 1000 * step // CLIP_RATE, "loop": 0}
    _save(path, first, {"format": "WEBP", "quality": 70, "method": 2, **moving})


def _sync(folder: Path) -> None:
    """Have the names in `folder` on the disk, as their content is already."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _pack(archive: zipfile.ZipFile, pictures: Iterable[Picture]) -> int:
    """Put pictures and their list into `archive`, but for what is deleted meanwhile; returns how many."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["file", "clip", "made", "style", "kind", "standing"])
    count = 0
    for picture in pictures:
        when = datetime.fromtimestamp(picture.made).astimezone()
        stem = f"{picture.number:05}-{when:%Y-%m-%d-%H%M%S}"
        clip = f"{stem}.mp4" if picture.clip else ""
        try:
            archive.write(picture.image, f"{stem}.jpg")
        except FileNotFoundError:
            continue
        with suppress(FileNotFoundError):
            if picture.clip:
                archive.write(picture.clip, clip)
        row = [when.isoformat(timespec="seconds"), picture.style, picture.kind, picture.standing]
        table.writerow([f"{stem}.jpg", clip, *row])
        count += 1
    archive.writestr("pictures.csv", text.getvalue())
    return count
