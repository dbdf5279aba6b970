"""murai booth: a photo booth, from the live mirror to the picture that is taken home."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cyclopts import Parameter

from murai.cli.common import Count, Positive, booth_folder, config_folder, folders, needs, parse_size
from murai.cli.live import open_live
from murai.cli.paint import Painting, open_repertoire
from murai.console import say, show_json
from murai.errors import MuraiError, UnknownStyle

if TYPE_CHECKING:
    from murai.booth.booth import Booth
    from murai.booth.settings import Settings
    from murai.frame import Image
    from murai.parts import Source
    from murai.sinks.window import WindowSink

TARGET_RATE = 30.0
"""Pictures a second with which the mirror keeps up."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FILE = "booth.toml"
"""In the configuration folder."""


@Parameter(name="*")
@dataclass(frozen=True)
class Playing:
    """How it is played.

    Parameters
    ----------
    source
        The camera, in place of that of the settings: as `murai live` takes it.
    device
        Where the mirror is painted.
    tier
        Paint the mirror with a network of this weight.
    windowed
        In a window that q closes, instead of on the whole screen, which only the host's PIN or Ctrl-C ends.
    headless
        Without a window; the phone pages play it.
    frames
        End after so many frames of the source.
    seconds
        End after so long.
    """

    source: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    tier: Literal["light", "fast", "fine", "johnson"] | None = None
    windowed: bool = False
    headless: bool = False
    frames: Count | None = None
    seconds: Positive | None = None


