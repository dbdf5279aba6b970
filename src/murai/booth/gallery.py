"""The pictures of the booth on disk: kept, listed, deleted, exported. Nothing here is half there."""

import csv
import hashlib
import io
import math
import os
import re
import secrets
import shutil
import sqlite3
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import PIL.Image

from murai.database import Database, claim
from murai.errors import BoothError, MuraiError, Say, silent
from murai.frame import Frame, Image, StreamInfo
from murai.pictures import UNREADABLE, read_rgb, save_picture
from murai.sinks.file import FileSink
from murai.sinks.whole import WholeFile, sync_folder

KINDS = ("single", "strip", "boomerang", "before-after")
CLIP_RATE = 15
"""Pictures a second of a clip."""
THUMBNAIL, PREVIEW = 480, 320
"""Pixels of the longest side."""
DAY = 86_400.0
PREVIEW_PICTURES = 30
"""At most so many pictures of a clip move in its preview."""
PHOTO: dict[str, Any] = {"format": "JPEG", "quality": 95, "subsampling": 0}
SMALL: dict[str, Any] = {"format": "JPEG", "quality": 82}

PRIVATE, HELD, SHOWN, REFUSED = "private", "held", "shown", "refused"
"""How a picture stands: seen by its visitor alone; waiting for the host; seen by all; seen by its visitor alone, since
the host said no."""
PAGES, SLIDESHOW = "gallery", "slideshow"
"""Places of its own in which the booth shows pictures; all others are services."""
LONGEST_JUMP = 20 * 86_400.0
"""Seconds by which the clock goes on between two looks at the most; more, and it was or is wrong."""
SHARE = 0.9
"""Of the room that pictures have on the disk, as much may be filled with them."""

DATABASE = "gallery.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    made REAL NOT NULL,
    style TEXT NOT NULL,
    kind TEXT NOT NULL,
    standing TEXT NOT NULL,
    places TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS clock (seen REAL NOT NULL, spared INTEGER NOT NULL);
"""
"""`places` has a space at both ends of each. `clock`: when it was looked at last, and the newest picture there was when
it jumped."""
ENDINGS = {"image": ".jpg", "clip": ".mp4", "preview": ".webp", "thumbnail": ".small.jpg"}
"""What each file of a picture is called, after its key."""
NAME = re.compile(r"([A-Za-z0-9_-]{22})(\.jpg|\.mp4|\.webp|\.small\.jpg)")


def alias(key: str) -> str:
    """What a picture is called outside the booth. Nobody finds its key from it."""
    return hashlib.sha256(f"murai {key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the gallery and its files.

    number     rises with every picture; it is no secret, other than `key`
    made       seconds since 1970
    style      as the pack names it; "" where it is not known any more
    kind       one of KINDS
    standing   PRIVATE, HELD, SHOWN or REFUSED
    places     where its visitor agreed that it appears: PAGES, SLIDESHOW, and names of services
    clip       the MP4 of a boomerang, `preview` the same small, as WebP
    """

    number: int
    key: str
    made: float
    style: str
    kind: str
    standing: str
    places: tuple[str, ...]
    image: Path
    thumbnail: Path
    clip: Path | None = None
    preview: Path | None = None

    @property
    def alias(self) -> str:
        """What it is called outside the booth."""
        return alias(self.key)

    @property
    def consent(self) -> bool:
        """Whether it may leave the machine: its visitor agreed, and no host refused it."""
        return self.standing in (HELD, SHOWN)

    def is_shown(self, place: str) -> bool:
        """Whether everybody may see it in that place."""
        return self.standing == SHOWN and place in self.places


