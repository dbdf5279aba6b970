"""The command line: parse, build, run. No work of its own; what a command needs is imported inside it."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter, validators

from murai import __version__
from murai.console import plain, progress, say, show_json
from murai.errors import CameraError, MissingExtra, MuraiError, SinkError, SourceError

if TYPE_CHECKING:
    from murai.pipeline import Pipeline, Source
    from murai.sinks.window import WindowSink
    from murai.stylizers.repertoire import Repertoire

app = App(
    name="murai",
    help="Real-time neural style transfer for live video.",
    version=__version__,
    default_parameter=Parameter(negative=()),
)
styles = App(name="styles", help="The styles this machine has.")
measure = App(name="measure", help="The figures the README quotes, made here.")
app.command(styles)
app.command(measure)

Strength = Annotated[float, Parameter(validator=validators.Number(gte=0, lte=1))]
Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
DEMO_SECONDS, DEMO_RATE = 10, 30


@Parameter(name="*")
@dataclass
class Painting:
    """How to paint.

    Parameters
    ----------
    style
        NAME, PACK/NAME, the path of a pack, or a blend NAME:W,NAME:W.
    strength
        0 leaves the picture as it is, 1 paints it fully.
    keep_colors
        Keep the colours of the input.
    size
        Work size of the network, WxH: larger pictures are painted at this size and brought back.
    tier
        Prefer a network of this weight.
    device
        Where the network runs.
    precision
        What it calculates with; auto keeps the faster on this machine.
    """

    style: str = "starry_night"
    strength: Strength = 1.0
    keep_colors: bool = False
    size: str | None = None
    tier: Literal["fast", "fine", "johnson"] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "f32", "bf16"] = "auto"


@app.command
def live(
    *,
    source: str = "auto",
    sink: list[str] | None = None,
    painting: Painting | None = None,
    frames: Count | None = None,
    overwrite: bool = False,
) -> int:
    """Paint a camera, a stream, a file or the pattern while you watch. Keys in the window: arrows, c, space, f, q.

    Parameters
    ----------
    source
        camera, camera:DEVICE, pattern, a URL, a file (played at its own pace), or auto: the camera, else the pattern.
    sink
        window, FILE, URL, v4l2:/dev/videoN or null; may be given several times. Left out: the window, or ten seconds
        of demo.mp4 where there is no display.
    frames
        End after so many frames of the source.
    overwrite
        Replace files that exist.
    """
    from murai.pipeline import Pipeline
    from murai.sinks import open_sink

    painting = painting or Painting()
    sinks = sink or [_default_sink()]
    if sinks.count("window") > 1:
        raise SinkError("there is one window at most; give --sink window once.")
    if sink is None and sinks != ["window"]:
        frames = frames or DEMO_SECONDS * DEMO_RATE
    opened = [open_sink(name, overwrite=overwrite, say=say) for name in sinks]
    repertoire, controls = _open_repertoire(painting)
    repertoire.use(controls)
    shown = _open_live(source, frames)
    repertoire.prepare(shown.info.width, shown.info.height)
    pipeline = Pipeline(shown, repertoire, opened, controls=controls, say=say)
    windows = [s for name, s in zip(sinks, opened, strict=True) if name == "window"]
    say(f"painting to {', '.join(sinks)}. {'q in the window' if windows else 'Ctrl-C'} ends it.")
    code = _play(pipeline, repertoire, windows[0] if windows else None)  # type: ignore[arg-type]
    for name in sinks:
        if Path(name).is_file():
            say(f"wrote {Path(name).resolve()}")
    return code


@app.command
def video(
    input: Path,
    output: str,
    /,
    *,
    painting: Painting | None = None,
    frames: Count | None = None,
    overwrite: bool = False,
) -> int:
    """Paint a video file: every frame, at its own time, with the sound it had.

    Parameters
    ----------
    input
        Any video that FFmpeg reads.
    output
        FILE.mp4, .mov, .mkv or .webm.
    frames
        Paint only so many frames.
    overwrite
        Replace the output if it exists.
    """
    from murai.pipeline import Pipeline
    from murai.sinks import open_sink
    from murai.sources.altered import Altered
    from murai.sources.file import FileSource

    if output in ("window", "null") or "://" in output or output.startswith("v4l2:"):
        raise SinkError(f"the output of murai video is a file, not {output}; `murai live` has other sinks.")
    sink = open_sink(output, overwrite=overwrite, say=say)
    source = Altered(FileSource(input, say=say), frames=frames)
    repertoire, controls = _open_repertoire(painting or Painting())
    pipeline = Pipeline(source, repertoire, [sink], controls=controls, say=say)
    with pipeline, progress("painting", source.info.frames, "frames") as advance:
        while not pipeline.wait(0.2):
            advance(pipeline.stats.painted)
    say(f"wrote {Path(output).resolve()}: {pipeline.stats.painted} frames")
    return 0


@app.command
def image(input: Path, output: Path, /, *, painting: Painting | None = None, overwrite: bool = False) -> int:
    """Paint a picture.

    Parameters
    ----------
    input
        Any picture that Pillow reads.
    output
        FILE.jpg, .png, .webp or .tif.
    overwrite
        Replace the output if it exists.
    """
    from murai.sinks.picture import write_picture
    from murai.sinks.whole import WholeFile
    from murai.sources.picture import read_picture

    WholeFile(output, overwrite=overwrite)  # refuses now what would be refused after painting
    picture = read_picture(input)
    repertoire, controls = _open_repertoire(painting or Painting())
    repertoire.use(controls)
    write_picture(output, repertoire(picture), overwrite=overwrite, source=input)
    say(f"wrote {output.resolve()}")
    return 0


@app.command
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
    with _needs("Teaching a style", "train"):
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


@styles.command(name="list")
def styles_list(*, json: bool = False) -> int:
    """Every style, one a line, or as a JSON array.

    Parameters
    ----------
    json
        Print a JSON array.
    """
    from murai.packs import find_packs

    rows = [
        {"style": f"{pack.name}/{style.name}", "tier": pack.manifest.tier, "path": str(pack.path), **style.model_dump()}
        for pack in find_packs(_folders(), say=say)
        for style in pack.manifest.styles
    ]
    if json:
        show_json(rows)
    for row in () if json else rows:
        work = ", ".join(str(row[k]) for k in ("title", "artist", "year") if row[k])
        print(plain(f"{row['style']:32} {row['tier']:8} {work}"))
    return 0


@styles.command(name="show")
def styles_show(name: str, /, *, json: bool = False) -> int:
    """What a pack says of itself: its model card, or its manifest as JSON.

    Parameters
    ----------
    name
        NAME, PACK/NAME or the path of a pack.
    json
        Print the manifest as JSON.
    """
    from murai.packs import find_style

    pack, _ = find_style(name, _folders(), say=say)
    if json or not pack.card:
        show_json(pack.manifest.model_dump(mode="json"))
    else:
        print(plain(pack.card))
    return 0


@styles.command(name="add")
def styles_add(pack: Path, /, *, overwrite: bool = False) -> int:
    """Check a pack, folder or zip, and copy it to your own.

    Parameters
    ----------
    pack
        The pack to add.
    overwrite
        Replace a pack of the same name.
    """
    from murai.packs import add_pack

    added = add_pack(pack, _user_folder(), overwrite=overwrite)
    say(f"added {added.name}: {', '.join(added.names)}")
    return 0


@styles.command(name="remove")
def styles_remove(name: str, /) -> int:
    """Delete one of your packs.

    Parameters
    ----------
    name
        The name of the pack.
    """
    from murai.packs import remove_pack

    remove_pack(name, _user_folder())
    say(f"removed {name}")
    return 0


@styles.command(name="export")
def styles_export(name: str, file: Path, /, *, overwrite: bool = False) -> int:
    """Write a pack as one zip file.

    Parameters
    ----------
    name
        NAME, PACK/NAME or the path of a pack.
    file
        FILE.zip
    overwrite
        Replace the file if it exists.
    """
    from murai.packs import export_pack, find_style

    pack, _ = find_style(name, _folders(), say=say)
    export_pack(pack, file, overwrite=overwrite)
    say(f"wrote {file.resolve()}")
    return 0


@measure.command(name="speed")
def measure_speed(
    *, size: str = "1280x720", style: str = "starry_night", rounds: Count = 15, frames: Count = 150, json: bool = False
) -> int:
    """The shipped network and the 2016 reference on the same frames, and the whole pipeline.

    Parameters
    ----------
    size
        WxH of the pictures.
    style
        The pack to measure.
    rounds
        How often each network takes its turn.
    frames
        Length of the video that goes through the pipeline.
    json
        Print one JSON object.
    """
    from murai.measure.speed import measure_speed, table
    from murai.packs import find_style

    pack, _ = find_style(style, _folders(), say=say)
    figures = measure_speed(pack, _size(size), rounds=rounds, frames=frames, say=say)
    if json:
        show_json(figures)
    else:
        print(table(figures))
    return 0


# Parts of commands


def _open_repertoire(painting: Painting) -> "tuple[Repertoire, Any]":
    """The stylizer of every pack, and controls that start with what the user asked for."""
    from murai.controls import Controls
    from murai.packs import StylePack, find_packs, find_style
    from murai.stylizers import open_stylizer
    from murai.stylizers.repertoire import Repertoire

    size = _size(painting.size) if painting.size else None
    pack, mix = find_style(painting.style, _folders(), tier=painting.tier, say=say)

    def opener(pack: StylePack) -> Any:
        path = str(pack.path.absolute())
        return open_stylizer(path, size=size, device=painting.device, precision=painting.precision, say=say)

    mix = {f"{pack.name}/{name}": weight for name, weight in mix.items()}
    controls = Controls(mix=mix, strength=painting.strength, keep_colors=painting.keep_colors)
    return Repertoire(find_packs(_folders()), pack, opener), controls


def _open_live(spec: str, frames: int | None) -> "Source":
    """The source of a live show; a file is played at its own pace."""
    from murai.sources import open_source
    from murai.sources.paced import Paced
    from murai.sources.picture import is_picture

    if spec != "auto" and "://" not in spec and is_picture(spec):
        raise SourceError(f"{spec} is a picture, which does not move: paint it with `murai image`.")
    if spec != "auto":
        source = open_source(spec, frames=frames, say=say)
        return source if source.live else Paced(source)
    try:
        source = open_source("camera", frames=frames, say=say)
        say("source: the camera.")
    except CameraError as error:
        say(f"source: the pattern, since no camera opens. {error}")
        source = open_source("pattern", frames=frames, say=say)
    return source


def _default_sink() -> str:
    """The window, or a file where none can be opened."""
    from murai.sinks.window import WindowSink

    try:
        WindowSink().close()
    except SinkError as error:
        say(f"sink: {DEMO_SECONDS} seconds of demo.mp4, since no window opens. {error}")
        return "demo.mp4"
    say("sink: a window.")
    return "window"


def _play(pipeline: "Pipeline", repertoire: "Repertoire", window: "WindowSink | None") -> int:
    """Run the show until it ends or the user ends it; what was recorded is kept either way."""
    code = 0
    pipeline.start()
    try:
        if window is not None:
            window.show(_keys(pipeline, repertoire), until=lambda: pipeline.ended)
        else:
            with progress("live", None, "frames") as advance:
                while not pipeline.wait(0.5):
                    advance(pipeline.stats.painted, pipeline.stats.summary())
    except KeyboardInterrupt:
        code = 130
    finally:
        pipeline.stop()
        pipeline.wait()
    say(pipeline.stats.summary())
    return code


def _keys(pipeline: "Pipeline", repertoire: "Repertoire") -> Any:
    """What each key of the window does."""
    names = repertoire.names

    def on_key(key: str) -> None:
        controls = pipeline.controls
        if key in ("left", "right"):
            now = next(iter(controls.mix))
            at = names.index(now) if now in names else 0
            name = names[(at + (1 if key == "right" else -1)) % len(names)]
            pipeline.update(mix={name: 1.0})
            say(f"style {name}")
        elif key in ("up", "down"):
            strength = round(min(1.0, max(0.0, controls.strength + (0.1 if key == "up" else -0.1))), 2)
            pipeline.update(strength=strength)
            say(f"strength {strength:g}")
        elif key == "c":
            pipeline.update(keep_colors=not controls.keep_colors)
        elif key == "space":
            pipeline.update(paused=not controls.paused)

    return on_key


def _user_folder() -> Path:
    """Where a user's own packs are: the XDG data folder."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "murai" / "styles"


