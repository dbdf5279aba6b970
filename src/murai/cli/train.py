"""murai train: teach a style."""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from murai.cli.common import Count, Judge, Positive, Share, folders, needs
from murai.cli.crops import suggest
from murai.console import progress, say
from murai.errors import MuraiError, silent

if TYPE_CHECKING:
    from murai.train.loop import Progress
    from murai.train.settings import Settings

NotNegative = Annotated[float, Parameter(validator=validators.Number(gte=0))]


def train(
    pictures: list[Path],
    /,
    *,
    photos: Path | None = None,
    out: Path | None = None,
    name: list[str] | None = None,
    title: list[str] | None = None,
    artist: list[str] | None = None,
    year: list[str] | None = None,
    place: list[str] | None = None,
    licence: list[str] | None = None,
    crop: list[str] | None = None,
    suggest_crops: bool = False,
    steps: Count = 600,
    batch: Count = 2,
    photo_size: Annotated[int, Parameter(validator=validators.Number(gte=32))] = 256,
    style_size: Annotated[int, Parameter(validator=validators.Number(gte=32))] = 512,
    ends: Literal[1, 2] = 2,
    bold_steps: Count | None = None,
    objective: Literal["statistics", "gram"] = "statistics",
    keep: tuple[Share, Share] | None = None,
    content: tuple[Positive, Positive] | None = None,
    light: tuple[NotNegative, NotNegative] = (2.0, 1.0),
    style_weight: Positive = 1.0,
    layers: tuple[NotNegative, NotNegative, NotNegative, NotNegative] = (0.5, 1.0, 2.5, 1.5),
    parts: Share = 0.3,
    stability: Literal["none", "fixed-noise", "noise", "motion"] = "motion",
    stability_weight: Positive = 0.5,
    learning_rate: Positive = 0.02,
    seed: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    architecture: Literal["affine", "johnson"] | None = None,
    tier: Literal["light", "fast", "fine"] | None = None,
    base: str | None = None,
    teacher: str | None = None,
    processes: Count = 1,
    machines: Count = 1,
    bf16: bool = False,
    judge: Judge | None = None,
    loss_energy: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=1))] = 0.99,
    photos_terms: str = "",
    evaluate: Path | None = None,
    tensorboard: bool = False,
    resume: bool = False,
    overwrite: bool = False,
) -> int:
    """Teach a style from a picture; several pictures become several styles of one pack.

    Each is learned twice: its faithful end keeps the photograph legible, its bold end is tuned from there, and between
    them it is painted at any boldness.

    Parameters
    ----------
    pictures
        The pictures to learn from.
    photos
        A folder of photographs, a few hundred or more, of what will be painted.
    out
        The pack to write. OUT.run beside it keeps the contact sheet, the report, and a folder for each end of a style,
        NAME-faithful and NAME-bold, with its checkpoint and log.
    name
        What the style is called, one for each picture; by default the file's name.
    title
        One for each picture, as are artist, year, place and licence.
    crop
        The section to learn from, X,Y,W,H in pixels, one for each picture.
    suggest_crops
        Learn nothing, but ask the loss network for three sections worth learning from, print them, and write
        IMAGE-crops.jpg, or --out, to choose by.
    steps
        How long to learn the faithful end.
    batch
        Photographs a step.
    photo_size
        Pixels a side of the photographs' crops.
    style_size
        Short side of the style picture in pixels: larger means larger strokes.
    ends
        1 learns the faithful end alone.
    bold_steps
        How long to tune the bold end from the faithful one; by default half of --steps.
    objective
        What is asked for: statistics and structure, or the raw features and Gram matrices of 2016, for comparison.
    keep
        The share of the photograph's structure that stays, at the faithful end and at the bold one, which learning
        sees to; by default 0.66 and 0.5, with the objective gram nothing.
    content
        Instead of --keep: the weight of the structure at both ends, which then stays as it is.
    light
        The same of where it is bright: larger keeps faces out of a dark palette.
    style_weight
        What the style is multiplied by: larger paints more boldly.
    layers
        What relu1_2, relu2_2, relu3_3 and relu4_1 count in the style: more of the last for larger forms.
    parts
        The share of the style that every quarter of a painting is asked for: larger spreads it more evenly.
    stability
        What makes video calm: noise and motion, fresh noise only, noise as Mur.AI had it, or nothing.
    stability_weight
        Larger is calmer and less bold.
    learning_rate
        Of Muon, at its peak; half of it is that of Adam.
    architecture
        The network; johnson is the one of 2016, for comparison.
    tier
        fast is the default; light takes half its time, and fine twice, which paints better. With --base, a network
        grows into a larger one, and the base's other styles are left out.
    base
        A pack that is taught already, a path or a name, to begin from: each end with its own of the style of the
        same name, or both with the style that is nearest to the picture. Its other styles stay.
    teacher
        A pack, a path or a name, whose paintings in styles of these names are imitated, which is quick: a start for a
        smaller network, to be learned on with --base.
    processes
        How many GPUs, or processes on the CPU, learn together; each takes --batch photographs a step.
    machines
        How many machines learn together; the same command runs on each, started by torchrun.
    bf16
        Learn in mixed bf16 precision, for hardware that has it.
    loss_energy
        Learn with fewer directions of the loss network's responses, which keep this share of their variance: faster.
        1 uses it whole. The figures of a pack always do.
    photos_terms
        What the photographs are and their terms, for the model card.
    evaluate
        A folder of photographs never learned from, for the figures in the model card.
    tensorboard
        Write the losses for TensorBoard too, below OUT.run.
    resume
        Go on from the checkpoints.
    overwrite
        Replace the pack if it exists and, without --resume, the runs beside it.
    """
    if suggest_crops:
        return suggest(pictures, out, judge or Judge(), size=style_size, overwrite=overwrite)
    if photos is None or out is None:
        raise MuraiError("teaching needs photographs and a name for the pack; give --photos DIR and --out PACK.")
    with needs("Teaching a style", "train"):
        from murai.train.machines import open_fabric
        from murai.train.plan import Plan, refuse_output, works
        from murai.train.settings import CONTENT, KEEP, Settings, bold
        from murai.train.teach import teach
    from murai.stylizers.openvino import OpenVINORuntime

    if architecture and base:
        raise MuraiError("--base says which network learns; leave --architecture out.")
    if tier and architecture == "johnson":
        raise MuraiError("--tier chooses the size of another network than johnson; leave one of them out.")
    if keep and content:
        raise MuraiError("--keep lets learning find the weight that --content gives; leave one of them out.")
    refuse_output(out, overwrite)
    keep = keep or (KEEP if content is None and objective == "statistics" else (0.0, 0.0))
    content = content or CONTENT[objective]
    settings = Settings(
        steps=steps,
        batch=batch,
        size=photo_size,
        style_size=style_size,
        objective=objective,
        content=content[0],
        keep=keep[0],
        light=light[0],
        style=style_weight,
        layers=layers,
        parts=parts,
        stable=stability,
        stability=stability_weight,
        learning_rate=learning_rate,
        energy=loss_energy,
        seed=seed,
    )
    details = {"name": name, "title": title, "artist": artist, "year": year, "place": place, "licence": licence}
    plan = Plan(
        works=works(pictures, details, [_crop(c) for c in crop or ()]),
        photos=photos,
        out=out,
        run_folder=out.with_name(out.name + ".run"),
        ends=[settings, bold(settings, bold_steps, content[1], light[1], keep[1])][:ends],
        architecture=architecture or "affine",
        arguments=_arguments(tier, base, architecture),
        base=_base(base) if base else None,
        teacher=_base(teacher) if teacher else None,
        photos_terms=photos_terms,
        evaluation=evaluate,
        resume=resume,
        overwrite=overwrite,
    )
    if machines > 1 and "MASTER_ADDR" not in os.environ:
        raise MuraiError("several machines are started by torchrun, with this command on each; see its --nnodes.")
    fabric = open_fabric(processes, machines, "bf16-mixed" if bf16 else "32-true")
    tell = say if fabric.is_global_zero else silent
    board = _board(plan.run_folder) if tensorboard and fabric.is_global_zero else None
    tell("looking at the pictures, the photographs and the loss network.")
    total, before = sum(run.steps for run in plan.runs.values()), _steps_before(plan.runs)
    bar = progress("learning", total, "steps") if fabric.is_global_zero else nullcontext(lambda done, note="": None)
    with bar as advance:

        def on_step(now: "Progress") -> None:
            shares = " ".join(f"{term} {value:.2f}" for term, value in now.terms.items())
            done = before[now.run] + now.step
            advance(done, f"{now.run}: {shares}")
            if board:
                board(now)
            if now.step % 50 == 0:
                minutes = (total - done) / now.rate / 60
                tell(
                    f"{now.run}, step {now.step} of {now.steps}: {shares}; {now.rate:.2f} steps/s, "
                    f"{minutes:.0f} minutes left"
                )

        def run_graph(model: bytes, picture: Any, style: Any) -> Any:
            return OpenVINORuntime(model, precision="f32").coefficients(picture, style)

        try:
            loss_network = (judge or Judge()).load(tell)
            pack = teach(plan, loss_network, run_graph, fabric=fabric, on_step=on_step, say=tell)
        except KeyboardInterrupt:
            if any(plan.run_folder.glob("*/checkpoint.pt")):
                tell("stopped; the same command with --resume goes on from here.")
            raise
    if pack is not None:
        learned = plan.works[0].style.name
        say(f"wrote {pack.path}. Try it: murai live --style {out}/{learned}, or keep it: murai styles add {out}")
    return 0


def _arguments(tier: str | None, base: str | None, architecture: str | None) -> dict[str, Any] | None:
    """The size of the network; None for that of the base, or the only one there is."""
    from murai.nets import SIZES

    return None if architecture == "johnson" or (base and not tier) else SIZES[tier or "fast"]


def _steps_before(runs: "Mapping[str, Settings]") -> dict[str, int]:
    """For each run the steps of those before it."""
    return dict(zip(runs, accumulate((run.steps for run in runs.values()), initial=0), strict=False))


def _board(folder: Path) -> "Callable[[Progress], None]":
    from murai.train.board import open_board

    return open_board(folder)


def _base(text: str) -> Path:
    """The path of the pack that a user means."""
    from murai.packs import find_style

    return find_style(text, folders(), say=say)[0].path


def _crop(text: str) -> tuple[int, int, int, int]:
    numbers = text.split(",")
    if len(numbers) != 4 or not all(n.strip().isdigit() for n in numbers):
        raise MuraiError(f"'{text}' is not a crop; write X,Y,W,H in pixels, such as 100,0,800,600.")
    x, y, w, h = map(int, numbers)
    return x, y, w, h
