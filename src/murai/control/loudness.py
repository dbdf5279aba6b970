"""Strength that follows the loudness of a sound: quiet is a photograph, loud a painting."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from murai.errors import MuraiError, Say, SourceError, silent

QUIET, LOUD = -50.0, -12.0
"""Decibels below full scale at which nothing is painted, and all."""
ATTACK, RELEASE = 0.6, 0.08
"""Share of the way to a louder and to a quieter level that is gone in each STEP."""
STEP = 0.05
"""Seconds of sound for one level."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before a sound that ended is opened again; after each vain try twice as many."""
RATE = 16_000
MICROPHONES = {"linux": "pulse", "darwin": "avfoundation", "win32": "dshow"}


def level(samples: NDArray[np.float32]) -> float:
    """How loud samples in -1..1 are: 0 at QUIET and below, 1 at LOUD and above."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    decibels = 10 * np.log10(max(power, 1e-12))
    return float(np.clip((decibels - QUIET) / (LOUD - QUIET), 0, 1))


def follow(before: float, now: float) -> float:
    """The level that is shown: quick to rise, slow to fall."""
    return before + (ATTACK if now > before else RELEASE) * (now - before)


class Loudness:
    """Calls `set_strength` with what `sound` is loud, twenty times a second, in a thread, until `close`.

    `sound` is "microphone", or anything with sound that FFmpeg reads: an address, a file, which is played over and
    over. One that is lost is tried again and again, and the strength stays meanwhile; `say` hears of it. Raises
    SourceError where it cannot be opened.
    """

    def __init__(self, sound: str, set_strength: Callable[[float], None], say: Say = silent) -> None:
        self._sound, self._set, self._say, self._closed = sound, set_strength, say, threading.Event()
        self._shown = 0.0
        self._wait = FIRST_WAIT
        self._is_file = Path(sound).is_file()
        self._thread = threading.Thread(target=self._run, args=(_opened(sound),), name="murai loudness", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._closed.set()
        self._thread.join(2)

    def _run(self, container: InputContainer | None) -> None:
        while not self._closed.is_set():
            try:
                with container or _opened(self._sound) as container:
                    self._listen(container)
            except (av.FFmpegError, MuraiError) as error:
                if self._wait == FIRST_WAIT:
                    self._say(f"the sound is lost, the strength stays: {error}")
                self._wait = min(LONGEST_WAIT, 2 * self._wait)
            container = None
            self._closed.wait(self._wait)

    def _listen(self, container: InputContainer) -> None:
        """Play by the sound until it ends."""
        due = time.monotonic()
        for samples in self._pieces(container):
            due += STEP
            ahead = due - time.monotonic() if self._is_file else 0.0  # a file gives it faster than it sounds
            if self._closed.wait(max(0.0, ahead)):
                return
            self._wait = FIRST_WAIT
            self._shown = follow(self._shown, level(samples))
            self._set(round(self._shown, 3))

    def _pieces(self, container: InputContainer) -> Iterator[NDArray[np.float32]]:
        """The sound in pieces of STEP seconds."""
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        waiting = np.zeros(0, np.float32)
        length = round(RATE * STEP)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                waiting = np.concatenate([waiting, part.to_ndarray().ravel()])
            while len(waiting) >= length:
                yield waiting[:length]
                waiting = waiting[length:]


def _opened(sound: str) -> InputContainer:
    """Raises SourceError where there is nothing to hear."""
    try:
        container = _open(sound)
    except (av.FFmpegError, ValueError) as error:
        raise SourceError(f"{sound} has no sound that can be heard ({error}); give another --loudness.") from error
    if not container.streams.audio:
        container.close()
        raise SourceError(f"{sound} has no sound; give another --loudness.")
    return container


def _open(sound: str) -> InputContainer:
    """The one place that touches a microphone; not run with one yet."""
    if sound == "microphone":
        return av.open("default", format=MICROPHONES.get(sys.platform, "pulse"))
    return av.open(sound)
