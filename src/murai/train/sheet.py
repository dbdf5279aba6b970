"""The contact sheet that is renewed while styles are learned: photographs, and below them a row for each run."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image as Pillow
from torch import Tensor

from murai.errors import TrainError
from murai.nets.base import StylizationNetwork
from murai.pictures import save_picture
from murai.train.photos import to_picture
from murai.train.runfiles import ROW

SHEET = "sheet.jpg"


def save_whole(picture: Pillow.Image, path: Path) -> None:
    """Write a picture under a temporary name and rename it. Raises TrainError where the disk refuses it."""
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        save_picture(picture, temporary, quality=92)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TrainError(
            f"{path} cannot be written ({error.strerror}); make room, then go on with --resume."
        ) from error


def row(pictures: Sequence[Tensor]) -> Pillow.Image:
    """Pictures [3, S, S] side by side."""
    return to_picture(torch.cat(list(pictures), dim=2))


def below_each_other(rows: Sequence[Pillow.Image]) -> Pillow.Image:
    """One picture of several."""
    sheet = Pillow.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)))
    top = 0
    for strip in rows:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


@torch.no_grad()
def paintings(network: StylizationNetwork, photographs: Sequence[Tensor]) -> Tensor:
    """Of photographs [3, S, S] in 0..1: [N, 3, S, S]."""
    device = next(network.parameters()).device
    painted: Tensor = network(torch.stack(list(photographs)).to(device)).clamp(0, 1).cpu()
    return painted


class ContactSheet:
    """Keeps `sheet.jpg` in `folder` up to date; rows of runs that were finished before are taken up again.

    `photographs` are [3, S, S] in 0..1, one a column; `runs` are the names of the runs' folders, in order.
    """

    def __init__(self, folder: Path, photographs: Sequence[Tensor], runs: Sequence[str]) -> None:
        self.folder, self.photographs, self.runs = folder, list(photographs), list(runs)

    def add(self, network: StylizationNetwork, run: str) -> Tensor:
        """Paint every photograph, renew the row of `run` and the sheet, and give the paintings [N, 3, S, S]."""
        painted = paintings(network, self.photographs)
        save_whole(row(list(painted)), self.folder / run / ROW)
        rows = [row(self.photographs)]
        for path in (self.folder / run / ROW for run in self.runs):
            if path.exists():
                with Pillow.open(path) as picture:
                    rows.append(picture.convert("RGB"))
        save_whole(below_each_other(rows), self.folder / SHEET)
        return painted
