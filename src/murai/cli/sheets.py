"""murai measure layers, styles, blends, boldness, changes and blind: sheets to judge by eye; and moving."""

import secrets
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from murai.cli.common import Count, Judge, Several, Share, folders, needs, style_images
from murai.console import progress, say
from murai.errors import MuraiError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


def layers(
    picture: Path,
    /,
    *,
    out: Path,
    judge: Judge | None = None,
    iterations: Count = 60,
    overwrite: bool = False,
) -> int:
    """A sheet of what the layers of the loss network know of a scene and a style, and of what each loss does.

    Parameters
    ----------
    picture
        The style picture.
    out
        FILE.jpg or FILE.png.
    iterations
        Of the optimization that finds each picture.
    overwrite
        Replace the file if it exists.
    """
    with needs("Looking into the loss network", "train"):
        from murai.measure.layers import layers_sheet

    def make() -> "Image":
        return layers_sheet(picture, (judge or Judge()).load(say), iterations=iterations, say=say)

    return _write_sheet(make, out, overwrite)


def blends(
    *,
    pair: list[str],
    out: Path,
    style: str = "paintings",
    steps: Count = 5,
    picture: Path | None = None,
    overwrite: bool = False,
) -> int:
    """A sheet of the paths between styles of one pack.

    Parameters
    ----------
    pair
        Two styles, A,B; may be given several times, a row each.
    out
        FILE.jpg or FILE.png.
    style
        The pack.
    steps
        Paintings on each path.
    picture
        What is painted, by default a moment of the clip that comes with murai.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.sheets import blend_sheet
    from murai.packs import find_style

    pairs = [tuple(text.split(",")) for text in pair]
    if any(len(names) != 2 or names[0] == names[1] for names in pairs):
        raise MuraiError("a pair is two different styles; write --pair A,B.")
    pack, _ = find_style(style, folders(), say=say)
    [shown] = _pictures([picture] if picture else [])
    return _write_sheet(lambda: blend_sheet(pack, pairs, shown, max(2, steps)), out, overwrite)  # type: ignore[arg-type]


def boldness(
    *,
    name: Annotated[list[str], Several],
    out: Path,
    style: str = "paintings",
    steps: Count = 5,
    picture: Path | None = None,
    overwrite: bool = False,
) -> int:
    """A sheet of styles of one pack, each from faithful to bold.

    Parameters
    ----------
    name
        The styles, a row each. One or more.
    out
        FILE.jpg or FILE.png.
    style
        The pack.
    steps
        Paintings in a row.
    picture
        What is painted, by default a moment of the clip that comes with murai.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.sheets import boldness_sheet
    from murai.packs import find_style

    pack, _ = find_style(style, folders(), say=say)
    [shown] = _pictures([picture] if picture else [])
    return _write_sheet(lambda: boldness_sheet(pack, name, shown, max(2, steps)), out, overwrite)


def all_styles(
    *,
    style: str = "paintings",
    out: Path,
    picture: Annotated[list[Path] | None, Several] = None,
    across: Count = 4,
    overwrite: bool = False,
) -> int:
    """A sheet of pictures painted in every style of one pack.

    Parameters
    ----------
    style
        The pack.
    out
        FILE.jpg or FILE.png.
    picture
        What is painted, one or more, by default a moment of the clip that comes with murai.
    across
        Paintings in a row.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.sheets import styles_sheet
    from murai.packs import find_style

    pack, _ = find_style(style, folders(), say=say)
    shown = _pictures(picture or [])
    return _write_sheet(lambda: styles_sheet(pack, shown, across), out, overwrite)


def changes(
    *,
    out: Path,
    pack: Annotated[list[str] | None, Several] = None,
    style: Annotated[list[str] | None, Several] = None,
    calm: Share = 0.0,
    overwrite: bool = False,
) -> int:
    """A sheet of the scene under a camera's noise: its paintings, and what changes from one moment to the next.

    Parameters
    ----------
    out
        FILE.jpg or FILE.png.
    pack
        The packs, names or paths; by default all.
    style
        The styles; by default all.
    calm
        Show each style once more with the control calm at this.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.networks import choose
    from murai.measure.sheets import changes_sheet
    from murai.packs import find_packs

    taught = choose(pack or [], style or [], find_packs(folders(), say=say))
    both = [replace(each, calm=level) for each in taught for level in dict.fromkeys((0.0, calm))]
    return _write_sheet(lambda: changes_sheet(both), out, overwrite)


