"""The sound of a file, copied packet by packet beside the pictures."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.format import Flags

from murai.errors import Say


class Sound:
    """Every audio stream of a file, given in the order of time, read only as far as it is asked for.

    `start` is the time in seconds at which the file begins where its kind counts from anywhere (MPEG-TS), else 0.
    The packets come out that much earlier; the pictures have to be moved by the same.

    The picture packets of the file are read past as well, not decoded: they tell at the end whether all of the file
    was painted or only its beginning. Neither their times nor their number is enough alone: a kind of file may know
    the times only roughly, and a damaged packet gives no picture.
    """

    def __init__(self, path: Path, output: OutputContainer, say: Say) -> None:
        self._input = av.open(str(path.absolute()))
        self.start = _start(self._input)
        self._video = self._input.streams.best("video")
        self._outputs = {stream.index: made for stream in self._input.streams.audio if (made := _copy(stream, output))}
        lost = {_name(stream) for stream in self._input.streams.audio if stream.index not in self._outputs}
        if lost:
            say(f"The sound of {path} ({', '.join(sorted(lost))}) does not fit this kind of file and is left out.")
        self._packets = self._read()
        self._held: list[Any] = []
        self._avi = self._input.format.name == "avi"
        self._seen, self._pictures = Fraction(-1), 0

    def until(self, time: Fraction) -> Iterator[Any]:
        """The packets not yet given that begin before `time` seconds."""
        while self._held or self._fill():
            if _time(self._held[0]) >= time:
                return
            yield self._held.pop(0)

    def rest(self, last: Fraction, end: Fraction, painted: int) -> Iterator[Any]:
        """What is left when the last of `painted` pictures came at `last` and ends at `end` seconds.

        All of it, or what begins before `end` if the file has more pictures and later ones: then only a part was
        painted.
        """
        yield from self.until(end)
        while not self._goes_on(last, painted) and self._fill():
            pass
        if not self._goes_on(last, painted):
            yield from self._held

    def close(self) -> None:
        """Close the file."""
        self._input.close()

    def _goes_on(self, last: Fraction, painted: int) -> bool:
        return self._seen > last and self._pictures > painted

    def _fill(self) -> bool:
        """Hold one packet more. False at the end of the file."""
        packet = next(self._packets, None)
        if packet is not None:
            self._held.append(packet)
        return packet is not None

    def _read(self) -> Iterator[Any]:
        if not self._outputs:
            return
        for packet in self._input.demux([*self._input.streams.audio, *([self._video] if self._video else [])]):
            if packet.dts is None:  # the empty packet that ends a stream
                continue
            shift = round(self.start / packet.time_base)
            packet.pts, packet.dts = (packet.dts if packet.pts is None else packet.pts) - shift, packet.dts - shift
            if packet.stream is self._video and not packet.is_discard:
                # The times FFmpeg makes up for an AVI with B-frames run ahead of those the pictures are shown at.
                self._seen = max(self._seen, (packet.dts if self._avi else packet.pts) * packet.time_base)
                self._pictures += 1
            elif packet.stream.index in self._outputs:
                packet.stream = self._outputs[packet.stream.index]
                yield packet


def _start(container: av.container.InputContainer) -> Fraction:
    counts_from_anywhere: Any = Flags.ts_discont
    if not container.format.flags & counts_from_anywhere.value or container.start_time is None:
        return Fraction(0)
    return Fraction(container.start_time, 1_000_000)


def _time(packet: Any) -> Fraction:
    return Fraction(packet.dts * packet.time_base)


def _name(stream: Any) -> str:
    return str(stream.codec_context.name) if stream.codec_context else "an unknown kind"


def _fits(stream: Any, kind: str) -> bool:
    """Whether a file of that kind takes the stream. One is begun to see: muxers refuse some of what they list."""
    try:
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _copy(stream: Any, output: OutputContainer) -> Any:
    """A stream of `output` that takes the packets of `stream`, None where its kind of file has no place for them."""
    if not stream.codec_context or not _fits(stream, output.format.name):
        return None
    made = output.add_stream_from_template(stream)
    made.metadata.update(stream.metadata)
    made.disposition = stream.disposition
    return made
