"""Every error murai raises on purpose, and how it speaks to the user.

    MuraiError                  one sentence that says what to do; the command line exits with 2
    ├── SourceError             a video, picture, camera or stream cannot be opened or read
    │   ├── CameraError         no camera, or none that opens: the message lists each with its reason
    │   └── StreamLost          a live source stopped; Resilient takes it up again
    ├── SinkError               an output cannot be opened or written
    │   └── OutputExists        the output is there already and --overwrite was not given
    ├── PackError               a style pack is damaged, unsafe or of another version
    │   └── UnknownStyle        no pack has that style; the message names the nearest
    ├── RuntimeUnsupported      this machine lacks what the network's runtime needs
    ├── ControlError            a control, value or action that is not there or out of its range
    ├── BoothError              a picture, page, printer or setting of the photo booth that cannot be had
    ├── DeliveryError           a picture was not published; its kinds are in publish/post.py
    ├── InUse               another program writes to a database for too long, see database.py
    ├── TrainError              the pictures, photographs or weights to learn from cannot be used
    └── MissingExtra            an optional library is not installed; the message names the extra

Anything else that escapes is a fault of murai: the command line exits with 1.
"""

from collections.abc import Callable

Say = Callable[[str], None]
"""Takes one sentence meant for the user: a reconnect, a lost packet, a choice made."""


def first_line(error: BaseException) -> str:
    """What a library's error says, in its first line; its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def silent(message: str) -> None:
    """The `Say` that tells nobody."""


class MuraiError(Exception):
    """Something the user can mend. Its text is one sentence that says what to do."""


class SourceError(MuraiError):
    """A source cannot be opened or read."""


class CameraError(SourceError):
    """No camera opens."""


class StreamLost(SourceError):
    """A live source that worked has stopped."""


class SinkError(MuraiError):
    """An output cannot be opened or written."""


class OutputExists(SinkError):
    """The output exists and may not be replaced."""


class PackError(MuraiError):
    """A style pack cannot be used."""


class UnknownStyle(PackError):
    """No pack has a style of that name."""


class RuntimeUnsupported(MuraiError):
    """This machine cannot run the network."""


class ControlError(MuraiError):
    """A show cannot be played like that."""


class BoothError(MuraiError):
    """The photo booth cannot keep, show or print something."""


class DeliveryError(MuraiError):
    """A picture cannot be published."""


class TrainError(MuraiError):
    """Learning cannot start or go on with what was given."""


class MissingExtra(MuraiError):
    """A feature needs an optional library that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'murai[{extra}]'.")