def moving(
    *,
    style: Annotated[list[str], Several],
    out: Path,
    source: str = "clip",
    width: Annotated[int, Parameter(validator=validators.Number(gte=16, lte=640))] = 320,
    rate: Annotated[float, Parameter(validator=validators.Number(gte=1, lte=50))] = 12.5,
    seconds: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=60))] = 6.0,
    overwrite: bool = False,
) -> int:
    """A moving picture of a film in several styles side by side, small enough for a page: an animated WebP.

    Parameters
    ----------
    style
        As --style of murai live. One or more; four lie two by two.
    out
        FILE.webp.
    source
        clip (of people, which comes with murai), or a video file.
    width
        Of each painting in pixels.
    rate
        Pictures a second.
    seconds
        How much of the film.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.moving import as_webp, grid, moments, refuse_moving, write_moving
    from murai.sources import open_source
    from murai.stylizers import open_stylizer

    whole = refuse_moving(out, overwrite=overwrite)  # now, not after painting
    whole.keep_apart(Path(source))
    stylizers = [open_stylizer(text, folders=folders(), say=say) for text in style]
    painters = [(" + ".join(stylizer.mix), stylizer) for stylizer in stylizers]
    ticks = Fraction(rate).limit_denominator(1000)
    pictures = []
    with closing(open_source(source, say=say)) as film, progress("painting", round(seconds * rate), "pictures") as done:
        for picture in moments(film, ticks, seconds):
            pictures.append(grid(picture, painters, width))
            done(len(pictures))
    data = as_webp(pictures, ticks)
    write_moving(whole, data)
    say(f"wrote {out.resolve()}: {len(pictures)} pictures, {len(data) / 1e6:.1f} MB")
    return 0


def _pictures(paths: list[Path]) -> "list[NDArray[np.uint8]]":
    """What is painted for a sheet."""
    from murai.measure.sheets import people
    from murai.sources.picture import read_picture

    return [read_picture(path) for path in paths] or [people()]


def blind(
    *,
    photos: Path,
    style_image: str,
    pack: Annotated[list[str] | None, Several] = None,
    row: Annotated[list[str] | None, Several] = None,
    out: Path,
    limit: Count = 8,
    seed: int | None = None,
    overwrite: bool = False,
) -> int:
    """A sheet for blind judging: style picture, photographs, and a lettered row for each network, in a drawn order.

    Whose row is whose is only in the key, beside the sheet: sheet.key.json for sheet.jpg.

    Parameters
    ----------
    photos
        A folder of photographs, which are shown and painted whole.
    style_image
        NAME=FILE, the picture that the style NAME was learned from.
    pack
        Packs that have the style, names or paths; a row each.
    row
        LABEL=FOLDER, a row of ready paintings, called as the photographs are. Only photographs that all have are shown.
    out
        FILE.jpg or FILE.png.
    limit
        Only so many photographs, the first by name.
    seed
        Draws the order of the rows; by default a new one, which the key tells.
    overwrite
        Replace the sheet and the key if they exist.
    """
    with needs("A blind sheet", "train"):
        from murai.train.photos import list_photos
    from murai.measure.blind import blind_sheet, folder_row, key_file, pack_row, painted_in
    from murai.measure.networks import choose
    from murai.packs import find_packs

    ((name, picture),) = style_images([style_image]).items()
    ready = [_label(text) for text in row or []]
    rows = [folder_row(*each) for each in ready]
    for each in pack or []:
        rows += map(pack_row, choose([each], [name], find_packs(folders(), say=say)))
    photographs = painted_in([folder for _, folder in ready], list_photos(photos, say))[:limit]
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    blind_sheet((name, picture), photographs, rows, out, seed=seed, overwrite=overwrite)
    say(f"wrote {out.resolve()}, and whose row is whose to {key_file(out).name}")
    return 0


def _label(text: str) -> tuple[str, Path]:
    """("ours", Path("paintings")) of "ours=paintings". Raises MuraiError."""
    label, equals, folder = text.partition("=")
    if not (label and equals and folder):
        raise MuraiError(f"'{text}' is no row; write LABEL=FOLDER, such as before=painted.")
    return label, Path(folder)


def _write_sheet(make: "Callable[[], Image]", out: Path, overwrite: bool) -> int:
    import numpy as np

    from murai.sinks.picture import refuse_picture, write_picture

    refuse_picture(out, overwrite=overwrite)  # now, not after painting
    write_picture(out, np.asarray(make()), overwrite=overwrite)
    say(f"wrote {out.resolve()}")
    return 0
