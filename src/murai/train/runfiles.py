"""What a run leaves in its folder, written whole or not at all, and what it was made with."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from murai.errors import TrainError
from murai.nets.base import StylizationNetwork
from murai.train.photos import Photographs
from murai.train.settings import Settings
from murai.train.vgg import LossNetwork

CHECKPOINT, LOG, VECTOR, ROW = "checkpoint.pt", "losses.jsonl", "style.safetensors", "row.jpg"
RUN_FILES = (CHECKPOINT, LOG, VECTOR, ROW, "*.part", "tensorboard")
"""Everything a run leaves in its folder, also what others write there."""

Made = Mapping[str, Any]
"""What a run is made with, of which two are equal where they learn the same: plain JSON."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A finished run: all weights, float32 [D], and how long it took."""

    vector: Tensor
    seconds: float


def run_files(folder: Path) -> list[Path]:
    """What a run left in `folder`."""
    return [file for pattern in RUN_FILES for file in folder.glob(pattern)]


def clear(folder: Path) -> None:
    """Delete that, and nothing else; make `folder` where there is none. Raises TrainError."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for file in run_files(folder):
            shutil.rmtree(file) if file.is_dir() else file.unlink()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the disk raises into a TrainError."""
    try:
        yield
    except OSError as error:
        raise TrainError(
            f"the run's folder {folder} cannot be written ({error}); free or choose another disk."
        ) from error


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write `path`, whole or not at all. Raises TrainError."""
    temporary = path.with_suffix(".part")
    with writing(path.parent):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def made_with(
    settings: Settings,
    network: StylizationNetwork,
    loss_network: LossNetwork,
    photographs: Photographs,
    style: Tensor,
    start: str,
    machines: str,
) -> Made:
    """For `style` [3, H, W]; `start` says what the network had learned before and by whom it is taught, `machines` on
    how many processes."""
    shapes = {name: list(parameter.shape) for name, parameter in network.named_parameters()}
    values = {
        "architecture": [type(network).__name__, shapes],
        "style picture": [list(style.shape), digest(style)],
        "photographs": [[path.name, path.stat().st_size] for path in photographs.paths],
        "loss network": [loss_network.info.sha256, loss_network.info.input],
        "base": start,
        "processes": machines,
    }
    hashes = {name: hashlib.sha256(json.dumps(value).encode()).hexdigest() for name, value in values.items()}
    made: Made = json.loads(json.dumps({"settings": asdict(settings), **hashes}))
    return made


def digest(x: Tensor) -> str:
    """SHA-256 of the numbers in `x`."""
    return hashlib.sha256(x.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def refuse_differing(file: Path, made: Made, now: Made) -> None:
    """Raise TrainError where `file` was `made` with something else than this run."""
    differing = [name for name in now if name != "settings" and made.get(name) != now[name]]
    before, settings = made.get("settings", {}), now["settings"]
    if changed := [name for name in {**before, **settings} if before.get(name) != settings.get(name)]:
        differing.append(f"settings ({', '.join(changed)})")
    if differing:
        raise TrainError(
            f"{file} differs from this run in its {', '.join(differing)}; resume with the same, "
            "or start afresh with --overwrite instead of --resume."
        )


def write_learned(folder: Path, learned: Learned, made: Made) -> None:
    """Leave what was learned in `folder`. Raises TrainError."""
    notes = {"made": json.dumps(made), "seconds": str(learned.seconds)}
    write_whole(folder / VECTOR, safetensors.torch.save({"style": learned.vector.cpu()}, notes))


def read_learned(folder: Path, size: int, made: Made) -> Learned | None:
    """What a finished run left in `folder`, None where there is nothing.

    Raises TrainError where it is not `size` numbers, damaged, or of a run that was `made` otherwise.
    """
    file = folder / VECTOR
    if not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as stored:  # type: ignore[no-untyped-call]
            vector, notes = stored.get_tensor("style"), stored.metadata()
        before, seconds = json.loads(notes["made"]), float(notes["seconds"])
        whole = isinstance(before, dict) and isinstance(before.get("settings"), dict)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise TrainError(f"{file} is damaged; start afresh with --overwrite instead of --resume.")
    refuse_differing(file, before, made)
    if vector.shape != (size,) or vector.dtype != torch.float32 or not vector.isfinite().all():
        raise TrainError(
            f"{file} does not hold the {size} numbers of a style; start afresh with --overwrite instead of --resume."
        )
    return Learned(vector, seconds)
