"""The losses of a run for TensorBoard. The only file that needs it."""

from collections.abc import Callable
from pathlib import Path

from murai.errors import MissingExtra
from murai.train.loop import Progress


def open_board(folder: Path) -> Callable[[Progress], None]:
    """Give what writes every step's terms and their sum, a folder for each run, below that of all runs, `folder`.

    Raises MissingExtra without TensorBoard.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise MissingExtra("Logs for TensorBoard", "tensorboard") from error
    writers: dict[str, SummaryWriter] = {}

    def write(progress: Progress) -> None:
        if progress.run not in writers:  # steps that are learned again replace those of before
            place = folder / progress.run / "tensorboard"
            writers[progress.run] = SummaryWriter(str(place), purge_step=progress.step)  # type: ignore[no-untyped-call]
        writer = writers[progress.run]
        for name, value in {**progress.terms, "loss": sum(progress.terms.values())}.items():
            writer.add_scalar(f"loss/{name}", value, progress.step)  # type: ignore[no-untyped-call]
        if progress.step == progress.steps:
            writer.close()  # type: ignore[no-untyped-call]

    return write
