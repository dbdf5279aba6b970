"""A network stream as a source: RTSP, RTMP, SRT, HTTP, UDP, whatever the FFmpeg inside PyAV speaks."""

from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from av.container import InputContainer

from murai.errors import Say, SourceError, silent
from murai.sources.decoding import decoding
from murai.sources.live import LiveSource
from murai.sources.srt import Relay, knows_srt

OPTIONS = {
    "rtsp_transport": "tcp",  # over UDP, one lost packet smears the picture until the next keyframe
    "analyzeduration": "500000",  # microseconds; the default of five seconds is five seconds of waiting
    "probesize": "500000",
    "overrun_nonfatal": "1",  # UDP: a full buffer loses packets instead of ending the stream
}


class UrlSource(LiveSource):
    """Frames of a network stream.

    `info.live` is True, except for a file with an end on a web server: that is read whole, like a file.
    Silence longer than `timeout` seconds raises StreamLost, and so does the end of a live stream.
    User names, passwords and what follows a question mark never appear in a message. Where PyAV was built without
    SRT, the ffmpeg program receives it. With `on_card` a card decodes, and frames are tensors there; but for such SRT.

    Raises SourceError when nothing answers within `timeout` seconds, or no picture comes, or that program is missing.
    """

    def __init__(self, url: str, *, say: Say = silent, timeout: float = 5.0, on_card: bool = False) -> None:
        decode = decoding(on_card, say)
        name, scheme = public_name(url), urlsplit(url).scheme
        relay = Relay(url, name) if scheme == "srt" and not knows_srt() else None

        def open_url() -> AbstractContextManager[InputContainer]:
            if relay:
                return relay.open(OPTIONS)
            return decode.open(url, options=OPTIONS, timeout=(timeout, timeout), metadata_errors="replace")

        super().__init__(
            name,
            open_url,
            release=relay.close if relay else lambda: None,
            advice="; check the address, and that the sender is running",
            may_be_file=scheme in ("http", "https"),
            stall=timeout,
            decoding=decode,
            say=say,
        )


def public_name(url: str) -> str:
    """`url` without user, password and query.

    Raises SourceError where it is no URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # says the whole URL, so it is not passed on
        raise SourceError("That URL cannot be understood; check its brackets and its port.") from None
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
