"""murai train --suggest-crops: which section of a picture to learn from."""

from collections.abc import Sequence
from pathlib import Path

from murai.cli.common import Judge, needs
from murai.console import progress, say
from murai.errors import MuraiError


def suggest(
    pictures: Sequence[Path],
    out: Path | None,
    judge: Judge,
    *,
    size: int,
    overwrite: bool,
) -> int:
    """Print three crops of each picture, the best first, and write a sheet that shows them."""
    with needs("Suggesting crops", "train"):
        from murai.train.crops import crop_sheet, suggest_crops
    import numpy as np

    from murai.sinks.picture import refuse_picture, write_picture

    sheets = _sheets(pictures, out)
    for sheet in sheets:
        refuse_picture(sheet, overwrite=overwrite)  # before any work
    say("looking for sections worth learning from, which takes a minute or two a picture.")
    loss_network = judge.load(say)
    for picture, sheet in zip(pictures, sheets, strict=True):
        with progress(f"looking at {picture.name}", 100, "%") as advance:
            crops = suggest_crops(picture, loss_network, size=size, on_share=lambda share: advance(round(100 * share)))
        write_picture(sheet, np.asarray(crop_sheet(picture, crops, size)), overwrite=overwrite, source=picture)
        texts = [",".join(map(str, crop.box)) for crop in crops]
        print(*texts, sep="\n")
        say(f"{sheet.resolve()} shows them. Learn from the best: murai train {picture} --crop {texts[0]} ...")
    return 0


def _sheets(pictures: Sequence[Path], out: Path | None) -> list[Path]:
    """Where each picture's sheet goes: `out` itself, beside the pack that `out` names, or this folder."""
    if out is None:
        sheets = [Path(f"{picture.stem}-crops.jpg") for picture in pictures]
        if twice := [sheet for sheet in sheets if sheets.count(sheet) > 1]:
            raise MuraiError(
                f"two sheets would be called {twice[0]}; give pictures of one name one by one, with --out."
            )
        return sheets
    if len(pictures) > 1:
        raise MuraiError("one --out is for one picture; leave it out, and each gets a sheet in this folder.")
    return [out if out.suffix in (".jpg", ".jpeg", ".png") else out.with_name(f"{out.stem}-crops.jpg")]
