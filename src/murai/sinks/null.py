"""A sink that keeps nothing: for measuring, and for a show nobody needs to see."""

from murai.frame import Frame, StreamInfo


class NullSink:
    """Counts the frames and throws them away. `frames` is how many came since `open`."""

    lossless = False
    essential = False

    def __init__(self) -> None:
        self.frames = 0

    def open(self, info: StreamInfo) -> None:
        """Start to count."""
        self.frames = 0

    def write(self, frame: Frame) -> None:
        """Count one frame."""
        self.frames += 1

    def close(self, complete: bool = True) -> None:
        """Nothing to free."""
