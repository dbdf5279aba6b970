"""murai: real-time neural style transfer for live video.

    from murai import open_stylizer
    painted = open_stylizer("starry_night")(picture)      # uint8, height x width x 3, RGB

The names below are the public ones; each is imported when it is first used, so that `import murai` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from murai.controls import Controls as Controls
    from murai.errors import BoothError as BoothError
    from murai.errors import CameraError as CameraError
    from murai.errors import ControlError as ControlError
    from murai.errors import DeliveryError as DeliveryError
    from murai.errors import MissingExtra as MissingExtra
    from murai.errors import MuraiError as MuraiError
    from murai.errors import OutputExists as OutputExists
    from murai.errors import PackError as PackError
    from murai.errors import RuntimeUnsupported as RuntimeUnsupported
    from murai.errors import SinkError as SinkError
    from murai.errors import SourceError as SourceError
    from murai.errors import StreamLost as StreamLost
    from murai.errors import TrainError as TrainError
    from murai.errors import UnknownStyle as UnknownStyle
    from murai.frame import Frame as Frame
    from murai.packs import StylePack as StylePack
    from murai.pipeline import Pipeline as Pipeline
    from murai.sinks import open_sink as open_sink
    from murai.sources import open_source as open_source
    from murai.stylizers import open_stylizer as open_stylizer

_HOMES = {
    "Frame": "frame",
    "StylePack": "packs",
    "Pipeline": "pipeline",
    "Controls": "controls",
    "open_source": "sources",
    "open_sink": "sinks",
    "open_stylizer": "stylizers",
    "MuraiError": "errors",
    "SourceError": "errors",
    "CameraError": "errors",
    "ControlError": "errors",
    "BoothError": "errors",
    "DeliveryError": "errors",
    "StreamLost": "errors",
    "SinkError": "errors",
    "OutputExists": "errors",
    "PackError": "errors",
    "UnknownStyle": "errors",
    "RuntimeUnsupported": "errors",
    "TrainError": "errors",
    "MissingExtra": "errors",
}

__version__ = "0.1.0"
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'murai' has no attribute '{name}'")
    return getattr(import_module(f"murai.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