class Gallery:
    """The pictures in `folder`, which is made where it is missing. Only one has it at a time; any thread may use it.

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
        self._old_enough = math.inf
        """Up to this number pictures are removed for their age."""
        with ExitStack() as stack:
            taken = BoothError(f"another booth has {folder} already; end it first, or name another folder.")
            stack.callback(claim(folder / "gallery.lock", taken))
            self._database = Database(folder / DATABASE, SCHEMA, say, mend=True)
            stack.callback(self._database.close)
            self._tidy()
            self._opened = stack.pop_all()

    def close(self) -> None:
        """Let go of the folder."""
        self._opened.close()

    def add(
        self,
        image: Image,
        *,
        style: str,
        kind: str,
        clip: Sequence[Image] | None = None,
    ) -> Picture:
        """Keep a picture under a new key, private until `consent`.

        `clip` are the pictures of a boomerang in the order they are played, all of one size.
        """
        if kind not in KINDS:
            raise BoothError(f"'{kind}' is no kind of picture; it is one of {', '.join(KINDS)}.")
        key, made = secrets.token_urlsafe(16), self._clock()
        try:
            self._write(key, image, clip)
            sync_folder(self.folder)
            with self._database.writing() as rows:
                rows.execute(
                    "INSERT INTO pictures (key, made, style, kind, standing) VALUES (?, ?, ?, ?, ?)",
                    (key, made, style, kind, PRIVATE),
                )
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

    def consent(self, key: str, places: Iterable[str], *, approved: bool = True) -> None:
        """Its visitor agreed that it appears in these places, and in no other that the host adds later; unless
        `approved`, once the host agrees too."""
        named = "".join(f" {place} " for place in places)
        with self._lock, self._database.writing() as rows:
            self._there(key)
            standing = SHOWN if approved else HELD
            rows.execute("UPDATE pictures SET standing = ?, places = ? WHERE key = ?", (standing, named, key))

    def decide(self, key: str, yes: bool) -> None:
        """The host agrees to a picture, or does not, and its visitor still has it; a private one stays private."""
        with self._lock, self._database.writing() as rows:
            if self._there(key).standing != PRIVATE:
                standing = SHOWN if yes else REFUSED
                rows.execute("UPDATE pictures SET standing = ? WHERE key = ?", (standing, key))

    def find(self, key: str) -> Picture | None:
        """The picture of a key, None where there is none."""
        return next(self._listed("key = ?", [key]), None)

    def shown(self, limit: int, before: int | None = None) -> list[Picture]:
        """What everybody may see in the pages, newest first, at most `limit`; older than the picture of number
        `before`."""
        return list(self._listed(*_shown(PAGES), limit, before))

    def numbered(self, number: int) -> Picture | None:
        """The picture of a number, whoever may see it; None where there is none."""
        return next(self._listed("number = ?", [number]), None)

    def held(self, limit: int = -1) -> list[Picture]:
        """What waits for the host, oldest first, at most `limit`."""
        return list(self._listed("standing = ?", [HELD], order="ASC", limit=limit))

    def all(self, limit: int = -1) -> list[Picture]:
        """Every picture, newest first, at most `limit`."""
        return list(self._listed("1", [], limit))

    def delete(self, key: str) -> None:
        """Remove a picture, its files and its row; where it is gone already there is nothing to do."""
        with self._lock:
            self._unlink(key)
            with self._database.writing() as rows:
                rows.execute("DELETE FROM pictures WHERE key = ?", (key,))

    def retain(self, days: float | None, gigabytes: float | None, busy: Iterable[str] = ()) -> list[Picture]:
        """Remove what is older than `days`, then the oldest until all files are within `gigabytes`, and within the
        room that the disk has for them; None is no limit. Returns what was removed; `say` hears of what had no room.

        What is `busy`, by its alias, is still to be published: it does not get too old, and where there is no room it
        goes after all others. While the clock seems to be wrong nothing is too old.
        """
        spared, now = set(busy), self._look_at_clock()
        removed = []
        for picture in reversed(self.all() if days is not None else []):
            too_old = picture.number <= self._old_enough and now - picture.made > (days or 0) * DAY
            if too_old and picture.alias not in spared:
                self.delete(picture.key)
                removed.append(picture)
        crowded = [] if gigabytes is None else self._remove_oldest(gigabytes * 1e9, spared)
        if crowded:
            self._say(f"{len(crowded)} of the oldest pictures were removed: there was no room for more.")
        return removed + crowded

    def _remove_oldest(self, most: float, spared: set[str]) -> list[Picture]:
        sizes = self._sizes()
        left, removed = sum(sizes.values()), []
        most = min(most, SHARE * (left + self.free()))
        for picture in sorted(self.all(), key=lambda each: (each.alias in spared, each.number)):
            if left <= most:
                break
            self.delete(picture.key)
            left -= sizes.get(picture.key, 0)
            removed.append(picture)
        return removed

    def _look_at_clock(self) -> float:
        """The time. Where it is much later than when it was asked last, one of the two is wrong: then no picture is
        old enough to be removed until the next booth begins, but for those that such a jump spared before."""
        now = self._clock()
        with self._database.writing() as rows:
            seen, spared = rows.execute("SELECT seen, spared FROM clock").fetchone() or (now, 0)
            if now - seen > LONGEST_JUMP:
                self._old_enough = min(self._old_enough, spared)
                [spared] = rows.execute("SELECT COALESCE(MAX(number), 0) FROM pictures").fetchone()
                self._say(
                    f"the clock went on by {(now - seen) / DAY:.0f} days at once: see whether it is right. Until the "
                    "booth is started again no picture is removed for its age."
                )
            rows.execute("DELETE FROM clock")
            rows.execute("INSERT INTO clock VALUES (?, ?)", (now, spared))
        return now

    def export(self) -> Iterator[bytes]:
        """A ZIP of what everybody may see in the pages, and a list of it, piece by piece: no room is needed."""
        return packed(self.shown(-1))

    def free(self) -> int:
        """Bytes that are left on the disk."""
        return shutil.disk_usage(self.folder).free

    def _there(self, key: str) -> Picture:
        picture = self.find(key)
        if picture is None:
            raise BoothError("that picture is not there any more.")
        return picture

    def _listed(
        self, which: str, values: list[Any], limit: int = -1, before: int | None = None, order: str = "DESC"
    ) -> Iterator[Picture]:
        rows = self._database.read(*_question(which, values, limit, before, order))
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
            if self._take_up(key):
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
        return True


def shown_in(folder: Path, place: str, limit: int) -> list[Picture]:
    """What everybody may see in `place` of the gallery of another process, newest first; nothing where none is yet."""
    return _elsewhere(folder, *_shown(place), limit)


def shared_in(folder: Path) -> list[Picture]:
    """What was shared in the gallery of another process, wherever it may be seen, and what waits for the host."""
    return _elsewhere(folder, "standing IN (?, ?)", [HELD, SHOWN])


def export_from(folder: Path, file: Path, *, overwrite: bool = False) -> int:
    """Write what everybody may see in the pages of the gallery in `folder`, which another process may have, to the ZIP
    `file`, whole or not at all. Returns how many pictures there are. Raises MuraiError."""
    if file.suffix != ".zip":
        raise BoothError(f"pictures are exported as a ZIP; call the file {file}.zip.")
    whole = WholeFile(file, overwrite=overwrite)
    try:
        pictures = _read(folder, *_shown(PAGES))
    except sqlite3.Error as error:
        raise BoothError(
            f"{folder / DATABASE} cannot be read ({error}); start the booth again, which mends it."
        ) from error
    if not pictures:
        raise BoothError(
            f"no picture in {folder} is shown in the pages yet; those that wait for the host need a yes first."
        )
    try:
        with whole.temporary.open("wb") as archive:
            archive.writelines(packed(pictures))
    except OSError as error:
        whole.discard()
        raise BoothError(f"{file} cannot be written ({error.strerror}); make room, or name another file.") from error
    whole.commit()
    return len(pictures)


def _elsewhere(folder: Path, which: str, values: list[Any], limit: int = -1) -> list[Picture]:
    try:
        return _read(folder, which, values, limit)
    except sqlite3.Error:
        return []


def _read(folder: Path, which: str, values: list[Any], limit: int = -1) -> list[Picture]:
    """As `_listed` of a gallery that another process has."""
    address = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [_picture(folder, row) for row in connection.execute(*_question(which, values, limit))]


def _shown(place: str) -> tuple[str, list[Any]]:
    """What stands for all to see, and may be seen in `place`."""
    return "standing = ? AND instr(places, ?)", [SHOWN, f" {place} "]


def _question(
    which: str, values: list[Any], limit: int, before: int | None = None, order: str = "DESC"
) -> tuple[str, list[Any]]:
    older = "" if before is None else "AND number < ?"
    return (
        f"SELECT * FROM pictures WHERE {which} {older} ORDER BY number {order} LIMIT ?",
        [*values, *([] if before is None else [before]), limit],
    )


def _picture(folder: Path, row: sqlite3.Row) -> Picture:
    files = {what: folder / f"{row['key']}{ending}" for what, ending in ENDINGS.items()}

    def maybe(what: str) -> Path | None:
        return files[what] if files[what].is_file() else None

    return Picture(
        **dict(row) | {"places": tuple(row["places"].split())},
        image=files["image"],
        thumbnail=files["thumbnail"],
        clip=maybe("clip"),
        preview=maybe("preview"),
    )


def _within(picture: PIL.Image.Image, side: int) -> PIL.Image.Image:
    small = picture.copy()
    small.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    return small


def _save(path: Path, picture: PIL.Image.Image, options: dict[str, Any]) -> None:
    """Write pixels and nothing else, whole or not at all."""
    whole = WholeFile(path, overwrite=True)
    try:
        save_picture(picture, whole.temporary, **options)
        whole.commit()
    except (OSError, MuraiError) as error:
        whole.discard()
        raise BoothError(f"a picture cannot be kept in {path.parent}: {_why(error)}; make room on the disk.") from error


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
        raise BoothError(f"a clip cannot be kept in {path.parent}: {_why(error)}; make room on the disk.") from error


def _why(error: Exception) -> str:
    """What the disk said, without the name of the file, which has a key in it."""
    reasons = (getattr(each, "strerror", None) for each in (error, error.__cause__))
    return next(filter(None, reasons), "the disk does not take it")


def _save_preview(path: Path, clip: Sequence[Image]) -> None:
    step = -(-len(clip) // PREVIEW_PICTURES)
    first, *others = (_within(PIL.Image.fromarray(image), PREVIEW) for image in clip[::step])
    moving = {"save_all": True, "append_images": others, "duration": 1000 * step // CLIP_RATE, "loop": 0}
    _save(path, first, {"format": "WEBP", "quality": 70, "method": 2, **moving})


def packed(pictures: Sequence[Picture]) -> Iterator[bytes]:
    """A ZIP of `pictures`, the last one first, and a list of them, piece by piece; without those deleted meanwhile."""
    pieces = _Pieces()
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["file", "clip", "made", "style", "kind"])
    with zipfile.ZipFile(pieces, "w", strict_timestamps=False) as archive:
        for picture in reversed(pictures):
            if row := _pack(archive, picture):
                table.writerow(row)
            yield pieces.take()
        listed = zipfile.ZipInfo("pictures.csv")  # of no time: the clock may be one that a ZIP cannot tell
        listed.external_attr = 0o644 << 16
        archive.writestr(listed, text.getvalue())
    yield pieces.take()


class _Pieces(io.BytesIO):
    """A file of which all that was taken is gone already."""

    _gone = 0

    def tell(self) -> int:
        """The place in the whole file."""
        return self._gone + super().tell()

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the whole file that is not gone."""
        return self._gone + super().seek(place - (0 if whence else self._gone), whence)

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = self.getvalue()
        self._gone += len(taken)
        super().seek(0)
        self.truncate()
        return taken


def _pack(archive: zipfile.ZipFile, picture: Picture) -> list[str]:
    """Put a picture into `archive`; returns what is listed of it, nothing where it was deleted meanwhile."""
    when = datetime.fromtimestamp(picture.made).astimezone()
    stem = f"{picture.number:05}-{when:%Y-%m-%d-%H%M%S}"
    clip = f"{stem}.mp4" if picture.clip else ""
    try:
        archive.write(picture.image, f"{stem}.jpg")
    except FileNotFoundError:
        return []
    with suppress(FileNotFoundError):
        if picture.clip:
            archive.write(picture.clip, clip)
    return [f"{stem}.jpg", clip, when.isoformat(timespec="seconds"), picture.style, picture.kind]
