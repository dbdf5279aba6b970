"""murai measure layers, styles, blends, strength and changes: sheets to judge by eye."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from murai.cli.common import Count, Judge, Several, Share, folders, needs, style_images
from murai.console import say
from murai.errors import MuraiError

if TYPE_CHECKING:
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


def blends(*, pair: list[str], out: Path, style: str = "paintings", steps: Count = 5, overwrite: bool = False) -> int:
    """A sheet of the paths between styles of one pack, painted from the built-in scene.

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
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.sheets import blend_sheet
    from murai.packs import find_style

    pairs = [tuple(text.split(",")) for text in pair]
    if any(len(names) != 2 for names in pairs):
        raise MuraiError("a pair is two styles; write --pair A,B.")
    pack, _ = find_style(style, folders(), say=say)
    return _write_sheet(lambda: blend_sheet(pack, pairs, max(2, steps)), out, overwrite)  # type: ignore[arg-type]


def all_styles(*, style: str = "paintings", out: Path, overwrite: bool = False) -> int:
    """A sheet of the built-in scene painted in every style of one pack.

    Parameters
    ----------
    style
        The pack.
    out
        FILE.jpg or FILE.png.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.sheets import styles_sheet
    from murai.packs import find_style

    pack, _ = find_style(style, folders(), say=say)
    return _write_sheet(lambda: styles_sheet(pack), out, overwrite)


def strength(
    *,
    style: str = "paintings",
    name: list[str],
    out: Path,
    photos: Path | None = None,
    style_image: Annotated[list[str] | None, Several] = None,
    judge: Judge | None = None,
    limit: Count | None = None,
    overwrite: bool = False,
) -> int:
    """A sheet of gentle painting by vectors and by mixing pixels, and how far flat colours stray on each way.

    With --photos and --style-image also how much of the style each way has where both keep as much of the photograph.

    Parameters
    ----------
    style
        The pack.
    name
        A style of it; may be given several times, two rows each.
    out
        FILE.jpg or FILE.png.
    photos
        A folder of photographs.
    style_image
        NAME=FILE, the picture that the style NAME was learned from. One or more.
    limit
        Only so many photographs, the first by name.
    overwrite
        Replace the file if it exists.
    """
    from murai.measure.sheets import by_pixels, by_vectors, flat_errors, strength_sheet
    from murai.packs import find_style

    if (photos is None) != (not style_image):
        raise MuraiError("--photos and --style-image go together; give both or neither.")
    pictures = style_images(style_image or [])
    pack, _ = find_style(style, folders(), say=say)
    code = _write_sheet(lambda: strength_sheet(pack, name), out, overwrite)
    print("| strength | flat colours stray, by vectors | by pixels |\n|---|---|---|")
    vectors, pixels = flat_errors(pack, by_vectors), flat_errors(pack, by_pixels)
    for strength, stray in vectors.items():
        print(f"| {strength:g} | {stray:.1f} | {pixels[strength]:.1f} |")
    if photos is None:
        return code
    with needs("Judging strength", "train"):
        from murai.measure.strength import measure_strength, table
        from murai.train.photos import list_photos
    photographs = list_photos(photos, say)[:limit]
    print("\n" + table(measure_strength(pack, pictures, photographs, (judge or Judge()).load(say), say=say)))
    return code


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


def _write_sheet(make: "Callable[[], Image]", out: Path, overwrite: bool) -> int:
    import numpy as np

    from murai.sinks.picture import refuse_picture, write_picture

    refuse_picture(out, overwrite=overwrite)  # now, not after painting
    write_picture(out, np.asarray(make()), overwrite=overwrite)
    say(f"wrote {out.resolve()}")
    return 0
