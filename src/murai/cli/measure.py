"""murai measure: the figures the README quotes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter, validators

from murai.cli.common import (
    Count,
    Judge,
    Positive,
    Several,
    Share,
    cache_folder,
    folders,
    needs,
    parse_size,
    style_images,
)
from murai.console import progress, say, show_json
from murai.errors import MuraiError

if TYPE_CHECKING:
    from murai.measure.cache import Cache
    from murai.measure.networks import Taught

Side = Annotated[int, Parameter(validator=validators.Number(gte=16))]
Moments = Annotated[int, Parameter(validator=validators.Number(gte=2))]

STYLE = "starry_night"
CARD_SIZES = ("1280x720", "1920x1080", "3840x2160")

measure = App(
    name="measure", help="The figures the README quotes, made here.", default_parameter=Parameter(negative=())
)


@measure.command(name="speed")
def measure_speed(
    *,
    size: Annotated[list[str] | None, Several] = None,
    style: str | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
    rounds: Count = 15,
    frames: Count = 150,
    json: bool = False,
) -> int:
    """The shipped network and the 2016 reference on the same frames, and the whole pipeline.

    Parameters
    ----------
    size
        WxH of the pictures; 1280x720, and on a card also 1920x1080 and 3840x2160. There may be several on a card.
    style
        The pack to measure; the default one, on a card all.
    device
        cuda: all of it on a card, beside what the card could do.
    rounds
        How often each network takes its turn.
    frames
        Length of the video that goes through the pipeline.
    json
        Print one JSON object.
    """
    from murai.packs import find_packs, find_style

    packs = [find_style(style or STYLE, folders(), say=say)[0]]
    sizes = [parse_size(text) for text in size or (CARD_SIZES if device == "cuda" else CARD_SIZES[:1])]
    if device == "cuda":
        with needs("Measuring a card", "cuda"):
            from murai.measure.card import measure_card
            from murai.measure.card import table as card_table
        packs = packs if style else find_packs(folders(), say=say)
        return _show(measure_card(packs, sizes, rounds=rounds, frames=frames, say=say), card_table, json)
    from murai.measure.speed import measure_speed, table

    if len(sizes) > 1:
        raise MuraiError("give one --size, or --device cuda, which takes several.")
    return _show(measure_speed(packs[0], sizes[0], rounds=rounds, frames=frames, say=say), table, json)


@measure.command(name="live")
def measure_live(
    *,
    size: str = "1280x720",
    style: str = "starry_night",
    rate: Count = 30,
    seconds: Positive = 15.0,
    json: bool = False,
) -> int:
    """A live show in a window: pictures a second, delay by the clock and as seen on the screen, who uses the processor.

    On Linux, with a display without a window manager: xvfb-run -a murai measure live.

    Parameters
    ----------
    size
        WxH of the pictures, of the network and of the window.
    style
        The pack to measure.
    rate
        Pictures a second of the source.
    seconds
        How long each half takes.
    json
        Print one JSON object.
    """
    _refuse_elsewhere()
    from murai.measure.live import measure_live, table
    from murai.packs import find_style

    pack, _ = find_style(style, folders(), say=say)
    figures = measure_live(pack, parse_size(size), rate=rate, seconds=seconds, say=say)
    return _show(figures, table, json)


@measure.command(name="soak")
def measure_soak(
    *,
    minutes: Positive = 60.0,
    size: str = "640x360",
    style: str = "starry_night",
    every: Annotated[float, Parameter(validator=validators.Number(gte=10))] = 60.0,
    json: bool = False,
) -> int:
    """A show with a fault every minute: whether it goes on, and whether memory, files and threads stay as they were.

    For Linux.

    Parameters
    ----------
    minutes
        How long.
    size
        WxH of the pictures.
    style
        The pack that paints.
    every
        Seconds from one fault to the next.
    json
        Print one JSON object.
    """
    _refuse_elsewhere()
    with needs("The soak", "control"):
        from murai.measure.soak import measure_soak, table
    from murai.packs import find_style

    pack, _ = find_style(style, folders(), say=say)
    figures = measure_soak(pack, parse_size(size), seconds=60 * minutes, every=every, say=say)
    _show(figures, table, json)
    return 1 if figures["error"] else 0


def _refuse_elsewhere() -> None:
    if not Path("/proc/self/task").exists():
        raise MuraiError("this is measured by what Linux tells of its processes; run it there.")


@measure.command(name="quality")
def measure_quality(
    *,
    photos: Path,
    style_image: Annotated[list[str], Several],
    pack: Annotated[list[str] | None, Several] = None,
    judge: Judge | None = None,
    gatys: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    gatys_photos: Count = 4,
    size: Side = 384,
    limit: Count | None = None,
    cache: Path | None = None,
    sheet: Path | None = None,
    json: bool = False,
) -> int:
    """How well packs paint photographs they never saw, beside the slow optimization: how much of the style they have.

    Effectiveness (higher is better), the share of the photograph's structure that is kept, the distance of palettes,
    contrast and gradient over those of the style picture (1 is alike). Who has more of the first two paints better.

    Finished rows are kept: the same command goes on where it was interrupted.

    Parameters
    ----------
    photos
        A folder of photographs.
    style_image
        NAME=FILE, the picture that the style NAME was learned from; a pack's crop is honoured. One or more.
    pack
        The packs to measure, names or paths; by default all.
    gatys
        Iterations of optimizing pixels, as Gatys et al. did, for the losses that networks learn by, a minute or more a
        photograph; 0 leaves it out.
    gatys_photos
        How many photographs it paints; the networks get a second row for these alone.
    size
        Pixels a side of the photographs' centre squares.
    limit
        Only so many photographs, the first by name.
    cache
        The folder of finished rows.
    sheet
        A .jpg or .png for the paintings side by side, replaced if it is there.
    json
        Print one JSON object.
    """
    with needs("Measuring quality", "train"):
        from murai.measure.quality import measure_quality, table
        from murai.train.photos import list_photos
    pictures = style_images(style_image)
    figures = measure_quality(
        _taught(pack, None),
        pictures,
        list_photos(photos, say)[:limit],
        (judge or Judge()).load(say),
        _cache(cache),
        size=size,
        gatys=gatys,
        gatys_photos=gatys_photos,
        sheet=sheet,
        progress=progress,
        say=say,
    )
    return _show(figures, table, json)


@measure.command(name="stability")
def measure_stability(
    *,
    photos: Path,
    clips: Annotated[list[Path] | None, Several] = None,
    flow: Path | None = None,
    pack: Annotated[list[str] | None, Several] = None,
    style: Annotated[list[str] | None, Several] = None,
    style_image: Annotated[list[str] | None, Several] = None,
    judge: Judge | None = None,
    frames: Moments = 64,
    clip_frames: Moments = 30,
    size: Side = 384,
    limit: Count | None = None,
    calm: Share = 0.0,
    cache: Path | None = None,
    json: bool = False,
) -> int:
    """How calm painted video is: flicker on noisy photographs, warping error on true flow and on real clips.

    Finished figures are kept: the same command goes on where it was interrupted.

    Parameters
    ----------
    photos
        A folder of photographs.
    clips
        Videos, whose flow is estimated.
    flow
        A folder of sequences with true flow: SEQUENCE/final/frame_NNNN.png, SEQUENCE/flow/frame_NNNN.npz, and masks.
    pack
        The packs to measure, names or paths; by default all.
    style
        The styles to measure; by default all.
    style_image
        NAME=FILE, the picture that the style NAME was learned from: its row gets the total of `measure quality` too.
    frames
        Moments of each photograph.
    clip_frames
        Only so many frames of each clip, the first.
    size
        Pixels a side of the photographs' centre squares.
    limit
        Only so many photographs, the first by name.
    calm
        Measure each style once more with the control calm at this, which holds back the noise of what stands still.
    cache
        The folder of finished figures.
    json
        Print one JSON object.
    """
    with needs("Measuring stability", "measure"):
        from murai.measure.quality import measure_quality
        from murai.measure.sequences import clip_sequences, true_sequences
        from murai.measure.stability import measure_stability, table
        from murai.train.photos import list_photos
    pictures = style_images(style_image or [])
    taught = _taught(pack, style)
    photographs = list_photos(photos, say)[:limit]
    sequences = true_sequences(flow) if flow else []
    sequences += clip_sequences(clips, clip_frames, say) if clips else []
    totals = {}
    if pictures:
        judges = (judge or Judge()).load(say)
        quality = measure_quality(
            taught, pictures, photographs, judges, _cache(cache), size=size, progress=progress, say=say
        )
        totals = {(row["network"], row["style"]): row["total"] for row in quality["rows"]}
    calmed = [replace(each, calm=calm) for each in taught] if calm else []
    figures = measure_stability(
        [*taught, *calmed],
        photographs,
        sequences,
        _cache(cache),
        size=size,
        frames=frames,
        totals=totals,
        progress=progress,
        say=say,
    )
    return _show(figures, table, json)


def _taught(packs: list[str] | None, styles: list[str] | None) -> "list[Taught]":
    from murai.measure.networks import choose
    from murai.packs import find_packs

    return choose(packs or [], styles or [], find_packs(folders(), say=say))


def _cache(folder: Path | None) -> "Cache":
    """In `folder`, by default in the XDG cache folder."""
    from murai.measure.cache import Cache

    return Cache(folder or cache_folder())


@measure.command(name="crops")
def measure_crops(
    pictures: list[Path],
    /,
    *,
    photos: Path,
    judge: Judge | None = None,
    style_size: Side = 512,
    size: Side = 256,
    iterations: Count = 40,
    limit: Count = 2,
    json: bool = False,
) -> int:
    """Whether the section that --suggest-crops puts first teaches a work better than its centre: two judges, slowly.

    Parameters
    ----------
    pictures
        The works.
    photos
        A folder of photographs; what a section teaches is painted on them, by optimization.
    style_size
        Short side of a section in pixels.
    size
        Pixels a side of the photographs' centre squares.
    iterations
        Of the optimization.
    limit
        Only so many photographs, the first by name.
    json
        Print one JSON object.
    """
    with needs("Measuring crops", "train"):
        from murai.measure.crops import measure_crops, table
        from murai.train.photos import list_photos
    figures = measure_crops(
        pictures,
        list_photos(photos, say)[:limit],
        (judge or Judge()).load(say),
        size=style_size,
        side=size,
        iterations=iterations,
        say=say,
    )
    return _show(figures, table, json)


def _show(figures: Any, table: Callable[[Any], str], json: bool) -> int:
    """Print figures as JSON or as their table."""
    if json:
        show_json(figures)
    else:
        print(table(figures))
    return 0
