"""The contact sheet that grows while a style is learned: photographs on the left, then one column a preview."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image as Pillow
from torch import Tensor

from murai.errors import TrainError
from murai.nets.base import StylizationNetwork
from murai.pictures import save_picture
from murai.train.photos import to_picture


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


def column(pictures: Sequence[Tensor]) -> Pillow.Image:
    """Pictures [3, S, S] one below the other."""
    return to_picture(torch.cat(list(pictures), dim=1))


class ContactSheet:
    """Keeps `sheet.jpg` in `folder` up to date; columns of an interrupted run are taken up again.

    `photographs` are [3, S, S] in 0..1, one a row; they are painted in `styles`, indices of the network's, in turn.
    Where there are more styles than photographs these begin anew.
    """

    def __init__(self, folder: Path, photographs: Sequence[Tensor], styles: Sequence[int] = (0,)) -> None:
        rows = max(len(photographs), len(styles))
        self.folder = folder
        self.photographs = [photographs[row % len(photographs)] for row in range(rows)]
        self.styles = [styles[row % len(styles)] for row in range(rows)]

    @torch.no_grad()
    def add(self, network: StylizationNetwork, step: int) -> Tensor:
        """Paint every photograph, renew the sheet, and give the paintings [N, 3, S, S]."""
        device = network.styles.device
        batch = torch.stack(self.photographs).to(device)
        painted: Tensor = network(batch, network.styles[self.styles]).clamp(0, 1).cpu()
        save_whole(column(list(painted)), self.folder / f"preview-{step:06d}.jpg")
        self._assemble()
        return painted

    def _assemble(self) -> None:
        columns = [column(self.photographs)]
        for path in sorted(self.folder.glob("preview-*.jpg")):
            with Pillow.open(path) as picture:
                columns.append(picture.convert("RGB"))
        sheet = Pillow.new("RGB", (sum(c.width for c in columns), max(c.height for c in columns)))
        left = 0
        for strip in columns:
            sheet.paste(strip, (left, 0))
            left += strip.width
        save_whole(sheet, self.folder / "sheet.jpg")