def booth(
    *,
    settings: Path | None = None,
    folder: Path | None = None,
    playing: Playing | None = None,
    setup: bool = False,
    statistics: bool = False,
    day: str = "",
    export: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Run a photo booth: visitors see themselves painted, take a picture, and take it home.

    Parameters
    ----------
    settings
        The file of the booth; by default booth.toml in the configuration folder, and without one the usual settings.
    folder
        Where its pictures are; by default in the data folder.
    setup
        Ask for the settings, try each, and write them.
    statistics
        Say what a day was like: visits, pictures, styles, prints, posts.
    day
        Which, such as 2027-06-12; by default today.
    export
        Write the pictures that are shown in the gallery, and a list of them, to FILE.zip; also while the booth runs.
    overwrite
        Replace that file if it exists.
    """
    with needs("The photo booth", "booth"):
        import murai.booth.booth  # noqa: F401
        from murai.booth.settings import Settings
    file = settings or config_folder() / FILE
    place = folder or booth_folder()
    if statistics:
        return _tell_statistics(place, day)
    if export is not None:
        return _export(place, export, overwrite)
    known = Settings.load(file) if file.exists() or (settings is not None and not setup) else Settings()
    if setup:
        return _set_up(known, file)
    return _play(known, place, playing or Playing())


def measure_booth(*, size: str = "1920x1080", visits: Count = 5, json: bool = False) -> int:
    """Visits to a booth in a window: how soon the painting is on the screen, and whether the mirror keeps its rate.

    With a display without a window manager: xvfb-run -a -s '-screen 0 1920x1080x24' murai measure booth.

    Parameters
    ----------
    size
        WxH of the pattern that stands before the camera, and of the window.
    visits
        How many, a single picture each.
    json
        Print one JSON object.
    """
    from tempfile import TemporaryDirectory

    with needs("The photo booth", "booth"):
        from murai.booth.settings import Settings
        from murai.booth.trial import Trial, table
    from murai.sinks.window import WindowSink
    from murai.sources.pattern import PatternSource

    width, height = parse_size(size)
    settings = Settings.model_validate({"pages": {"host": "127.0.0.1", "port": 0}, "kinds": ["single"]})
    window = WindowSink(size=(width, height))
    with TemporaryDirectory() as folder:
        source = PatternSource(width, height)
        with _opened(settings, Path(folder), Playing(), window, source) as booth:
            trial = Trial(booth, window, visits)
            booth.run(trial)
    figures = {"size": size, **trial.figures}
    show_json(figures) if json else print(table(figures))
    return 0


def _play(settings: "Settings", folder: Path, playing: Playing) -> int:
    code = 0
    window = None if playing.headless else _window(settings, playing)
    with _opened(settings, folder, playing, window) as booth:
        end = time.monotonic() + playing.seconds if playing.seconds else float("inf")
        _invite(booth, settings, playing)
        with ExitStack() as stack:
            slideshow = _slideshow(settings, folder, booth, stack)
            try:
                booth.run(lambda: (slideshow() if slideshow else False) or time.monotonic() > end)
            except KeyboardInterrupt:
                code = 130
        booth.desk.wait()
        for line in booth.statistics():
            say(line)
    return code


@contextmanager
def _opened(
    settings: "Settings",
    folder: Path,
    playing: Playing,
    window: "WindowSink | None",
    mirrored: "Source | None" = None,
) -> "Iterator[Booth]":
    """The booth of these settings, running, before `mirrored` or the source that is asked for."""
    from murai.booth.booth import Booth
    from murai.packs import find_packs
    from murai.publish import open_services
    from murai.publish.credentials import Credentials
    from murai.sinks.null import NullSink
    from murai.stage.quality import KeepingUp
    from murai.stylizers.staging import Staging

    styles = _styles(settings, playing)
    services = open_services(settings.publishing.services, Credentials(config_folder()))
    repertoire, controls = open_repertoire(Painting(style=styles[0], device=playing.device, tier=playing.tier))
    repertoire.use(controls)
    spec, size = playing.source or settings.source, parse_size(settings.size)
    source = mirrored or open_live(spec, playing.frames, say, size=size, again=True)
    repertoire.prepare(source.info.width, source.info.height)
    rate = float(source.info.rate)
    stylizer = Staging(KeepingUp(repertoire, min(TARGET_RATE, rate)), rate, time.monotonic)
    sinks = [] if window else [NullSink()]
    packs = find_packs(folders())
    with Booth(
        settings, source, stylizer, packs, styles, folder, sinks=sinks, window=window, services=services, say=say
    ) as booth:
        yield booth


def _styles(settings: "Settings", playing: Playing) -> list[str]:
    """PACK/NAME of every style that is offered: those of the settings, else all of the pack that paints by itself."""
    from murai.packs import find_style

    found = []
    for text in settings.styles:
        pack, mix = find_style(text, folders(), tier=playing.tier)
        if len(mix) > 1:
            raise UnknownStyle(f"'{text}' is a blend; a booth offers styles by their names.")
        found.append(f"{pack.name}/{next(iter(mix))}")
    if found:
        return list(dict.fromkeys(found))
    pack, _ = find_style(Painting().style, folders(), tier=playing.tier)
    return [f"{pack.name}/{name}" for name in pack.names]


def _window(settings: "Settings", playing: Playing) -> "WindowSink":
    from murai.sinks.window import WindowSink

    screen, kiosk = settings.screen, not playing.windowed
    return WindowSink(
        f"{settings.event} · murai", fullscreen=kiosk and screen.fullscreen, monitor=screen.monitor, kiosk=kiosk
    )


def _invite(booth: "Booth", settings: "Settings", playing: Playing) -> None:
    end = "Ctrl-C"
    if playing.windowed:
        end = "q in the window"
    elif settings.pin and not playing.headless:
        end = "The host's PIN and enter, or Ctrl-C,"
    say(f"the booth is open. {end} ends it.")
    if booth.pages is not None:
        base = booth.pages.base or f"http://127.0.0.1:{booth.pages.port}"
        say(f"pages for phones at {base}/" + (f", for the host at {base}/host" if settings.pin else ""))
    if settings.publishing.moderation and booth.places and not settings.pin:
        say("what is shared waits for a host, who has no PIN: murai booth --setup sets one.")


def _slideshow(settings: "Settings", folder: Path, booth: "Booth", stack: ExitStack) -> Callable[[], bool] | None:
    """Starts the slideshow, and gives what keeps it there; None where there is none."""
    monitor = settings.slideshow.monitor
    if not monitor:
        return None
    from murai.booth.companion import Companion

    arguments = ["slideshow", str(folder / "gallery"), "--monitor", monitor, "--event", settings.event, "--attached"]
    arguments += ["--language", settings.languages[0]]
    if settings.font is not None:
        arguments += ["--font", str(settings.font)]
    if booth.pages is not None:
        arguments += ["--port", str(booth.pages.port), "--address", settings.pages.address]
    companion = stack.enter_context(closing(Companion(arguments, booth.say)))

    def tick() -> bool:
        companion.tick()
        return False

    return tick


def _tell_statistics(folder: Path, day: str) -> int:
    from murai.booth.booth import LEDGER, OUTBOX
    from murai.booth.ledger import Ledger
    from murai.booth.statistics import statistics
    from murai.publish import Outbox

    if day and not DAY.fullmatch(day):
        raise MuraiError(f"'{day}' is no day; write it as 2027-06-12.")
    if not (folder / LEDGER).is_file():
        raise MuraiError(f"no booth has run in {folder} yet; give its --folder.")
    with closing(Ledger(folder / LEDGER, say)) as ledger, closing(Outbox(folder / OUTBOX, say)) as outbox:
        print("\n".join(statistics(ledger, outbox, day)))
    return 0


def _export(folder: Path, file: Path, overwrite: bool) -> int:
    from murai.booth.gallery import DATABASE, export_from

    if not (folder / "gallery" / DATABASE).is_file():
        raise MuraiError(f"no booth has run in {folder} yet; give its --folder.")
    pictures = export_from(folder / "gallery", file, overwrite=overwrite)
    say(f"pictures written to {file.resolve()}: {pictures}.")
    return 0


def _set_up(settings: "Settings", file: Path) -> int:
    from murai.booth.letters import use
    from murai.booth.setup import Places, Setup
    from murai.packs import find_style
    from murai.publish.credentials import Credentials
    from murai.sinks.window import WindowSink

    def window(monitor: str | None) -> Any:
        return WindowSink(monitor=monitor)

    use(settings.font)
    places = Places(
        source=lambda spec, size: open_live(spec, None, say, size=parse_size(size), again=True),
        window=window,
        style=lambda name: find_style(name, folders()),
        paint=_painted,
        accounts=Credentials(config_folder()),
    )
    Setup(settings, places, say).run(file)
    say("start it: murai booth" + ("" if file == config_folder() / FILE else f" --settings {file}"))
    return 0


def _painted(style: str, image: "Image") -> "tuple[Image, str, str]":
    """`image` in a style, the usual one where it is empty; its title and artist."""
    from murai.booth.desk import called
    from murai.frame import on_host
    from murai.packs import find_style

    painting = Painting(style=style) if style else Painting()
    pack, mix = find_style(painting.style, folders())
    repertoire, controls = open_repertoire(painting)
    repertoire.use(controls)
    return on_host(repertoire(image)), *called([pack], next(iter(mix)))
