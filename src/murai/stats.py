"""What a show did so far: figures only, no threads."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

RATE_WINDOW = 3.0  # seconds over which frames a second are counted


class Recent:
    """The last 300 numbers of one kind. One thread adds, any may look."""

    def __init__(self) -> None:
        self._numbers: deque[float] = deque(maxlen=300)
        self._lock = threading.Lock()

    def add(self, number: float) -> None:
        """Note one more; the oldest beyond 300 is forgotten."""
        with self._lock:
            self._numbers.append(number)

    def in_order(self) -> list[float]:
        """All of them, smallest first."""
        with self._lock:
            return sorted(self._numbers)

    def share(self, part: float) -> float | None:
        """The number that `part` (0..1) of them do not exceed, None where there is none."""
        numbers = self.in_order()
        return numbers[min(int(part * len(numbers)), len(numbers) - 1)] if numbers else None

    def rate(self, now: float) -> float:
        """Numbers being moments in seconds: how many a second, over the last few seconds before `now`."""
        moments = [moment for moment in self.in_order() if now - RATE_WINDOW < moment < now]
        return (len(moments) - 1) / (now - moments[0]) if len(moments) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class SinkStats:
    """One sink at one instant. Delays are of the last 300 frames, in milliseconds; None before the first.

    written    frames that were stored, sent or shown     dropped   frames that came too late, or had nowhere to go
    failed     it was taken off the show
    """

    written: int
    dropped: int
    failed: bool
    delay_ms: float | None
    delay_95_ms: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    """The show at one instant. At its end read = painted + held + dropped (+ 1 if the network failed on one).

    dropped    frames read and never painted     held   frames shown as the last painting, during a pause
    fps_in     frames read a second              fps_out   frames painted or held a second, of the last seconds
    sinks      what each sink did, by name: its class, numbered from the second of its kind
    """

    read: int
    painted: int
    held: int
    dropped: int
    fps_in: float
    fps_out: float
    sinks: Mapping[str, SinkStats]

    @property
    def delay_ms(self) -> float | None:
        """Median milliseconds from capture to the return of the first sink's `write`, None without a frame."""
        return next((sink.delay_ms for sink in self.sinks.values()), None)

    @property
    def delay_95_ms(self) -> float | None:
        """The delay that 95 of 100 frames do not exceed."""
        return next((sink.delay_95_ms for sink in self.sinks.values()), None)

    def summary(self) -> str:
        """Everything in one line."""
        parts = [f"{self.read} read, {self.painted} painted, {self.held} held, {self.dropped} dropped"]
        parts.append(f"{self.fps_in:.1f} fps in, {self.fps_out:.1f} out")
        if self.delay_ms is not None:
            parts.append(f"delay {self.delay_ms:.0f} ms (95 %: {self.delay_95_ms:.0f})")
        for name, sink in self.sinks.items():
            parts.append(f"{name} {sink.written} written, {sink.dropped} dropped" + ", failed" * sink.failed)
        return "; ".join(parts)
