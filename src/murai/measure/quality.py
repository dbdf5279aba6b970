"""How well murai paints: content and style loss of packs, and of the slow optimization that is their practical limit.

Photographs are centre squares of 8 bits, and networks paint them through their packs' ONNX graphs, as for users. The
style picture has 512 pixels on its short side and the crop that the pack records. total = content + 5 style.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

from murai.errors import Say, UnknownStyle, silent
from murai.frame import Image
from murai.measure.cache import Cache, Figures, file_hash, fingerprint
from murai.measure.contact import contact_sheet
from murai.measure.jobs import Advance, Job, Progress, finish, no_progress
from murai.measure.networks import Taught, Unpainted
from murai.measure.tables import markdown
from murai.sinks.picture import refuse_picture, write_picture

if TYPE_CHECKING:
    from torch import Tensor

    from murai.train.quality import Judge
    from murai.train.vgg import LossNetwork

VERSION = 1
"""Part of every key in the cache: figures of another version are made anew."""
STYLE_SIDE = 512
SHEET_ROWS = 4
SAY_EVERY = 25
"""Iterations of the optimization between two sentences about it."""
COLUMNS = {
    "network": "network",
    "style": "style",
    "photographs": "photographs",
    "content": "content",
    "style_loss": "style loss",
    "total": "total",
    "photographs_seen": "photographs seen a style",
    "steps": "steps",
    "minutes": "minutes",
    "mac_per_pixel": "multiply-adds per pixel",
}
UNTAUGHT = dict.fromkeys(("photographs_seen", "steps", "minutes", "mac_per_pixel"))
"""What a row says of its learning where there was none."""

Hand = Callable[[Image], Image]
"""Paints a photograph, uint8 [S, S, 3]."""


@dataclass(frozen=True)
class Target:
    """What paintings should look like: a section (x, y, w, h) of a picture, None for all of it."""

    style: str
    picture: Path
    crop: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Painter:
    """A row of the table: who paints the first `photographs`. `key` says what decides how, `open` gives the hand."""

    network: str
    target: Target
    photographs: int
    key: str
    facts: Mapping[str, Any]
    open: Callable[[], Hand]


def measure_quality(
    taught: Sequence[Taught],
    pictures: Mapping[str, Path],
    photographs: Sequence[Path],
    loss_network: "LossNetwork",
    cache: Cache,
    *,
    size: int = 384,
    gatys: int = 0,
    gatys_photos: int = 4,
    sheet: Path | None = None,
    progress: Progress = no_progress,
    say: Say = silent,
) -> dict[str, Any]:
    """The JSON object of `murai measure quality`.

    `pictures` are style pictures by the name of their style; what of `taught` has none is left out. `size` is the side
    of the squares. The network `photograph` is the photographs themselves, which have content 0.
    `gatys` iterations of `murai.train.optimize`, 0 for none, paint the first `gatys_photos` photographs. All networks
    then have a second row for those alone: rows of the same number of `photographs` compare.
    `sheet` is the file of the contact sheet, replaced if it is there. Finished rows come from `cache`.

    Raises TrainError for pictures that cannot be read and crops outside them, UnknownStyle, PackError, SinkError.
    """
    from murai.train.photos import style_picture
    from murai.train.quality import Judge

    if sheet:
        refuse_picture(sheet, overwrite=True)
    few = min(gatys_photos, len(photographs)) if gatys else len(photographs)
    judge = Judge(loss_network, photographs, size)
    base = fingerprint(VERSION, _key(loss_network), size, [file_hash(path) for path in photographs])
    painters, jobs = [], []
    for target in _targets(taught, pictures, bool(gatys)):
        style = style_picture(target.picture, crop=target.crop, size=STYLE_SIDE)
        there = _painters(target, taught, len(photographs))
        if gatys:
            hand = _optimization(target, style, loss_network, gatys, cache, say)
            there.append(Painter(f"gatys-{gatys}", target, few, f"gatys {gatys}", UNTAUGHT | {"steps": gatys}, hand))
        painters += there
        jobs += [_job(painter, judge, style, base) for painter in there]
    figures = finish(jobs, cache, progress=progress, say=say)
    if sheet:
        _paint_sheet(painters, judge, sheet, say)
    return {
        "photos": len(photographs),
        "size": size,
        "loss_network": asdict(loss_network.info),
        "rows": [
            _row(painter, losses, count)
            for painter, losses in zip(painters, figures, strict=True)
            for count in sorted({painter.photographs, few}, reverse=True)
        ],
    }


def table(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    return markdown(list(COLUMNS.values()), [[row[field] for field in COLUMNS] for row in figures["rows"]])


def _targets(taught: Sequence[Taught], pictures: Mapping[str, Path], optimize: bool) -> list[Target]:
    """Each style picture with each crop that a pack has of it. Raises UnknownStyle for a picture without a painter."""
    styles = [each.style for each in taught if each.style.name in pictures]
    found = dict.fromkeys(Target(style.name, pictures[style.name], style.crop) for style in styles)
    alone = [name for name in pictures if name not in {target.style for target in found}]
    if alone and not optimize:
        known = ", ".join(sorted({each.style.name for each in taught})) or "none"
        raise UnknownStyle(f"no pack that is measured has the style '{alone[0]}'; their styles: {known}.")
    return [*found, *(Target(name, pictures[name], None) for name in alone)]


def _painters(target: Target, taught: Sequence[Taught], photographs: int) -> list[Painter]:
    itself = Painter("photograph", target, photographs, "photograph", UNTAUGHT, Unpainted)
    networks = [
        Painter(each.pack.name, target, photographs, each.key, each.facts, each.stylizer)
        for each in taught
        if (each.style.name, each.style.crop) == (target.style, target.crop)
    ]
    return [itself, *networks]


def _job(painter: Painter, judge: "Judge", style: "Tensor", base: str) -> Job:
    """The losses of every photograph, so that a row for some of them needs no painting."""
    from murai.train.photos import to_tensor
    from murai.train.quality import style_grams

    def run(advance: Advance) -> Figures:
        hand, grams, losses = painter.open(), style_grams(judge.loss_network, style), []
        for index in range(painter.photographs):
            painted = PIL.Image.fromarray(hand(_photograph(judge, index)))
            losses.append(judge.losses(index, to_tensor(painted), grams))
            advance(index + 1)
        return {"content": [content for content, _ in losses], "style_loss": [styled for _, styled in losses]}

    target = painter.target
    key = fingerprint(base, painter.key, painter.photographs, file_hash(target.picture), target.crop)
    return Job(f"{painter.network} {target.style}", key, painter.photographs, run)


def _row(painter: Painter, losses: Figures, count: int) -> dict[str, Any]:
    from murai.train.quality import STYLE_WEIGHT

    content, styled = fmean(losses["content"][:count]), fmean(losses["style_loss"][:count])
    return {
        "network": painter.network,
        "style": painter.target.style,
        "content": content,
        "style_loss": styled,
        "total": content + STYLE_WEIGHT * styled,
        "photographs": count,
        "crop": painter.target.crop,
        **painter.facts,
    }


def _optimization(
    target: Target, style: "Tensor", loss_network: "LossNetwork", iterations: int, cache: Cache, say: Say
) -> Callable[[], Hand]:
    """Opens a hand that optimizes pixels; each of its paintings is kept in the cache."""
    from murai.train.optimize import optimize
    from murai.train.photos import to_picture, to_tensor
    from murai.train.quality import style_grams

    key = fingerprint(VERSION, iterations, _key(loss_network), file_hash(target.picture), target.crop)

    def on_step(step: int, loss: float) -> None:
        if step % SAY_EVERY == 0:
            say(f"gatys {target.style}: iteration {step} of {iterations}, loss {loss:.3f}")

    def open_hand() -> Hand:
        grams = style_grams(loss_network, style)

        def paint(image: Image) -> Image:
            photograph = to_tensor(PIL.Image.fromarray(image))
            painted = optimize(photograph, grams, loss_network, iterations=iterations, on_step=on_step)
            return np.array(to_picture(painted))

        return lambda image: cache.picture(fingerprint(key, image.shape, image.tobytes()), lambda: paint(image))

    return open_hand


def _paint_sheet(painters: Sequence[Painter], judge: "Judge", file: Path, say: Say) -> None:
    """A column for each painter; photographs themselves may not be passed on and are left out."""
    columns = {}
    for painter in painters:
        if painter.network != "photograph":
            hand = painter.open()
            rows = range(min(SHEET_ROWS, painter.photographs))
            columns[painter.network, painter.target] = [hand(_photograph(judge, index)) for index in rows]
    labels = [(target.style, network) for network, target in columns]
    write_picture(file, contact_sheet(labels, list(columns.values())), overwrite=True)
    say(f"wrote {file.resolve()}")


def _photograph(judge: "Judge", index: int) -> Image:
    from murai.train.photos import to_picture

    return np.array(to_picture(judge.photograph(index)))


def _key(loss_network: "LossNetwork") -> str:
    return f"{loss_network.info.sha256} {loss_network.info.input}"
