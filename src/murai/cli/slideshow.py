"""murai slideshow: what the visitors of a booth shared, on a screen for all."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from murai.cli.common import Positive, folders, needs
from murai.console import say
from murai.errors import silent


def slideshow(
    folder: Path,
    /,
    *,
    event: str = "murai",
    language: str = "en",
    font: Path | None = None,
    port: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=65_535))] = None,
    address: str = "",
    seconds: Positive = 6.0,
    monitor: str | None = None,
    windowed: bool = False,
    attached: bool = False,
) -> int:
    """Show the pictures of a booth that were shared, one after the other, new ones first.

    Visitors are asked about it where booth.toml says on = true, or a monitor, in the table [slideshow].

    Parameters
    ----------
    folder
        The gallery of the booth.
    event
        The name of the event, below every picture.
    language
        en, fr, or a file of words.
    font
        A TrueType or OpenType file, whose letters are drawn in place of Roboto's.
    port
        Of the booth's pages: with it each picture has a code for phones.
    address
        How phones reach those pages, where the machine does not find it itself: an address, a name or a URL.
    seconds
        For how long a picture is seen.
    monitor
        The number of a monitor, or a part of its name.
    windowed
        In a window instead of on the whole screen.
    attached
        Leave the keyboard to the program that started it, end with it, and end when the monitor is gone.
    """
    with needs("The slideshow", "booth"):
        from murai.booth.addresses import base_address
        from murai.booth.letters import use
        from murai.booth.slideshow import Slideshow
        from murai.booth.words import load_words
    from murai.sinks.window import WindowSink

    def base() -> str:
        return base_address(port or 80, address) if port or "://" in address else ""

    use(font)
    titles = _titles()
    show = Slideshow(
        folder,
        event,
        load_words(language),
        base,
        lambda style: titles.get(style, style),
        seconds=seconds,
        say=silent if attached else say,  # the booth asks for it already
    )
    window = WindowSink(f"{event} · murai", fullscreen=not windowed, monitor=monitor, beside=attached)
    parent = os.getppid()
    say(f"showing what was shared in {folder}. q in the window ends it.")
    show.run(window, (lambda: os.getppid() != parent) if attached else None)
    return 0


def _titles() -> dict[str, str]:
    """What the styles of this machine are called, by PACK/NAME and by NAME."""
    from murai.packs import find_packs

    titles = {}
    for pack in find_packs(folders()):
        for style in pack.manifest.styles:
            titles[style.name] = titles[f"{pack.name}/{style.name}"] = style.title or style.name
    return titles
