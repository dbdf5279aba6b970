"""murai video and image: paint what comes in, and what live shares with them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from murai.cli.common import Count, Share, folders, parse_size
from murai.console import progress, say
from murai.controls import BOLDNESS
from murai.errors import MuraiError, Say, SinkError, SourceError

if TYPE_CHECKING:
    from murai.stylizers.masked import Mask, Masked
    from murai.stylizers.repertoire import Repertoire

SMALLEST = 16
"""Pixels a side of the work size: two cells of the network."""


@Parameter(name="*")
@dataclass
class Painting:
    """How to paint.

    Parameters
    ----------
    style
        NAME (of the tier fast, else of the lightest pack that has it), PACK/NAME, a pack or its path (its first
        style), or a blend NAME:W,NAME:W.
    strength
        0 leaves the picture as it is, 1 paints it fully.
    boldness
        0 paints faithfully, 1 boldly.
    keep_colors
        Keep the colours of the input.
    calm
        How much the noise of what stands still is held back in video, 0 to 1.
    stroke_size
        How large the strokes are, 0.5 to 4: the network works at a size so many times smaller.
    size
        Work size of the network, WxH, by default that of a picture of 640x360: strokes take the same share of a picture
        of any size.
    tier
        Only a network of this weight.
    device
        Where the network runs.
    precision
        What it calculates with; auto keeps the faster on this machine.
    mask
        Where --inside paints: the white of a picture, or what an ONNX network finds, such as people.
    inside
        The style inside the mask, as --style.
    """

    style: str = "starry_night"
    strength: Share = 1.0
    boldness: Share = BOLDNESS
    keep_colors: bool = False
    calm: Share = 0.0
    stroke_size: Annotated[float, Parameter(validator=validators.Number(gte=0.5, lte=4))] = 1.0
    size: str | None = None
    tier: Literal["light", "fast", "fine", "johnson"] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "f32", "bf16"] = "auto"
    mask: Path | None = None
    inside: str | None = None

    def refuse_mask(self) -> None:
        """Raise MuraiError for a mask without a style, a style without a mask, and a mask that is not there."""
        if (self.mask is None) != (self.inside is None):
            raise MuraiError("--mask FILE says where --inside STYLE paints; give both or neither.")
        if self.mask is not None and not self.mask.is_file():
            raise MuraiError(f"there is no file {self.mask}; give a picture or an ONNX network as --mask.")

    @property
    def on_card(self) -> bool:
        """Whether pictures are decoded on a card too; a mask is looked for on the host."""
        return self.device == "cuda" and self.mask is None

    def work_size(self) -> tuple[int, int] | None:
        """That asked for. Raises MuraiError."""
        size = parse_size(self.size) if self.size else None
        if size and min(size) < SMALLEST:
            raise MuraiError(
                f"nothing can be painted at a work size of {self.size}; give {SMALLEST}x{SMALLEST} pixels or more."
            )
        return size

    def refuse(self) -> None:
        """Raise what the styles and files asked for would raise later."""
        from murai.packs import find_style

        self.refuse_mask()
        self.work_size()
        for style in filter(None, (self.style, self.inside)):
            find_style(style, folders(), tier=self.tier)


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
    from murai.sinks import names_file, open_sink
    from murai.sources.altered import Altered
    from murai.sources.file import FileSource
    from murai.sources.picture import is_picture

    if not names_file(output):
        raise SinkError(f"the output of murai video is a file, not {output}; `murai live` has other sinks.")
    if is_picture(input):
        raise SourceError(f"{input} is a picture, which does not move: paint it with `murai image`.")
    painting = painting or Painting()
    sink = open_sink(output, overwrite=overwrite, on_card=painting.on_card, say=say)
    source = Altered(FileSource(input, say=say, on_card=painting.on_card), frames=frames)
    repertoire, controls = open_repertoire(painting)
    pipeline = Pipeline(source, repertoire, [sink], controls=controls, say=say)
    with pipeline, progress("painting", source.info.frames, "frames") as advance:
        while not pipeline.wait(0.2):
            advance(pipeline.stats.painted)
    say(f"wrote {Path(output).resolve()}: {pipeline.stats.painted} frames")
    return 0


def image(input: Path, output: Path, /, *, painting: Painting | None = None, overwrite: bool = False) -> int:
    """Paint a picture.

    Parameters
    ----------
    input
        Any picture that Pillow reads.
    output
        FILE.jpg, .png, .webp, .tif or .bmp.
    overwrite
        Replace the output if it exists.
    """
    from murai.sinks.picture import refuse_picture, write_picture
    from murai.sources.picture import read_picture

    refuse_picture(output, overwrite=overwrite)  # now, not after painting
    picture = read_picture(input)
    repertoire, controls = open_repertoire(painting or Painting())
    repertoire.use(controls)
    write_picture(output, repertoire(picture), overwrite=overwrite, source=input)
    say(f"wrote {output.resolve()}")
    return 0


def open_repertoire(painting: Painting, say: Say = say) -> "tuple[Repertoire | Masked, Any]":
    """What paints, every pack and a second style inside a mask, and controls that start as the user asked."""
    from murai.controls import Controls
    from murai.packs import find_packs, find_style
    from murai.stylizers import open_stylizer
    from murai.stylizers.masked import Masked
    from murai.stylizers.repertoire import Repertoire

    painting.refuse_mask()
    size = painting.work_size()
    pack, mix = find_style(painting.style, folders(), tier=painting.tier, say=say)
    opened = partial(open_stylizer, size=size, device=painting.device, precision=painting.precision, say=say)
    repertoire = Repertoire(find_packs(folders()), pack, lambda pack: opened(str(pack.path.absolute())))
    mix = {f"{pack.name}/{name}": weight for name, weight in mix.items()}
    controls = Controls(
        mix=mix,
        strength=painting.strength,
        boldness=painting.boldness,
        keep_colors=painting.keep_colors,
        calm=painting.calm,
        stroke_size=painting.stroke_size,
    )
    if painting.mask is None or painting.inside is None:
        return repertoire, controls
    inside = opened(painting.inside, folders=folders(), tier=painting.tier)
    return Masked(repertoire, inside, _open_mask(painting.mask)), controls


def _open_mask(path: Path) -> "Mask":
    from murai.pictures import about
    from murai.sources.picture import read_picture
    from murai.stylizers.masked import Segmentation, Still

    if path.suffix.lower() == ".onnx":
        return Segmentation(path)
    picture = read_picture(path)
    if about(path).transparent:
        raise MuraiError(f"{path} is transparent, which is neither black nor white; fill it with one of them.")
    return Still(picture)
