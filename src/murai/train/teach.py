"""`murai train` as a function: pictures and photographs in, a style pack out."""

import io
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from murai.errors import OutputExists, Say, SinkError, TrainError, silent
from murai.nets import VERSION, all_arguments, build, count_parameters, mac_per_pixel
from murai.nets.base import StylizationNetwork
from murai.packfiles import LIMITS
from murai.packs import NAME, Architecture, LossNetworkRecord, Manifest, Style, StylePack, Tier, write_pack
from murai.train.base import load_base, network_from, start_near, teacher_from, weights_hash
from murai.train.card import model_card
from murai.train.export import RunGraph, export_onnx
from murai.train.loop import Machines, Progress, Settings, Training, open_fabric
from murai.train.photos import Photographs, learnable_style, list_photos
from murai.train.quality import centre_square, measure_quality
from murai.train.report import write_report
from murai.train.sheet import ContactSheet, column
from murai.train.stability import FURTHEST
from murai.train.vgg import LossNetwork
from murai.train.watch import Watch

MOST: dict[Tier, float] = {"light": 4_000.0, "fast": 10_000.0, "fine": math.inf}
"""Multiply-adds per pixel up to which a network is of a tier."""

VECTORS = ("styles", "photograph")


@dataclass(frozen=True, slots=True)
class Work:
    """A picture to learn from: its file, the section to use (x, y, w, h), and what the pack says of it."""

    picture: Path
    style: Style


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything `teach` needs to know.

    out          the pack's folder; the run's checkpoint, log and contact sheet go to `run_folder`
    photos       folder of photographs to learn on; `photos_terms` says in the pack what they are and their terms
    evaluation   folder of photographs never learned from: the pack's figures come from them; None for no figures
    arguments    of the architecture, where they differ from its own
    base         a pack to start from instead of `architecture`: its styles stay, and the new ones learn their vectors
    full         learn everything anew from there; the pack then has only the styles of `works`, and with `arguments` a
                 larger network
    teacher      a pack whose paintings in the same styles are learned from, and nothing else
    resume       go on from the checkpoint in `run_folder`
    overwrite    replace the pack at `out`, and without `resume` the run in `run_folder` too
    """

    works: Sequence[Work]
    photos: Path
    out: Path
    run_folder: Path
    settings: Settings
    architecture: str = "compact"
    arguments: Mapping[str, Any] | None = None
    photos_terms: str = ""
    evaluation: Path | None = None
    base: Path | None = None
    full: bool = False
    teacher: Path | None = None
    resume: bool = False
    overwrite: bool = False


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


def teach(
    plan: Plan,
    loss_network: LossNetwork,
    run_graph: RunGraph,
    *,
    fabric: Machines | None = None,
    on_step: Callable[[Progress], None] = lambda _: None,
    say: Say = silent,
) -> StylePack | None:
    """Learn the styles of `plan` and write the pack; `run_graph` must paint what torch paints first.

    With several processes all call this alike, and only the first gets the pack; the others get None.

    Raises TrainError, OutputExists, SinkError; KeyboardInterrupt leaves a checkpoint in the run's folder. What can be
    refused is refused before learning.
    """
    fabric = fabric or open_fabric()
    if not fabric.is_global_zero:
        say = silent
    refuse_output(plan.out, plan.overwrite)
    settings = plan.settings
    pictures = [
        learnable_style(work.picture, crop=work.style.crop, size=settings.style_size, say=say) for work in plan.works
    ]
    photographs = list_photos(plan.photos, say)
    evaluation = list_photos(plan.evaluation, say) if plan.evaluation else []
    torch.manual_seed(settings.seed)
    base = load_base(plan.base, loss_network) if plan.base else None
    shown = StylePack.load(plan.teacher) if plan.teacher else None
    source = Photographs(photographs, size=settings.size, seed=settings.seed, margin=FURTHEST)
    network = _network(plan, base, loss_network, pictures, source)
    manifest = _manifest(plan, base, shown, network, loss_network, len(photographs), fabric.world_size)
    training = Training(
        network,
        loss_network,
        source,
        pictures,
        settings,
        plan.run_folder,
        fabric=fabric,
        resume=plan.resume,
        overwrite=plan.overwrite,
        base=_before(base, shown),
        teacher=teacher_from(shown, [work.style.name for work in plan.works]) if shown else None,
    )
    learning = range(training.first, training.first + len(pictures))
    sheet = ContactSheet(plan.run_folder, [centre_square(p, 256) for p in spread(photographs, 4)], learning)
    watch = Watch(settings.steps, settings.style, pictures, say)
    every = max(1, settings.steps // 10)

    def after_step(progress: Progress) -> None:
        if fabric.is_global_zero:
            if progress.step % every == 0:
                painted = sheet.add(network, progress.step)
                watch.paintings(painted, [index - training.first for index in sheet.styles])
            watch.step(progress)
            on_step(progress)

    say(f"learning; {plan.run_folder}/sheet.jpg shows how it goes. Ctrl-C keeps a checkpoint.")
    training.run(after_step)
    if not fabric.is_global_zero:
        return None
    say("learned; writing the pack and checking its graph against torch, which takes a minute.")
    network, loss_network = network.cpu(), loss_network.cpu()
    _round(network)
    model = export_onnx(network, run_graph)
    measured = _figures(base) if base and not plan.full else {}
    for i, (work, style) in enumerate(zip(plan.works, pictures, strict=True) if evaluation else (), training.first):
        measured[work.style.name] = measure_quality(network, i, loss_network, evaluation, style)
    manifest = manifest.model_copy(
        update={"measured": measured, "training": {**manifest.training, "minutes": round(training.seconds / 60, 1)}}
    )
    preview = _preview(network, evaluation or photographs)
    report = write_report(plan.run_folder, manifest, preview=preview, warnings=watch.warnings)
    say(f"{report} tells how it went.")
    files = {"README.md": model_card(manifest).encode(), "preview.jpg": preview}
    return write_pack(plan.out, manifest, model, _tensors(network), files, overwrite=plan.overwrite)


def _before(base: StylePack | None, teacher: StylePack | None) -> str:
    """What a run begins with and learns from, for a resume to compare."""
    hashes = [weights_hash(base)] if base else []
    return " ".join([*hashes, f"teacher {weights_hash(teacher)}"] if teacher else hashes)


def _network(
    plan: Plan,
    base: StylePack | None,
    loss_network: LossNetwork,
    pictures: Sequence[Tensor],
    photographs: Photographs,
) -> StylizationNetwork:
    """The network to teach: a new one, or that of `base` with its new styles started near the closest it has."""
    if base is None:
        return build(plan.architecture, styles=len(plan.works), **(plan.arguments or {}))
    names, larger = [work.style.name for work in plan.works], plan.arguments if plan.full else None
    network = network_from(base, names, full=plan.full, arguments=larger)
    for index, picture in enumerate(pictures, len(base.names)) if not plan.full else ():
        start_near(network, index, loss_network, picture, photographs.batch(range(2)))
    return network


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """`count` paths evenly spread over `paths`, all of them where there are fewer."""
    return [paths[i * len(paths) // count] for i in range(count)] if len(paths) > count else list(paths)


def _manifest(
    plan: Plan,
    base: StylePack | None,
    teacher: StylePack | None,
    network: StylizationNetwork,
    loss_network: LossNetwork,
    photographs: int,
    processes: int,
) -> Manifest:
    """Everything the pack will say but its figures and the minutes it took."""
    mac = mac_per_pixel(network)
    name, arguments = plan.architecture, all_arguments(plan.architecture, plan.arguments or {})
    if base is not None:
        name = base.manifest.architecture.name
        arguments = all_arguments(name, plan.arguments) if plan.arguments else base.manifest.architecture.arguments
    taught: LossNetworkRecord | None = LossNetworkRecord(**asdict(loss_network.info))
    if teacher is not None:  # no loss network taught it
        taught = base.manifest.loss_network if base else None
    kept = list(base.manifest.styles) if base and not plan.full else []
    return Manifest(
        name=pack_name(plan.out),
        tier="johnson" if name == "johnson" else next(tier for tier, most in MOST.items() if mac <= most),
        architecture=Architecture(name=name, arguments=arguments, version=VERSION),
        style_size=network.style_size,
        mac_per_pixel=mac,
        parameters=count_parameters(network),
        styles=kept + [work.style for work in plan.works],
        loss_network=taught,
        training={
            **asdict(plan.settings),
            "optimizer": "Muon and Adam" if base is None or plan.full else "Adam",
            "processes": processes,
            "loss_layers": list(loss_network.style_layers),
            "photographs": photographs,
            "photographs_terms": plan.photos_terms,
            "photographs_seen": _seen(plan, base, processes),
            **({"teacher": teacher.name} if teacher else {}),
            **({"base": base.name, "full": plan.full, "before": base.manifest.training} if base else {}),
        },
    )


def _seen(plan: Plan, base: StylePack | None, processes: int) -> dict[str, int]:
    """See `Manifest.photographs_seen`: with `full` a style goes on from what the base saw of it."""
    before = base.manifest.photographs_seen if base else {}
    each = plan.settings.steps * plan.settings.batch * processes // len(plan.works)
    now = {work.style.name: each + before.get(work.style.name, 0) for work in plan.works}
    return now if plan.full else {**before, **now}


def _figures(base: StylePack) -> dict[str, Any]:
    """What the base says of its styles, as far as a model card can show it."""
    rows = base.manifest.measured
    wanted = ("content", "style", "total", "photographs")
    return {
        name: rows[name]
        for name in base.names
        if isinstance(rows.get(name), dict) and all(isinstance(rows[name].get(key), int | float) for key in wanted)
    }


@torch.no_grad()
def _round(network: StylizationNetwork) -> None:
    """Round what all styles share to 16 bits, so that the graph and the tensors of a pack are the same network."""
    for name, parameter in network.named_parameters():
        if name not in VECTORS:
            parameter.copy_(parameter.half())


def _tensors(network: StylizationNetwork) -> dict[str, NDArray[Any]]:
    """What a pack keeps to go on learning from: style vectors in 32 bits, all else in 16, see `_round`."""
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    return {name: array if name in VECTORS else array.astype(np.float16) for name, array in tensors.items()}


@torch.no_grad()
def _preview(network: StylizationNetwork, photographs: Sequence[Path]) -> bytes:
    """A JPEG of paintings alone, a row a style: photographs themselves may not be passed on."""
    rows = torch.stack([centre_square(p, 256) for p in spread(photographs, 4)])
    columns = [network(rows, style.expand(len(rows), -1)).clamp(0, 1) for style in network.styles[:, None]]
    buffer = io.BytesIO()
    column([torch.cat(list(c), dim=2) for c in columns]).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


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
