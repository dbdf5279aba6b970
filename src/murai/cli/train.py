"""murai train: teach a style."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

from murai.cli.common import Count, needs
from murai.console import progress, say
from murai.errors import MuraiError


def train(
    pictures: list[Path],
    /,
    *,
    photos: Path,
    out: Path,
    name: list[str] | None = None,
    title: list[str] | None = None,
    artist: list[str] | None = None,
    year: list[str] | None = None,
    place: list[str] | None = None,
    licence: list[str] | None = None,
    crop: list[str] | None = None,
    steps: Count = 1000,
    batch: Count = 2,
    photo_size: Annotated[int, Parameter(validator=validators.Number(gte=32))] = 256,
    style_size: Annotated[int, Parameter(validator=validators.Number(gte=32))] = 768,
    style_weight: float = 5.0,
    seed: int = 0,
    architecture: Literal["compact", "johnson"] = "compact",
    loss_network: Path | None = None,
    loss_input: Literal["caffe", "imagenet"] = "caffe",
    photos_terms: str = "",
    evaluate: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> int:
    """Teach a style from a picture; several pictures become several styles of one network.

    Parameters
    ----------
    pictures
        The pictures to learn from.
    photos
        A folder of photographs, a few hundred or more, of what will be painted.
    out
        The pack to write. OUT.run beside it keeps the checkpoint, the log and the contact sheet.
    name
        What the style is called, one for each picture; by default the file's name.
    title
        One for each picture, as are artist, year, place and licence.
    crop
        The section to learn from, X,Y,W,H in pixels, one for each picture.
    steps
        How long to learn.
    batch
        Photographs a step.
    photo_size
        Pixels a side of the photographs' crops.
    style_size
        Short side of the style picture in pixels: larger means larger strokes.
    style_weight
        Larger paints more boldly.
    loss_network
        Weights of VGG16 or VGG19, .pth or .safetensors with torchvision's keys; by default VGG16's are downloaded once.
    loss_input
        What the weights were trained on: 0..255 minus the mean (caffe), or 0..1 normalized (imagenet).
    photos_terms
        What the photographs are and their terms, for the model card.
    evaluate
        A folder of photographs never learned from, for the figures in the model card.
    resume
        Go on from the checkpoint.
    overwrite
        Replace the pack if it exists and, without --resume, the run beside it.
    """
    with needs("Teaching a style", "train"):
        from murai.train.loop import Progress, Settings
        from murai.train.teach import Plan, refuse_output, teach, works
        from murai.train.vgg import load_loss_network
    from murai.stylizers.openvino import OpenVINORuntime

    refuse_output(out, overwrite)
    details = {"name": name, "title": title, "artist": artist, "year": year, "place": place, "licence": licence}
    plan = Plan(
        works=works(pictures, details, [_crop(c) for c in crop or ()]),
        photos=photos,
        out=out,
        run_folder=out.with_name(out.name + ".run"),
        settings=Settings(
            steps=steps, batch=batch, size=photo_size, style_size=style_size, style=style_weight, seed=seed
        ),
        architecture=architecture,
        photos_terms=photos_terms,
        evaluation=evaluate,
        resume=resume,
        overwrite=overwrite,
    )
    say(f"learning; {plan.run_folder}/sheet.jpg shows how it goes. Ctrl-C keeps a checkpoint.")
    with progress("learning", steps, "steps") as advance:

        def on_step(now: Progress) -> None:
            shares = " ".join(f"{term} {value:.2f}" for term, value in now.terms.items())
            advance(now.step, shares)
            if now.step % 50 == 0:
                say(f"step {now.step} of {steps}: {shares}; {now.rate:.2f} steps/s, {now.left / 60:.0f} minutes left")

        def run_graph(model: bytes, pictures: Any, vectors: Any) -> Any:
            return OpenVINORuntime(model, precision="f32").run(pictures, vectors)

        try:
            pack = teach(
                plan, load_loss_network(loss_network, loss_input, say=say), run_graph, on_step=on_step, say=say
            )
        except KeyboardInterrupt:
            if (plan.run_folder / "checkpoint.pt").exists():
                say("stopped; the same command with --resume goes on from here.")
            raise
    say(f"wrote {pack.path}. Try it: murai live --style {out}/{pack.names[0]}, or keep it: murai styles add {out}")
    return 0


def _crop(text: str) -> tuple[int, int, int, int]:
    numbers = text.split(",")
    if len(numbers) != 4 or not all(n.strip().isdigit() for n in numbers):
        raise MuraiError(f"'{text}' is not a crop; write X,Y,W,H in pixels, such as 100,0,800,600.")
    x, y, w, h = map(int, numbers)
    return x, y, w, h
