"""murai live, video and image: paint what comes in."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from murai.cli.common import Count, Share, config_folder, folders, parse_size
from murai.cli.remote import Remote
from murai.console import progress, say
from murai.errors import CameraError, SinkError, SourceError

if TYPE_CHECKING:
    from murai.control.player import Player
    from murai.pipeline import Pipeline, Sink, Source
    from murai.stylizers.repertoire import Repertoire

DEMO_SECONDS, DEMO_RATE = 10, 30
WATCHDOG_SECONDS = 5.0
"""Between two signs of life."""


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
    calm
        How much the noise of what stands still is held back in video, 0 to 1.
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
    strength: Share = 1.0
    keep_colors: bool = False
    calm: Share = 0.0
    size: str | None = None
    tier: Literal["fast", "fine", "johnson"] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "f32", "bf16"] = "auto"


@Parameter(name="*")
@dataclass
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


def live(
    *,
    source: list[str] | None = None,
    sink: list[str] | None = None,
    painting: Painting | None = None,
    target_rate: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=240))] = 30.0,
    screen: Screen | None = None,
    remote: Remote | None = None,
    frames: Count | None = None,
    keep: Path = Path(),
    keep_gigabytes: Annotated[float, Parameter(validator=validators.Number(gt=0))] | None = None,
    scene: str | None = None,
    save: str | None = None,
    overwrite: bool = False,
) -> int:
    """Paint a camera, a stream, a file or the pattern while you watch. In the window, h says what the keys do.

    Parameters
    ----------
    source
        camera, camera:DEVICE, pattern, a URL, a file (played at its own pace), a folder or M3U list of videos and
        pictures (over and over), or auto: the camera, else the pattern. May be given several times: the key i, or
        /murai/input, goes to the next.
    sink
        window, FILE, URL, v4l2:/dev/videoN, mjpeg:[HOST:]PORT or null; may be given several times. Left out: the
        window, or ten seconds of demo.mp4 where there is no display.
    target_rate
        Pictures a second to keep up with: where painting takes longer its work size becomes smaller, unless --size says
        it.
    frames
        End after so many frames of the source.
    keep
        The folder for snapshots and recordings, the keys s and r.
    keep_gigabytes
        How much recordings there may take: the oldest are removed when there are more.
    scene
        Begin with the controls of this scene.
    save
        Keep the controls as this scene when the show ends.
    overwrite
        Replace files that exist.
    """
    from murai.control.player import Player
    from murai.control.scenes import Scenes
    from murai.control.tempo import Tempo
    from murai.pipeline import Pipeline
    from murai.stage.inputs import Inputs
    from murai.stage.quality import KeepingUp
    from murai.stage.takes import Takes
    from murai.stylizers.staging import Staging

    painting = painting or Painting()
    sinks = sink or [_default_sink()]
    if sinks.count("window") > 1:
        raise SinkError("there is one window at most; give --sink window once.")
    if sink is None and sinks != ["window"]:
        frames = frames or DEMO_SECONDS * DEMO_RATE
    screen = screen or Screen()
    opened = [_open_sink(name, screen, overwrite) for name in sinks]
    repertoire, controls = _open_repertoire(painting)
    repertoire.use(controls)
    sources = source or ["auto"]
    shown = _open_live(sources[0], frames)
    repertoire.prepare(shown.info.width, shown.info.height)
    rate = min(target_rate, float(shown.info.rate))
    painter = repertoire if painting.size else KeepingUp(repertoire, rate, say)
    pipeline = Pipeline(shown, Staging(painter, shown.info.rate, time.monotonic), opened, controls=controls, say=say)
    windows = [s for name, s in zip(sinks, opened, strict=True) if name == "window"]
    say(f"painting to {', '.join(sinks)}. {'q in the window' if windows else 'Ctrl-C'} ends it.")
    takes = Takes(pipeline, keep, say, limit=round(keep_gigabytes * 1e9) if keep_gigabytes else None)
    scenes = Scenes(config_folder() / "scenes")
    actions = {"snapshot": takes.snapshot, "record": takes.record}
    if len(sources) > 1:
        actions["input"] = Inputs(pipeline, sources, lambda spec: _open_live(spec, None), say).next
    tempo = Tempo(lambda: pipeline.controls.beats, lambda: player.next_style())
    actions["tap"] = tempo.tap
    player = Player(pipeline, repertoire.names, actions, scenes=scenes, say=say)
    if scene:
        player.recall(scene)
    if save:
        player.keep(save)  # refused now, not after the show
    try:
        with closing(tempo), (remote or Remote()).listening(player, pipeline):
            code = _play(pipeline, _staged(screen, windows[0], pipeline, player, repertoire) if windows else None)
    finally:
        if save:
            player.keep(save)
    for name in sinks:
        if Path(name).is_file():
            say(f"wrote {Path(name).resolve()}")
    return code


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

    if output in ("window", "null") or "://" in output or output.startswith(("v4l2:", "mjpeg:")):
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
    from murai.sinks.picture import refuse_picture, write_picture
    from murai.sources.picture import read_picture

    refuse_picture(output, overwrite=overwrite)  # now, not after painting
    picture = read_picture(input)
    repertoire, controls = _open_repertoire(painting or Painting())
    repertoire.use(controls)
    write_picture(output, repertoire(picture), overwrite=overwrite, source=input)
    say(f"wrote {output.resolve()}")
    return 0


# Parts of commands


def _open_repertoire(painting: Painting) -> "tuple[Repertoire, Any]":
    """The stylizer of every pack, and controls that start with what the user asked for."""
    from murai.controls import Controls
    from murai.packs import StylePack, find_packs, find_style
    from murai.stylizers import open_stylizer
    from murai.stylizers.repertoire import Repertoire

    size = parse_size(painting.size) if painting.size else None
    pack, mix = find_style(painting.style, folders(), tier=painting.tier, say=say)

    def opener(pack: StylePack) -> Any:
        path = str(pack.path.absolute())
        return open_stylizer(path, size=size, device=painting.device, precision=painting.precision, say=say)

    mix = {f"{pack.name}/{name}": weight for name, weight in mix.items()}
    controls = Controls(mix=mix, strength=painting.strength, keep_colors=painting.keep_colors, calm=painting.calm)
    return Repertoire(find_packs(folders()), pack, opener), controls


def _open_sink(name: str, screen: Screen, overwrite: bool) -> "Sink":
    from murai.sinks import open_sink

    if name != "window":
        return open_sink(name, overwrite=overwrite, say=say)
    from murai.sinks.window import WindowSink

    whole = screen.fullscreen or screen.kiosk
    return WindowSink(fullscreen=whole, monitor=screen.monitor, steady=screen.steady, kiosk=screen.kiosk)


def _staged(
    screen: Screen, window: Any, pipeline: "Pipeline", player: "Player", repertoire: "Repertoire"
) -> Callable[[], None]:
    """What shows the window, and is over when the show is or when its user ends it."""
    from murai.kept import Kept
    from murai.stage.readout import Readout
    from murai.stage.stage import Stage
    from murai.stage.watchdog import Watchdog

    kept = Kept(config_folder() / "projections", "projection", "projection")
    figures = Readout(lambda: pipeline.stats, window, lambda: repertoire.about)
    stage = Stage(window, player, figures, kept, screen.projection, say)

    def shown() -> int | None:
        stats = pipeline.stats
        return stats.painted + stats.held or None

    dog = Watchdog(os.environ.get("NOTIFY_SOCKET", ""), WATCHDOG_SECONDS, shown)

    def ended() -> bool:
        stage.tick()
        if screen.kiosk and "NOTIFY_SOCKET" in os.environ:
            dog.tick()
        return pipeline.ended

    return lambda: window.show(stage.key, ended, stage.mouse)


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


def _play(pipeline: "Pipeline", show: Callable[[], None] | None) -> int:
    """Run the show until it ends or the user ends it; what was recorded is kept either way. `show` shows the window."""
    code = 0
    pipeline.start()
    try:
        if show is not None:
            show()
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
