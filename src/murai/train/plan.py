"""What is to be taught: pictures and what is known of them, where from, and where to."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from murai.errors import OutputExists, SinkError, TrainError
from murai.packfiles import LIMITS
from murai.packs import NAME, Style
from murai.train.settings import ENDS, End, Settings


@dataclass(frozen=True, slots=True)
class Work:
    """A picture to learn from: its file, the section to use (x, y, w, h), and what the pack says of it."""

    picture: Path
    style: Style


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything `teach` needs to know.

    ends         how each end is learned, the faithful one first; one alone where there is no bold one
    out          the pack's folder; each run has a folder of its own in `run_folder`, beside its contact sheet
    photos       folder of photographs to learn on; `photos_terms` says in the pack what they are and their terms
    evaluation   folder of photographs never learned from: the pack's figures come from them; None for no figures
    arguments    of the architecture, where they differ from its own
    base         a pack to start from instead of `architecture`: its styles stay, unless `arguments` make it grow
    teacher      a pack whose paintings in the same styles are learned from, and nothing else
    resume       go on from the checkpoints in `run_folder`
    overwrite    replace the pack at `out`, and without `resume` the runs in `run_folder` too
    """

    works: Sequence[Work]
    photos: Path
    out: Path
    run_folder: Path
    ends: Sequence[Settings]
    architecture: str = "affine"
    arguments: Mapping[str, Any] | None = None
    photos_terms: str = ""
    evaluation: Path | None = None
    base: Path | None = None
    teacher: Path | None = None
    resume: bool = False
    overwrite: bool = False

    @property
    def settings(self) -> Settings:
        """Those of the faithful end, of which the bold one shares what is not about an end."""
        return self.ends[0]

    @property
    def runs(self) -> dict[str, Settings]:
        """All runs by the names of their folders, in the order in which they are learned."""
        ends = list(zip(ENDS, self.ends, strict=False))
        return {run_name(work.style.name, end): settings for work in self.works for end, settings in ends}


def run_name(style: str, end: End) -> str:
    """What the run of one end of a style is called."""
    return f"{style}-{end}"


def pack_name(out: Path) -> str:
    """The name a pack gets from its folder or zip. Raises TrainError for one that no pack may have."""
    name = out.stem if out.suffix == ".zip" else out.name
    if not NAME.fullmatch(name):
        raise TrainError(f"'{name}' is no name for a pack; use a-z, 0-9, _ and -, 64 at most, in --out.")
    return name


def refuse_output(out: Path, overwrite: bool) -> None:
    """Raise now what would only be found when the work is done: TrainError, OutputExists, SinkError."""
    pack_name(out)
    folder = out.absolute().parent
    if not folder.is_dir():
        raise SinkError(f"there is no folder {folder} for the pack; make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SinkError(f"the folder {folder} may not be written to; give another --out.")
    if out.exists() and not overwrite:
        raise OutputExists(f"{out} exists; give another --out, or --overwrite to replace it.")
    if out.is_file() and out.suffix != ".zip":
        raise SinkError(f"{out} is a file and no style pack; give another --out.")
    if strangers := _strangers(out):
        raise SinkError(f"{out} holds {strangers[0]}, which is no part of a style pack; give another --out.")


def _strangers(out: Path) -> list[str]:
    """Names in the folder `out` that no pack has: replacing it would lose them."""
    names = sorted(os.listdir(out)) if out.is_dir() else []
    return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in LIMITS)]


def works(
    pictures: Sequence[Path], details: Mapping[str, Sequence[str] | None], crops: Sequence[tuple[int, int, int, int]]
) -> list[Work]:
    """Pair every picture with its name, title, artist, year, place, licence and crop.

    `details[field]` has one entry a picture or is empty; a name left out is made from the file's. Raises TrainError.
    """
    for field, given in (*details.items(), ("crop", crops)):
        if given and len(given) != len(pictures):
            raise TrainError(
                f"there are {len(pictures)} pictures and {len(given)} --{field}; give one for each picture."
            )
    if not pictures:
        raise TrainError("there is nothing to learn from; give a picture.")
    result = []
    for i, picture in enumerate(pictures):
        own = {field: given[i] for field, given in details.items() if given}
        own.setdefault("name", re.sub("[^a-z0-9]+", "_", picture.stem.lower()).strip("_") or "style")
        if not NAME.fullmatch(own["name"]):
            raise TrainError(f"'{own['name']}' is no name for a style; use a-z, 0-9, _ and -, 64 at most.")
        result.append(Work(picture, Style(**own, crop=crops[i] if crops else None)))  # type: ignore[arg-type]
    names = [work.style.name for work in result]
    if len(set(names)) < len(names):
        raise TrainError(f"the styles need different names, not {', '.join(names)}; give one --name a picture.")
    return result
