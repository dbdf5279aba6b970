"""murai measure: the figures the README quotes."""

from cyclopts import App, Parameter

from murai.cli.common import Count, folders, parse_size
from murai.console import say, show_json

measure = App(
    name="measure", help="The figures the README quotes, made here.", default_parameter=Parameter(negative=())
)


@measure.command(name="speed")
def measure_speed(
    *, size: str = "1280x720", style: str = "starry_night", rounds: Count = 15, frames: Count = 150, json: bool = False
) -> int:
    """The shipped network and the 2016 reference on the same frames, and the whole pipeline.

    Parameters
    ----------
    size
        WxH of the pictures.
    style
        The pack to measure.
    rounds
        How often each network takes its turn.
    frames
        Length of the video that goes through the pipeline.
    json
        Print one JSON object.
    """
    from murai.measure.speed import measure_speed, table
    from murai.packs import find_style

    pack, _ = find_style(style, folders(), say=say)
    figures = measure_speed(pack, parse_size(size), rounds=rounds, frames=frames, say=say)
    if json:
        show_json(figures)
    else:
        print(table(figures))
    return 0
