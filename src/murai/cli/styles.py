"""murai styles: the packs of this machine."""

from pathlib import Path

from cyclopts import App, Parameter

from murai.cli.common import folders, user_folder
from murai.console import plain, say, show_json

styles = App(name="styles", help="The styles this machine has.", default_parameter=Parameter(negative=()))


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
        for pack in find_packs(folders(), say=say)
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

    pack, _ = find_style(name, folders(), say=say)
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
