"""What a run runs on."""

from collections.abc import Callable
from typing import Literal

from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException

from murai.errors import TrainError, first_line

Machines = Fabric
"""The processes of a run: one, several GPUs, several machines."""


def open_fabric(
    processes: int = 1, nodes: int = 1, precision: Literal["32-true", "bf16-mixed"] = "32-true"
) -> Machines:
    """What a run runs on: `processes`, each with a GPU of its own or all on the CPU, on each of `nodes` machines.

    More than one process starts this program again for each: what comes before is done by all. Several machines are
    started by torchrun. Raises TrainError where there are fewer GPUs than processes.
    """
    alone = processes * nodes == 1
    try:
        fabric = Fabric(
            accelerator="auto",
            devices=processes,
            num_nodes=nodes,
            strategy="auto" if alone else "ddp",
            precision=precision,
        )
    except MisconfigurationException as error:
        raise TrainError(
            f"there are no {processes} GPUs here ({first_line(error)}); give fewer --processes."
        ) from error
    fabric.launch()
    return fabric


def agree(fabric: Machines, act: Callable[[], None]) -> None:
    """Let the first process `act`; where it refuses, all do. Raises TrainError."""
    refusal = ""
    if fabric.is_global_zero:
        try:
            act()
        except TrainError as error:
            refusal = str(error)
    refusal = fabric.broadcast(refusal)
    if refusal:
        raise TrainError(refusal)


def shared_by(fabric: Machines) -> str:
    """On how many processes a run learns, and how precisely."""
    return f"{fabric.world_size} of {fabric.strategy.precision.precision}"
