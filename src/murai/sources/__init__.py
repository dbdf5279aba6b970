"""Where frames come from: a clip of people, a drawn pattern, a file, a camera, a network stream."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from murai.errors import Say, SourceError, silent
from murai.parts import Source

SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "http", "https", "udp", "rtp", "tcp")

CLIP = Path(__file__).resolve().parent.parent / "bundled" / "people.mp4"
"""The clip of people that comes with murai."""


def open_source(
    spec: str,
    *,
    size: tuple[int, int] | None = None,
    rate: int | None = None,
    frames: int | None = None,
    mirror: bool | None = None,
    on_card: bool = False,
    say: Say = silent,
) -> Source:
    """Open what `spec` names.

    spec     "camera", "camera:DEVICE", "clip", "pattern", a URL, a video or picture file, a folder or M3U list of such
    size     width and height to ask a camera or the pattern for; 1280x720 where None
    rate     frames a second to ask a camera or the pattern for; 30 where None
    frames   end after so many
    mirror   swap left and right; None mirrors cameras only
    on_card  decode videos, streams and cameras on a card, where their pictures stay

    Cameras and live streams are taken up again when they are lost. The clip, folders and lists are played over
    and over.

    Raises SourceError when it cannot be opened.
    """
    source = _open(spec, size or (1280, 720), rate or 30, mirror is not False, on_card, say)
    camera = spec.partition(":")[0] == "camera"
    if frames is None and (camera or not mirror):
        return source
    from murai.sources.altered import Altered, mirrored

    return Altered(source, frames=frames, change=mirrored if mirror and not camera else None)


def _open(spec: str, size: tuple[int, int], rate: int, mirror: bool, on_card: bool, say: Say) -> Source:
    if not spec:
        raise SourceError("the source has no name; write camera, clip, pattern, a URL, a file or a folder.")
    kind, _, device = spec.partition(":")
    if spec == "pattern":
        from murai.sources.pattern import PatternSource

        return PatternSource(*size, rate)
    if spec == "clip":
        from murai.sources.playlist import Playlist

        return Playlist([CLIP], loop=True, on_card=on_card, say=say)
    if kind == "camera":
        from murai.sources.camera import CameraSource
        from murai.sources.resilient import Resilient

        return Resilient(
            lambda: CameraSource(device or None, size=size, rate=rate, mirror=mirror, on_card=on_card, say=say), say=say
        )
    if "://" in spec and kind != "file":
        return _open_url(spec, on_card, say)

    path = Path(unquote(urlsplit(spec).path)) if kind == "file" and "://" in spec else Path(spec)
    return _open_path(path, on_card, say)


def _open_path(path: Path, on_card: bool, say: Say) -> Source:
    from murai.sources.playlist import Playlist, is_playlist, listed

    if is_playlist(path):
        return Playlist(listed(path), loop=True, on_card=on_card, say=say)
    from murai.sources.file import FileSource

    return FileSource(path, say=say, on_card=on_card)


def _open_url(url: str, on_card: bool, say: Say) -> Source:
    from murai.sources.resilient import Resilient
    from murai.sources.url import UrlSource

    scheme = url.partition("://")[0]
    if scheme.lower() not in SCHEMES:
        raise SourceError(f"murai cannot read {scheme}://; use {', '.join(SCHEMES)}, or the path of a file.")
    return Resilient(lambda: UrlSource(url, say=say, on_card=on_card), say=say)
