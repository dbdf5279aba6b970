"""`murai train` as a function: pictures and photographs in, a style pack out."""

import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from murai.errors import Say, silent
from murai.nets.base import StylizationNetwork
from murai.packs import Style, StylePack, write_pack
from murai.train.base import keeps_styles
from murai.train.card import model_card
from murai.train.export import RunGraph, export_onnx
from murai.train.machines import Machines, open_fabric
from murai.train.manifest import describe, kept_figures
from murai.train.photos import list_photos
from murai.train.plan import Plan, refuse_output
from murai.train.quality import centre_square, measure_quality
from murai.train.report import write_report
from murai.train.school import COLUMN, COLUMNS, OnStep, School, Taught, spread
from murai.train.sheet import SHEET, below_each_other, paintings, row
from murai.train.vgg import LossNetwork


def teach(
    plan: Plan,
    loss_network: LossNetwork,
    run_graph: RunGraph,
    *,
    fabric: Machines | None = None,
    on_step: OnStep = lambda _: None,
    say: Say = silent,
) -> StylePack | None:
    """Learn the styles of `plan` and write the pack; `run_graph` must find what torch finds first.

    With several processes all call this alike, and only the first gets the pack; the others get None.

    Raises TrainError, OutputExists, SinkError; KeyboardInterrupt leaves a checkpoint in the run's folder. What can be
    refused is refused before learning.
    """
    fabric = fabric or open_fabric()
    say = say if fabric.is_global_zero else silent
    refuse_output(plan.out, plan.overwrite)
    school = School(plan, loss_network, fabric, say)
    evaluation = list_photos(plan.evaluation, say) if plan.evaluation else []
    say(f"learning; {plan.run_folder}/{SHEET} shows how it goes. Ctrl-C keeps a checkpoint.")
    taught = school.learn(on_step)
    if not fabric.is_global_zero:
        return None
    say("learned; writing the pack and checking its graph against torch, which takes a minute.")
    return _write(school, taught, evaluation, run_graph)


def _write(school: School, taught: list[Taught], evaluation: list[Path], run_graph: RunGraph) -> StylePack:
    """The pack and the report."""
    plan, base, network = school.plan, school.sources.base, school.network.cpu()
    kept = _kept(school, taught)
    before = [base.styles[base.names.index(style.name)] for style in kept] if base else []
    styles = _styles([*before, *(torch.stack(each.vectors).numpy() for each in taught)])
    stages = {each.work.style.name: each.stages for each in taught}
    pack = StylePack(plan.out, describe(plan, school.sources, network, kept, stages, styles.shape[1]), styles)
    measured = {**(kept_figures(base, kept) if base else {}), **_measured(school, pack, taught, evaluation)}
    manifest = pack.manifest.model_copy(update={"measured": measured})
    preview = _preview(network, pack, evaluation or school.paths)
    report = write_report(plan.run_folder, manifest, runs=list(plan.runs), preview=preview, warnings=school.warnings)
    school.say(f"{report} tells how it went.")
    files = {"README.md": model_card(manifest).encode(), "preview.jpg": preview}
    return write_pack(plan.out, manifest, export_onnx(network, run_graph), styles, files, overwrite=plan.overwrite)


def _kept(school: School, taught: list[Taught]) -> list[Style]:
    """The styles of the base that stay: all that were not learned anew, where they fit the network."""
    base, anew = school.sources.base, {each.work.style.name for each in taught}
    fits = base is not None and keeps_styles(base, school.plan.arguments)
    return [style for style in base.manifest.styles if style.name not in anew] if base and fits else []


def _measured(
    school: School, pack: StylePack, taught: list[Taught], evaluation: list[Path]
) -> dict[str, dict[str, float]]:
    """The figures of each new style, as `pack` paints it; none where there is nothing to measure on."""
    network, loss_network, figures = school.network, school.loss_network.cpu(), {}
    for each in taught if evaluation else ():
        _become(network, pack, each.work.style.name)
        figures[each.work.style.name] = measure_quality(network, loss_network, evaluation, each.picture)
    return figures


def _styles(rows: list[NDArray[np.floating]]) -> NDArray[np.float16]:
    """Float16 [K, E, D] of the ends [1 or 2, D] of each style: one that has one alone has it twice beside others."""
    ends = max(len(row) for row in rows)
    return np.stack([row if len(row) == ends else np.repeat(row, ends, 0) for row in rows]).astype(np.float16)


def _become(network: StylizationNetwork, pack: StylePack, name: str) -> None:
    """Let `network` paint a style of `pack` as it is painted where nothing else is asked for."""
    network.load_vector(torch.from_numpy(pack.vector({name: 1.0})))


def _preview(network: StylizationNetwork, pack: StylePack, photographs: list[Path]) -> bytes:
    """A JPEG of paintings alone, a row a style: photographs themselves may not be passed on."""
    squares = [centre_square(p, COLUMN) for p in spread(photographs, COLUMNS)]
    rows = []
    for name in pack.names:
        _become(network, pack, name)
        rows.append(row(list(paintings(network, squares))))
    buffer = io.BytesIO()
    below_each_other(rows).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()
