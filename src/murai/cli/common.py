"""What several commands share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from murai.errors import MissingExtra, MuraiError, Say

if TYPE_CHECKING:
    from murai.train.vgg import LossNetwork

Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
Positive = Annotated[float, Parameter(validator=validators.Number(gt=0))]
Several = Parameter(consume_multiple=True)
Share = Annotated[float, Parameter(validator=validators.Number(gte=0, lte=1))]


@Parameter(name="*")
@dataclass(frozen=True)
class Judge:
    """Which loss network judges.

    Parameters
    ----------
    loss_network
        Weights of VGG16 or VGG19, .pth or .safetensors with torchvision's keys; by default VGG16's are downloaded once.
    loss_input
        What the weights were trained on: 0..255 minus the mean (caffe), or 0..1 normalized (imagenet).
    """

    loss_network: Path | None = None
    loss_input: Literal["caffe", "imagenet"] = "caffe"

    def load(self, say: Say) -> "LossNetwork":
        """Read or download it. Raises TrainError."""
        from murai.train.vgg import load_loss_network

        return load_loss_network(self.loss_network, self.loss_input, say=say)


def user_folder() -> Path:
    """Where a user's own packs are: the XDG data folder."""
    return _xdg("XDG_DATA_HOME", ".local/share") / "styles"


def booth_folder() -> Path:
    """Where a booth keeps its pictures and what it publishes: in the XDG data folder."""
    return _xdg("XDG_DATA_HOME", ".local/share") / "booth"


def config_folder() -> Path:
    """Where a user's scenes and settings are: the XDG configuration folder."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path:
    """Where finished figures are kept: the XDG cache folder."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "measure"


def _xdg(variable: str, usual: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / usual) / "murai"


def folders() -> list[Path]:
    """Where packs are looked for, the user's own first."""
    from murai.packs import bundled_folder

    return [user_folder(), bundled_folder()]


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of "WxH". Raises MuraiError."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 0 < int(width) <= 16384 and 0 < int(height) <= 16384):
        raise MuraiError(f"'{text}' is not a size; write WIDTHxHEIGHT in pixels up to 16384, such as 1280x720.")
    return int(width), int(height)


@contextmanager
def needs(feature: str, extra: str) -> Iterator[None]:
    """Say which extra to install where an optional library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "murai":
            raise
        raise MissingExtra(feature, extra) from error


def style_images(texts: list[str]) -> dict[str, Path]:
    """{"wall": Path("wall.jpg")} of ["wall=wall.jpg"]. Raises MuraiError."""
    pictures = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise MuraiError(f"'{text}' is no style picture; write NAME=FILE, such as wall=wall.jpg.")
        if name in pictures:
            raise MuraiError(f"--style-image names {name} twice; give one picture for each style.")
        pictures[name] = Path(file)
    return pictures
