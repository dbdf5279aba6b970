"""How well murai paints: the figures of packs, and of the slow optimization that is their practical limit.

Photographs are centre squares of 8 bits, and networks paint them through their packs' ONNX graphs, as for users. The
style picture has 512 pixels on its short side and the crop that the pack records. What the figures are is said in
`murai.train.figures`; total = content + 5 style, the losses by which packs were judged before, ranks the dull above the
bold and is there for reference only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
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

    from murai.train.figures import Yardstick
    from murai.train.losses import Maps
    from murai.train.quality import Judge
    from murai.train.vgg import LossNetwork

VERSION = 3
"""Part of every key in the cache: figures of another version are made anew."""
STYLE_SIDE = 512
SHEET_ROWS = 4
SAY_EVERY = 25
"""Iterations of the optimization between two sentences about it."""
FIGURES = {
    "structure": "structure kept",
    "palette": "palette distance",
    "contrast": "contrast",
    "gradient": "gradient",
    "total": "total, for reference",
}
"""What each row says of its paintings beside their effectiveness, by the title of its column."""
FACTS = {
    "photographs_seen": "photographs seen a style",
    "steps": "steps",
    "minutes": "minutes",
    "mac_per_pixel": "multiply-adds per pixel",
}
UNTAUGHT = dict.fromkeys(FACTS)
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
class Model:
    """A style picture, [3, H, W] in 0..1, and what paintings are compared with, found when it is first asked for."""

    loss_network: "LossNetwork"
    picture: "Tensor"

    @cached_property
    def yardstick(self) -> "Yardstick":
        """For the figures."""
        from murai.train.figures import Yardstick

        return Yardstick(self.loss_network, self.picture)

    @cached_property
    def grams(self) -> "Maps":
        """For the losses."""
        from murai.train.quality import style_grams

        return style_grams(self.loss_network, self.picture)


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
    of the squares. The network `photograph` is the photographs themselves, which keep all structure.
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
        model = Model(loss_network, style_picture(target.picture, crop=target.crop, size=STYLE_SIDE))
        there = _painters(target, taught, len(photographs))
        if gatys:
            hand = _optimization(target, model, gatys, cache, say)
            there.append(Painter(f"gatys-{gatys}", target, few, _optimized(gatys), UNTAUGHT | {"steps": gatys}, hand))
        painters += there
        jobs += [_job(painter, judge, model, base) for painter in there]
    figures = finish(jobs, cache, progress=progress, say=say)
    if sheet:
        _paint_sheet(painters, judge, sheet, say)
    rows = [
        _row(painter, found["photographs"], count)
        for painter, found in zip(painters, figures, strict=True)
        for count in sorted({painter.photographs, few}, reverse=True)
    ]
    return {
        "photos": len(photographs),
        "size": size,
        "loss_network": asdict(loss_network.info),
        "rows": rows,
        "means": _means(rows),
    }


def table(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown: a table for each style, and where there are several, one of each network's means."""
    rows = figures["rows"]
    styles = dict.fromkeys(row["style"] for row in rows)
    tables = [_table("style", [row for row in rows if row["style"] == style], FACTS) for style in styles]
    return "\n\n".join([*tables, *([_table("styles", figures["means"])] if len(styles) > 1 else [])])


def _table(of: str, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, str] | None = None) -> str:
    """A line a row; `of` is the field that says which style it is, or of how many it is the mean."""
    first, last = ["network", of, "photographs", "effectiveness"], FIGURES | dict(facts or {})
    lines = [
        [*(row[field] for field in first), *row["layers"].values(), *(row[field] for field in last)] for row in rows
    ]
    return markdown([*first, *rows[0]["layers"], *last.values()], lines)


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


def _job(painter: Painter, judge: "Judge", model: Model, base: str) -> Job:
    """The figures of every photograph, so that a row for some of them needs no painting."""

    def run(advance: Advance) -> Figures:
        hand, found = painter.open(), []
        for index in range(painter.photographs):
            found.append(_measure(hand(_photograph(judge, index)), judge, index, model))
            advance(index + 1)
        return {"photographs": found}

    target = painter.target
    key = fingerprint(base, painter.key, painter.photographs, file_hash(target.picture), target.crop)
    return Job(f"{painter.network} {target.style}", key, painter.photographs, run)


def _measure(painting: Image, judge: "Judge", index: int, model: Model) -> dict[str, float]:
    """All figures of a painting of photograph `index`."""
    from murai.train.figures import look
    from murai.train.photos import to_tensor

    painted = to_tensor(PIL.Image.fromarray(painting))
    maps = look(judge.loss_network, painted)
    content, styled = judge.compare(index, maps, model.grams)
    return {**model.yardstick.measure(painted, maps, judge.wanted(index)), "content": content, "style_loss": styled}


def _row(painter: Painter, found: Sequence[Mapping[str, float]], count: int) -> dict[str, Any]:
    from murai.train.quality import STYLE_WEIGHT

    mean = {name: fmean(each[name] for each in found[:count]) for name in found[0]}
    layers = {name: mean.pop(name) for name in list(mean) if name.startswith("relu")}
    return {
        "network": painter.network,
        "style": painter.target.style,
        "effectiveness": mean.pop("effectiveness"),
        "layers": layers,
        **mean,
        "total": mean["content"] + STYLE_WEIGHT * mean["style_loss"],
        "photographs": count,
        "crop": painter.target.crop,
        **painter.facts,
    }


def _means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each network and number of photographs the means over its `styles`, of which it says how many."""
    means = []
    for network, photographs in dict.fromkeys((row["network"], row["photographs"]) for row in rows):
        its = [row for row in rows if (row["network"], row["photographs"]) == (network, photographs)]
        means.append(
            {
                "network": network,
                "styles": len(its),
                "effectiveness": fmean(row["effectiveness"] for row in its),
                "layers": {layer: fmean(row["layers"][layer] for row in its) for layer in its[0]["layers"]},
                **{name: fmean(row[name] for row in its) for name in FIGURES},
                "photographs": photographs,
            }
        )
    return means


def _optimization(target: Target, model: Model, iterations: int, cache: Cache, say: Say) -> Callable[[], Hand]:
    """Opens a hand that optimizes pixels; each of its paintings is kept in the cache."""
    from murai.train.objective import judge_by
    from murai.train.optimize import optimize
    from murai.train.photos import to_picture, to_tensor
    from murai.train.settings import Settings

    key = fingerprint(VERSION, _optimized(iterations), _key(model.loss_network), file_hash(target.picture), target.crop)

    def on_step(step: int, loss: float) -> None:
        if step % SAY_EVERY == 0:
            say(f"gatys {target.style}: iteration {step} of {iterations}, loss {loss:.3f}")

    def paint(image: Image) -> Image:
        photograph = to_tensor(PIL.Image.fromarray(image))
        judge = judge_by(model.loss_network, model.picture, Settings())
        painted = optimize(photograph, judge, iterations=iterations, on_step=on_step)
        return np.array(to_picture(painted))

    return lambda: lambda image: cache.picture(fingerprint(key, image.shape, image.tobytes()), lambda: paint(image))


def _optimized(iterations: int) -> str:
    """What decides how pixels are optimized."""
    from murai.train.settings import Settings

    return f"gatys {iterations} {Settings()}"


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
