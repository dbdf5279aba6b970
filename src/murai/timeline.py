"""One line of time for a show whose source changes."""

import dataclasses

from murai.frame import Frame, StreamInfo


class Timeline:
    """Places the frames of one source after another: `index` and `pts` always increase, in the first time base.

    The first source keeps its own times. After a change a live picture follows as much later as it was captured
    later; a file follows where the file before it ended. Belongs to one thread.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._base, self._live = info.time_base, info.live
        self._step = max(1, round(1 / (info.rate * info.time_base)))  # ticks of a picture that does not say how long
        self._turn = 0
        self._shift = self._skip = 0
        self._pts: int | None = None
        self._index, self._duration, self._captured = -1, 0, 0.0

    def place(self, frame: Frame, turn: int) -> Frame:
        """`frame` on this line. `turn` counts the sources: 0 is the first."""
        pts = round(frame.pts * frame.time_base / self._base)
        if turn != self._turn and self._pts is not None:
            self._shift = self._pts + self._gap(frame) - pts
            self._skip = self._index + 1 - frame.index
        self._turn = turn
        pts += self._shift
        if self._pts is not None:
            pts = max(pts, self._pts + 1)  # a damaged file may stand still or step back; sinks rely on it
        self._pts, self._index, self._captured = pts, frame.index + self._skip, frame.captured
        self._duration = round(frame.duration * frame.time_base / self._base)
        return dataclasses.replace(frame, pts=pts, time_base=self._base, index=self._index, duration=self._duration)

    def _gap(self, frame: Frame) -> int:
        if self._live:
            return round((frame.captured - self._captured) / float(self._base))
        return self._duration or self._step
