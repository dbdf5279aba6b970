"""murai styles: the packs of this machine."""

import os
import sys
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App, Parameter

from murai.cli.common import folders, user_folder
from murai.console import plain, say, show_json

if TYPE_CHECKING:
    from murai.packs import StylePack

styles = App(name="styles", help="The styles this machine has.", default_parameter=Parameter(negative=()))


@styles.command(name="list")
def styles_list(*, json: bool = False) -> int:
    """Every style, one a line and with a thumbnail where the terminal shows colours, or as a JSON array.

    Parameters
    ----------
    json
        Print a JSON array.
    """
    from murai.packs import find_packs

    packs = find_packs(folders(), say=say)
    if json:
        show_json([row for pack in packs for row in _rows(pack)])
        return 0
    for pack in packs:
        for row, picture in zip(_rows(pack), _pictures(pack), strict=True):
            work = ", ".join(str(row[k]) for k in ("title", "artist", "year") if row[k])
            if picture:
                texts = [row["style"], row["tier"], work]
                print(*map("  ".join, zip_longest(picture, map(plain, texts), fillvalue="")), "", sep="\n")
            else:
                print(plain(f"{row['style']:32} {row['tier']:8} {work}"))
    return 0


def _rows(pack: "StylePack") -> list[dict[str, Any]]:
    """What the list says of each style of a pack."""
    about = {"tier": pack.manifest.tier, "path": str(pack.path)}
    return [{"style": f"{pack.name}/{style.name}", **about, **style.model_dump()} for style in pack.manifest.styles]


def _pictures(pack: "StylePack") -> list[list[str]]:
    """Lines of a thumbnail for each style; none where the terminal does not show colours."""
    from murai.cli.thumbnails import shows_colours, thumbnails

    return thumbnails(pack) if shows_colours(sys.stdout, os.environ) else [[] for _ in pack.names]


@styles.command(name="show")
def styles_show(name: str, /, *, open: bool = False, json: bool = False) -> int:
    """What a pack says of itself: its model card and where its preview is, or its manifest as JSON.

    Parameters
    ----------
    name
        NAME, PACK/NAME or the path of a pack.
    open
        Open the preview with the desktop's viewer.
    json
        Print the manifest as JSON.
    """
    from murai.cli.thumbnails import open_preview
    from murai.packs import find_style
    from murai.previews import PREVIEW, has_preview

    pack, _ = find_style(name, folders(), say=say)
    card = "" if json else pack.card
    if card:
        print(plain(card))
    else:
        show_json(pack.manifest.model_dump(mode="json"))
    if open:
        say(f"opened {open_preview(pack)}")
    elif has_preview(pack):
        (print if card else say)(plain(f"Preview: {pack.path / PREVIEW}"))
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
    from murai.packs import StylePack, add_pack
    from murai.stylizers.openvino import OpenVINOStylizer

    OpenVINOStylizer(StylePack.load(pack))  # one that cannot paint would be in the way of those that can
    added = add_pack(pack, user_folder(), overwrite=overwrite)
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

    remove_pack(name, user_folder())
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

    pack, _ = find_style(name, folders(), say=say)
    export_pack(pack, file, overwrite=overwrite)
    say(f"wrote {file.resolve()}")
    return 0
