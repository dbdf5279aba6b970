"""murai live: paint a camera, a stream or a file while you watch."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from murai.cli.common import Count, Positive, config_folder
from murai.cli.paint import Painting, open_repertoire
from murai.cli.remote import Remote
from murai.console import progress, say
from murai.errors import CameraError, Say, SinkError, SourceError

if TYPE_CHECKING:
    from murai.control.player import Player
    from murai.pipeline import Sink, Source
    from murai.stage.diary import Diary

DEMO_SECONDS = 10
WATCHDOG_SECONDS = 5.0
"""Between two signs of life."""


@Parameter(name="*")
@dataclass(frozen=True)
class Screen:
    """How the window lies.

    Parameters
    ----------
    fullscreen
        Begin on the whole screen.
    monitor
        The number of a monitor, or a part of its name.
    steady
        Draw at the rate of the monitor, whether there is a new picture or not.
    kiosk
        The whole screen, no pointer, and only Ctrl-C or the system ends it; systemd is told that it goes on.
    projection
        The name of how the picture lies on a wall, which the key p changes and keeps.
    """

    fullscreen: bool = False
    monitor: str | None = None
    steady: bool = False
    kiosk: bool = False
    projection: str = "screen"


@Parameter(name="*")
@dataclass(frozen=True)
class Keeping:
    """What is kept of a show.

    Parameters
    ----------
    keep
        The folder for snapshots and recordings, the keys s and r; it has to be there.
    keep_gigabytes
        How much recordings there may take: the oldest are removed when there are more.
    scene
        Begin with the controls of this scene.
    save
        Keep the controls as this scene when the show ends, in place of one that is there.
    log
        Append what is said to this file, with the time; it and three older ones hold a megabyte each.
    """

    keep: Path = Path()
    keep_gigabytes: Positive | None = None
    scene: str | None = None
    save: str | None = None
    log: Path | None = None


def live(
    *,
    source: list[str] | None = None,
    sink: list[str] | None = None,
    painting: Painting | None = None,
    target_rate: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=240))] = 30.0,
    screen: Screen | None = None,
    remote: Remote | None = None,
    keeping: Keeping | None = None,
    frames: Count | None = None,
    overwrite: bool = False,
) -> int:
    """Paint a camera, a stream or a file while you watch. In the window, h says what the keys do.

    Parameters
    ----------
    source
        camera, camera:DEVICE, clip (of people, which comes with murai, over and over), pattern (a drawn scene), a URL,
        a file (played at its own pace, without its sound), a folder or M3U list of videos and pictures (over and over),
        or auto: the camera, else the clip. May be given several times: the key i, or /murai/input, goes to the next,
        and files of this machine are played over and over.
    sink
        window, FILE, URL, v4l2:/dev/videoN, mjpeg:[HOST:]PORT or null; may be given several times. Left out: the
        window, or ten seconds of demo.mp4 where there is no display.
    target_rate
        Pictures a second to keep up with: where painting takes longer its work size becomes smaller, unless --size says
        it.
    frames
        End after so many frames of the source; those that come too fast to be painted count too.
    overwrite
        Replace files that exist.
    """
    painting, screen, keeping = painting or Painting(), screen or Screen(), keeping or Keeping()
    sinks = sink or [_default_sink()]
    seconds = DEMO_SECONDS if sink is None and sinks != ["window"] else None
    refuse(screen, keeping, sinks)
    with _audience(keeping.log) as tell:
        opened = [_open_sink(name, screen, overwrite, painting.on_card, tell) for name in sinks]
        show = _Show(source or ["auto"], opened, painting, target_rate, frames, tell, seconds)
        with show.player(keeping) as player, (remote or Remote()).listening(player, show.pipeline, tell):
            windows = [s for name, s in zip(sinks, opened, strict=True) if name == "window"]
            end = "q in the window" if windows and not screen.kiosk else "Ctrl-C"
            tell(f"painting to {', '.join(sinks)}. {end} ends it.")
            code = show.play(_staged(screen, windows[0], show, player) if windows else None, keeping, player)
        for name in sinks:
            if Path(name).is_file():
                tell(f"wrote {Path(name).resolve()}")
    return code


class _Audience:
    """Whoever hears what is said: the terminal, the log, the window."""

    def __init__(self, diary: "Diary | None") -> None:
        self._diary = diary
        self._hearers: list[Callable[[str], None]] = [say, diary] if diary else [say]

    def __call__(self, text: str) -> None:
        for hear in self._hearers:
            hear(text)

    def add(self, hear: Callable[[str], None]) -> None:
        """Tell `hear` too."""
        self._hearers.append(hear)

    def tick(self, figures: Callable[[], str]) -> None:
        """To be called again and again while the show goes on."""
        if self._diary:
            self._diary.tick(figures)


@contextmanager
def _audience(log: Path | None) -> Iterator[_Audience]:
    from murai.stage.diary import Diary

    with closing(Diary(log)) if log else nullcontext() as diary:
        try:
            yield _Audience(diary)
        except Exception as error:
            if diary:
                diary(f"murai: {error}")
            raise


class _Show:
    """What a live show is made of: its inputs, the styles, the pipeline."""

    def __init__(
        self,
        sources: list[str],
        sinks: "list[Sink]",
        painting: Painting,
        target_rate: float,
        frames: int | None,
        tell: _Audience,
        seconds: int | None = None,
    ) -> None:
        """`seconds` of the first source are painted where no number of `frames` is given."""
        from murai.pipeline import Pipeline
        from murai.sources.altered import Altered
        from murai.stage.quality import KeepingUp
        from murai.stylizers.staging import Staging

        self._sources, self.tell = sources, tell
        self.repertoire, controls = open_repertoire(painting, tell)
        self.repertoire.use(controls)
        self._on_card = painting.on_card
        first = open_live(sources[0], frames, tell, again=len(sources) > 1, on_card=self._on_card)
        self.repertoire.prepare(first.info.width, first.info.height)
        rate = float(first.info.rate)
        if seconds and not frames:
            frames = round(seconds * rate)
            first = Altered(first, frames=frames)
        self._frames = frames
        target = min(target_rate, rate) if len(sources) == 1 else target_rate  # another may be faster
        painter = self.repertoire if painting.size else KeepingUp(self.repertoire, target, tell)
        stylizer = Staging(painter, rate, time.monotonic)
        self.pipeline = Pipeline(first, stylizer, sinks, controls=controls, say=tell)

    @contextmanager
    def player(self, keeping: Keeping) -> "Iterator[Player]":
        """Who plays it, for the time of a `with`."""
        from murai.control.player import Player
        from murai.control.scenes import Scenes
        from murai.control.tempo import Tempo
        from murai.stage.inputs import Inputs
        from murai.stage.takes import Takes

        scenes: Scenes = Scenes(config_folder() / "scenes")
        if keeping.save:
            scenes.refuse(keeping.save)  # now, not after the show
        limit = round(keeping.keep_gigabytes * 1e9) if keeping.keep_gigabytes else None
        takes = Takes(self.pipeline, keeping.keep, self.tell, limit=limit, on_card=self._on_card)
        tempo = Tempo(lambda: self.pipeline.controls.beats, lambda: player.next_style())
        actions = {"snapshot": takes.snapshot, "record": takes.record, "tap": tempo.tap}
        if len(self._sources) > 1:
            actions["input"] = Inputs(self.pipeline, self._sources, self._next_input, self.tell).next
        player = Player(self.pipeline, self.repertoire.names, actions, scenes=scenes, say=self.tell)
        if keeping.scene:
            player.recall(keeping.scene)
        with closing(tempo):
            yield player

    def _next_input(self, name: str) -> "Source":
        left = None if self._frames is None else max(1, self._frames - self.pipeline.stats.read)
        return open_live(name, left, self.tell, again=True, on_card=self._on_card)

    def play(self, show: Callable[[], None] | None, keeping: Keeping, player: "Player") -> int:
        """Run until it ends or the user ends it; what was recorded is kept either way. `show` shows the window."""
        code, pipeline = 0, self.pipeline
        pipeline.start()
        try:
            if show is not None:
                show()
            else:
                with progress("live", None, "frames") as advance:
                    while not pipeline.wait(0.5):
                        self.tick()
                        advance(pipeline.stats.painted, pipeline.stats.summary())
        except KeyboardInterrupt:
            code = 130
        finally:
            pipeline.stop()
            try:
                pipeline.wait()
            finally:  # the scene last: recordings are whole by now
                self.tell(pipeline.stats.summary())
                if keeping.save:
                    player.keep(keeping.save)
        return code

    def tick(self) -> None:
        """To be called again and again while it plays."""
        self.tell.tick(lambda: self.pipeline.stats.summary())


def refuse(screen: Screen, keeping: Keeping, sinks: list[str]) -> None:
    """Raise SinkError for what cannot go together, or cannot be kept."""
    from murai.stage.takes import refuse_folder

    if sinks.count("window") > 1:
        raise SinkError("there is one window at most; give --sink window once.")
    if "window" not in sinks and (screen.fullscreen or screen.kiosk or screen.steady or screen.monitor is not None):
        raise SinkError("--fullscreen, --monitor, --steady and --kiosk are for the window; give --sink window too.")
    refuse_folder(keeping.keep)


def _open_sink(name: str, screen: Screen, overwrite: bool, on_card: bool, tell: Say) -> "Sink":
    from murai.sinks import open_sink

    if name != "window":
        return open_sink(name, overwrite=overwrite, on_card=on_card, say=tell)
    from murai.sinks.window import WindowSink

    whole = screen.fullscreen or screen.kiosk
    return WindowSink(fullscreen=whole, monitor=screen.monitor, steady=screen.steady, kiosk=screen.kiosk, say=tell)


def _staged(screen: Screen, window: Any, show: _Show, player: "Player") -> Callable[[], None]:
    """What shows the window, and is over when the show is or when its user ends it."""
    from murai.kept import Kept
    from murai.stage.readout import Readout
    from murai.stage.stage import Stage
    from murai.stage.watchdog import Watchdog

    pipeline = show.pipeline
    kept = Kept(config_folder() / "projections", "projection", "projection")
    figures = Readout(lambda: pipeline.stats, window, lambda: show.repertoire.about)
    if screen.projection != Screen.projection:
        kept.refuse(screen.projection)
    stage = Stage(window, player, figures, kept, screen.projection, show.tell, locked=screen.kiosk)
    show.tell.add(stage.note)

    def shown() -> int | None:
        stats = pipeline.stats
        return stats.painted + stats.held or None

    dog = Watchdog(os.environ.get("NOTIFY_SOCKET", ""), WATCHDOG_SECONDS, shown)

    def ended() -> bool:
        stage.tick()
        show.tick()
        if screen.kiosk and "NOTIFY_SOCKET" in os.environ:
            dog.tick()
        return pipeline.ended

    def play() -> None:
        with closing(stage):
            window.show(stage.key, ended, stage.mouse)

    return play


def open_live(
    spec: str,
    frames: int | None,
    tell: Say,
    *,
    size: tuple[int, int] | None = None,
    again: bool = False,
    on_card: bool = False,
) -> "Source":
    """The source of a live show; a file is played at its own pace, and with `again` over and over.

    `size` is what a camera or the pattern is asked for.
    """
    from murai.sources import open_source
    from murai.sources.altered import Altered
    from murai.sources.paced import Paced
    from murai.sources.picture import is_picture
    from murai.sources.playlist import Playlist

    path = Path(spec)
    if spec != "auto" and "://" not in spec and is_picture(path):
        raise SourceError(f"{spec} is a picture, which does not move: paint it with `murai image`.")
    if again and path.is_file():
        return Paced(Altered(Playlist([path], loop=True, on_card=on_card, say=tell), frames=frames))
    if spec != "auto":
        source = open_source(spec, size=size, frames=frames, on_card=on_card, say=tell)
        return source if source.live else Paced(source)
    try:
        source = open_source("camera", size=size, frames=frames, on_card=on_card, say=tell)
        tell("source: the camera.")
    except CameraError as error:
        tell(f"source: a clip of people, since no camera opens. {error}")
        source = Paced(open_source("clip", frames=frames, on_card=on_card, say=tell))
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
