"""A video file: the painted pictures and, untouched, the sound of the video they were painted from."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from murai.errors import Say, SinkError, first_line, silent
from murai.frame import Frame, StreamInfo
from murai.sinks.encode import Ticks, ToYuv, host, label
from murai.sinks.sound import Sound
from murai.sinks.whole import WholeFile

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""The kind of file each suffix means."""

_H264_LIVE = {"preset": "ultrafast", "crf": "20"}
_H264_FILE = {"preset": "veryfast", "crf": "18"}
_VP9_LIVE = {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "lag-in-frames": "0", "crf": "24", "b": "0"}
_VP9_FILE = {"deadline": "good", "cpu-used": "5", "row-mt": "1", "crf": "20", "b": "0"}


class FileSink:
    """Writes H.264 to MP4, MOV or MKV, VP9 to WEBM: BT.709, limited range, and labelled so.

    The picture has the size of the input. H.264 in 4:2:0 knows even sizes only, so an odd width or height is written
    in 4:4:4; some players do not show that. VP9 has no such limit.

    Every time is kept to the tick of `info.time_base`. MKV and WEBM count milliseconds and cannot begin before 0: sound
    that does (the lead-in of AAC) moves both it and the pictures, by the same. All audio streams of
    `info.path` are copied as they are; where only the first part of the video was painted they stop with the pictures.
    Memory does not grow with the length.

    The file appears under its name when it is whole: at `close(complete=True)`. A run that fails leaves nothing. But a
    live recording, which nobody can make again, also appears at `close(complete=False)`, and where the disk is full:
    all of it up to the last seconds then, and the error says so. Even what a killed run leaves can be played.

    preset   of x264; None is ultrafast for a live source and veryfast for a file
    on_card  encode H.264 of even size on a card (NVENC), where pictures are; where it does not, `say` hears it

    Raises OutputExists or SinkError at construction, SinkError in all calls.
    """

    lossless = True

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        essential: bool = False,
        preset: str | None = None,
        on_card: bool = False,
        say: Say = silent,
    ) -> None:
        self.path = Path(path)
        self.essential = essential
        self._preset, self._on_card = preset, on_card
        if self.path.suffix.lower() not in CONTAINERS:
            raise SinkError(f"{path} is no kind of video that can be written: end it in {', '.join(CONTAINERS)}.")
        self._kind = CONTAINERS[self.path.suffix.lower()]
        self._whole = WholeFile(path, overwrite=overwrite)
        self._say = say
        self._output: OutputContainer | None = None
        self._sound: Sound | None = None
        self._durations: dict[int, int] = {}
        self._end = self._painted = 0
        self._usual = 1
        self._last: int | None = None

    def open(self, info: StreamInfo) -> None:
        """Start the file. Refuses to replace `info.path`, the input."""
        if info.path is not None:
            self._whole.keep_apart(info.path)
        self._info = info
        try:
            options = _options(self._kind, info)
            self._output = av.open(str(self._whole.temporary), "w", format=self._kind, container_options=options)
            self._by_card = self._on_card and self._card_encodes()
            self._stream = self._video(self._output)
            self._to_yuv = self._converter()
            if info.path is not None and not info.live:
                self._sound = Sound(info.path, self._output, self._say)
            if not self._by_card:  # a card's encoder is opened by its first picture, which says on which card
                self._output.start_encoding()
        except av.FFmpegError as error:
            raise self._fail(error) from error
        start = self._sound.start if self._sound else Fraction(0)
        self._ticks = Ticks(info.time_base, live=info.live, start=start)
        self._usual = max(1, round(1 / (info.rate * info.time_base)))

    def write(self, frame: Frame) -> None:
        """Encode one frame, and copy the sound up to its time."""
        if self._output is None:
            raise SinkError(f"{self.path} is not open.")
        try:
            picture = self._to_yuv(frame)
            picture.pts = self._last = self._ticks(frame)
            picture.time_base = self._info.time_base
            duration = self._ticks.duration(frame) or self._usual
            self._durations[picture.pts] = duration
            self._end = picture.pts + duration
            self._painted += 1
            packets = self._encoded(picture)  # before any sound: a card's encoder is opened by its first picture
            if self._sound:
                self._copy(self._sound.until(picture.pts * self._info.time_base))
            self._copy(packets)
        except (av.FFmpegError, RuntimeError) as error:  # the latter where a card's memory does not suffice, say
            raise self._fail(error) from error

    def close(self, complete: bool = True) -> None:
        """Finish the file and give it its name, or remove it. Raises SinkError where no picture came."""
        if self._output is None:
            self._whole.discard()  # an interrupted `open` may have begun it
            return
        if self._last is not None and (complete or self._info.live):
            self._finish()
            self._whole.commit(keep=self._info.live)
            return
        self._abandon()
        self._whole.discard()
        if complete:
            raise SinkError(f"{self.path} was not written: no picture came from the source.")

    def _video(self, output: OutputContainer) -> VideoStream:
        info = self._info
        if self._by_card:
            return self._card_video(output)
        vp9 = self._kind == "webm"
        options = dict((_VP9_LIVE if info.live else _VP9_FILE) if vp9 else (_H264_LIVE if info.live else _H264_FILE))
        if self._preset and not vp9:
            options["preset"] = self._preset
        stream = output.add_stream("libvpx-vp9" if vp9 else "libx264", rate=info.rate, options=options)
        return self._set_up(stream, "yuv420p" if _is_even(info) or vp9 else "yuv444p")

    def _card_video(self, output: OutputContainer) -> VideoStream:
        from murai.sinks.card import ENCODER, options

        stream: Any = output.add_stream(ENCODER, rate=self._info.rate, options=options(self._info.live))
        return self._set_up(stream, "cuda")

    def _set_up(self, stream: VideoStream, pix_fmt: str) -> VideoStream:
        stream.width, stream.height, stream.pix_fmt = self._info.width, self._info.height, pix_fmt
        stream.time_base = stream.codec_context.time_base = self._info.time_base
        # A file with B-frames cannot say how long its last picture lasts unless all last equally long.
        stream.codec_context.max_b_frames = 0
        label(stream.codec_context)
        return stream

    def _card_encodes(self) -> bool:
        """Whether the card can; `say` hears why it cannot."""
        if self._kind == "webm" or not _is_even(self._info):
            why = "it encodes H.264 of even size"
        else:
            try:
                from murai.sinks.card import options, refusal

                why = refusal(self._info.width, self._info.height, options(self._info.live))
            except ModuleNotFoundError as error:
                why = str(error)
        if why:
            self._say(f"{self.path} is encoded by the processor, not by the card ({why}).")
        return not why

    def _converter(self) -> Callable[[Frame], av.VideoFrame]:
        """From a frame to what the encoder takes."""
        width, height = self._info.width, self._info.height
        if self._by_card:
            from murai.sinks.card import ToCardYuv

            to_card = ToCardYuv(width, height)
            return lambda frame: to_card(frame.image)
        to_yuv = ToYuv(width, height, str(self._stream.codec_context.pix_fmt))
        return lambda frame: to_yuv(host(frame))

    def _encoded(self, picture: av.VideoFrame | None) -> list[Any]:
        packets = self._stream.encode(picture)
        for packet in packets:
            # The encoder would guess it from the nominal rate, which is wrong for a variable one.
            packet.duration = self._durations.pop(int(packet.pts or 0), self._usual)
        return packets

    def _copy(self, packets: Iterable[Any]) -> None:
        assert self._output is not None
        for packet in packets:
            self._output.mux(packet)

    def _finish(self) -> None:
        assert self._output is not None
        assert self._last is not None
        tick = self._info.time_base
        try:
            self._copy(self._encoded(None))
            if self._sound:
                self._copy(self._sound.rest(self._last * tick, self._end * tick, self._painted))
            self._output.close()
        except av.FFmpegError as error:
            raise self._fail(error) from error
        self._free()

    def _fail(self, error: Exception) -> SinkError:
        self._abandon()
        if not self._info.live or not _has_pictures(self._whole.temporary):
            self._whole.discard()
            return SinkError(f"{self.path} cannot be written: {_why(error)}.")
        self._whole.commit(synced=False)
        return SinkError(f"{self.path} ends early, what was recorded until then is kept: {_why(error)}.")

    def _abandon(self) -> None:
        if self._output is not None:
            with suppress(av.FFmpegError, RuntimeError):  # what cannot be written any more does not matter
                self._begin()
                self._output.close()
        self._free()

    def _begin(self) -> None:
        """Where pieces were promised and no picture came, write one: FFmpeg crashes when it closes none."""
        assert self._output is not None
        if self._last is None and self._output.streams.video and "movflags" in _options(self._kind, self._info):
            black = np.zeros((self._info.height, self._info.width, 3), np.uint8)
            picture = self._to_yuv(Frame(black, 0, self._info.time_base, 0))
            picture.pts, picture.time_base = 0, self._info.time_base
            self._copy(self._encoded(picture))
            self._copy(self._encoded(None))

    def _free(self) -> None:
        if self._sound:
            self._sound.close()
        self._sound = self._output = None


def _options(kind: str, info: StreamInfo) -> dict[str, str]:
    """How an MP4 or MOV is written: in the ticks of the source, and live so that it can be played at any moment."""
    if kind not in ("mp4", "mov"):
        return {}
    ticks = str(info.time_base.denominator)
    clock = {"video_track_timescale": ticks, "movie_timescale": ticks}
    # In pieces of a second, each on the disk when it is full; the end makes one ordinary file of them.
    pieces = {"movflags": "hybrid_fragmented", "frag_duration": "1000000", "flush_packets": "1"}
    return clock | pieces if info.live else clock


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or first_line(error))


def _is_even(info: StreamInfo) -> bool:
    return info.width % 2 == 0 and info.height % 2 == 0


def _has_pictures(path: Path) -> bool:
    """Whether a file that was not finished shows anything."""
    try:
        with av.open(str(path)) as container:
            return any(True for _ in container.decode(container.streams.video))
    except (av.FFmpegError, ValueError):
        return False