def _folders() -> list[Path]:
    from murai.packs import bundled_folder

    return [_user_folder(), bundled_folder()]


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 0 < int(width) <= 16384 and 0 < int(height) <= 16384):
        raise MuraiError(f"'{text}' is not a size; write WIDTHxHEIGHT in pixels, such as 1280x720.")
    return int(width), int(height)


def _crop(text: str) -> tuple[int, int, int, int]:
    numbers = text.split(",")
    if len(numbers) != 4 or not all(n.strip().isdigit() for n in numbers):
        raise MuraiError(f"'{text}' is not a crop; write X,Y,W,H in pixels, such as 100,0,800,600.")
    x, y, w, h = map(int, numbers)
    return x, y, w, h


@contextmanager
def _needs(feature: str, extra: str) -> Iterator[None]:
    """Say which extra to install where an optional library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "murai":
            raise
        raise MissingExtra(feature, extra) from error


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 1 a fault of murai, 2 the user's error, 130 ended by the user."""
    try:
        return int(app(arguments, exit_on_error=False, print_error=False, result_action="return_value") or 0)
    except KeyboardInterrupt:
        say("ended.")
        return 130
    except (MuraiError, CycloptsError) as error:
        say(f"murai: {error}")
        return 2
    except BrokenPipeError:  # the reader of standard output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last resort: one line instead of a traceback
        if os.environ.get("MURAI_DEBUG"):
            raise
        say(f"murai: a fault of murai itself, {type(error).__name__}: {error}. MURAI_DEBUG=1 shows where.")
        return 1


def main() -> NoReturn:
    """The command `murai`."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run())
