"""SRT through the system's ffmpeg program, for a PyAV that was built without it."""

import shutil
import subprocess
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import av
from av.container import InputContainer

from murai.errors import SourceError

LISTEN_SECONDS = 20
"""How long the program waits to be called, where it listens: one that nobody ends must not hold the port for ever."""

COMMAND = (
    *("ffmpeg", "-loglevel", "quiet", "-fflags", "nobuffer", "-f", "concat", "-safe", "0"),
    *("-protocol_whitelist", "pipe,srt,udp", "-i", "pipe:0", "-map", "0:v:0", "-c", "copy"),
    # NUT keeps pictures apart: in MPEG-TS the end of one is only known when the next begins.
    *("-flush_packets", "1", "-f", "nut", "pipe:1"),
)


class Relay:
    """The ffmpeg program while it receives `url` and passes the pictures on, undecoded, through a pipe.

    Raises SourceError at birth where the program is missing.
    """

    def __init__(self, url: str, name: str) -> None:
        if shutil.which("ffmpeg") is None:
            raise SourceError(f"{name} needs the program ffmpeg, which speaks SRT: install it, or use rtmp://.")
        self._name = name
        self._program = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is ours
        )
        self._end = weakref.finalize(self, _end, self._program)  # at the latest when the interpreter exits
        assert self._program.stdin is not None
        # Everybody can read a command line, and the address may hold a password: it goes in as a list of one.
        with suppress(BrokenPipeError), self._program.stdin as stdin:
            stdin.write(_playlist(url))

    @contextmanager
    def open(self, options: dict[str, str]) -> Iterator[InputContainer]:
        """The pictures, for one reader. Raises SourceError where none come."""
        assert self._program.stdout is not None
        with self._program.stdout as pipe:
            try:
                container = av.open(pipe, "r", format="nut", options=options)
            except av.FFmpegError:  # the pipe ended at once, and the program may not say why: it would say the address
                advice = "check the address and the passphrase, and that the sender is running"
                raise SourceError(f"{self._name} cannot be opened: nothing came; {advice}.") from None
            with container:
                yield container

    def close(self) -> None:
        """End the program, from any thread, twice; whoever reads wakes up."""
        self._end()


def _end(program: "subprocess.Popen[bytes]") -> None:
    program.kill()
    program.wait()


def _playlist(url: str) -> bytes:
    url = "".join(url.splitlines()).replace("'", r"'\''")
    url += f"{'&' if '?' in url else '?'}listen_timeout={1_000_000 * LISTEN_SECONDS}"  # one given by the user wins
    return f"ffconcat version 1.0\nfile '{url}'\n".encode(errors="surrogateescape")


def knows_srt() -> bool:
    """Whether PyAV was built with SRT."""
    try:
        av.open("srt://")
    except av.error.ProtocolNotFoundError:
        return False
    except av.FFmpegError:
        return True
    return True
