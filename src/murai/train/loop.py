"""The training loop: one style vector a picture, one network for all, exact resume after an interruption.

Everything random is a pure function of the seed and of the number of a picture, counted through the whole run, so two
processes with a batch each learn what one learns with a batch of twice the size.
"""

import hashlib
import io
import json
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from murai.errors import TrainError
from murai.nets.base import StylizationNetwork
from murai.train.chance import draws
from murai.train.losses import content_loss, gram_matrix, imitation_loss, lattice_loss, style_loss, total_variation
from murai.train.lowrank import low_rank
from murai.train.muon import Muon
from murai.train.photos import Photographs
from murai.train.stability import Kind, inner, later, stability_loss
from murai.train.vgg import CONTENT, LossNetwork
from murai.train.watch import refuse_broken

Terms = dict[str, float]
Teacher = Callable[[Tensor, Sequence[int], Tensor], Tensor]
"""Paintings [N, 3, H, W] of photographs, each in the style of that number and at its strength [N]."""
Machines = Fabric
"""The processes of a run: one, several GPUs, several machines."""

CHECKPOINT, LOG = "checkpoint.pt", "losses.jsonl"
RUN_FILES = (CHECKPOINT, "checkpoint.part", LOG, "sheet.jpg", "preview-*.jpg", "report.html", "tensorboard")
"""Everything a run leaves in its folder, also what others write there."""


ADAM = 0.5
"""The learning rate of what Adam moves, style vectors above all, as a share of that of the kernels."""


EXAMPLES = 8
"""Photographs from which the directions of the loss network's responses are found."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a style is learned. The weights multiply normalized terms, so one set serves every picture.

    batch              photographs a step, in each process
    size, style_size   side of the photographs' crops, and short side of the style picture, in pixels
    learning_rate      of the kernels, by Muon, at its peak; style vectors and the rest take ADAM of it, by Adam
    stable             the kind of disturbance that `stability` weighs, see `stability`
    noise              deviation of the strongest noise, 0..1
    gentle             how many of the pictures are painted at a strength below 1, where the network has a way to
    energy             share of its responses' variance that the loss network keeps while learning, see `low_rank`
    """

    steps: int = 600
    batch: int = 2
    size: int = 256
    learning_rate: float = 0.02
    content: float = 1.0
    style: float = 5.0
    total_variation: float = 0.05
    lattice: float = 20.0
    stability: float = 0.1
    stable: Kind = "motion"
    noise: float = 0.06
    gentle: float = 0.1
    style_size: int = 512
    energy: float = 0.99
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where learning stands: weighted `terms` that add up to the loss, `rate` in steps a second, `left` in seconds."""

    step: int
    steps: int
    terms: Terms
    rate: float
    left: float


def learning_rate(step: int, settings: Settings) -> float:
    """One cycle (Smith 2018): a linear rise over the first tenth, a cosine fall to nothing at the end."""
    rise = max(1, settings.steps // 10)
    if step < rise:
        return settings.learning_rate * (step + 1) / rise
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, settings.steps - rise)))


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
        reason = _first_line(error)
        raise TrainError(f"there are no {processes} GPUs here ({reason}); give fewer --processes.") from error
    fabric.launch()
    return fabric


def fingerprint(
    network: StylizationNetwork,
    loss_network: LossNetwork,
    photographs: Photographs,
    styles: Sequence[Tensor],
    base: str = "",
) -> dict[str, str]:
    """What a run learns with, besides its settings: two runs with equal values learn the same."""
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    learned = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    pixels = [[list(style.shape), hashlib.sha256(style.cpu().numpy().tobytes()).hexdigest()] for style in styles]
    values = {
        "architecture": [type(network).__name__, shapes, learned],
        "style pictures": pixels,
        "photographs": [[path.name, path.stat().st_size] for path in photographs.paths],
        "loss network": [loss_network.info.sha256, loss_network.info.input],
        "base": base,
    }
    return {name: hashlib.sha256(json.dumps(value).encode()).hexdigest() for name, value in values.items()}


class Interrupts:
    """Ctrl-C and SIGTERM, noted inside `with` in `came`; a second one does at once what it did before.

    Only the main thread hears signals: elsewhere nothing is held. A signal that was ignored stays ignored.
    """

    def __init__(self) -> None:
        self.came = False
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            both = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
            self._former = {k: v for k, v in both.items() if v not in (signal.SIG_IGN, None)}
        for number in self._former:
            signal.signal(number, self._hear)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._give_back()
        if error is None and self.came:
            raise KeyboardInterrupt

    def _hear(self, *_: object) -> None:
        self.came = True
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)


class Training:
    """One run in one folder: `checkpoint.pt` to go on from, `losses.jsonl` with every step's terms.

    `styles` are the style pictures, each [3, H, W] in 0..1, of the last of the network's style vectors. What of the
    network does not require a gradient stays as it is. With `resume` the run goes on from the checkpoint in `folder`
    with the same losses as if it had never stopped. Without, it starts with a checkpoint of step 0, and `overwrite`
    deletes the files of a former run. `base` names what the network had learned before, and the teacher. With a
    `teacher` the network learns nothing but to paint as that one does (Hinton et al. 2015). Raises TrainError where the
    folder has such files and `overwrite` is False, where it cannot be written, and where the checkpoint is missing,
    damaged or of a run that differs from this one.
    """

    def __init__(
        self,
        network: StylizationNetwork,
        loss_network: LossNetwork,
        photographs: Photographs,
        styles: Sequence[Tensor],
        settings: Settings,
        folder: Path,
        *,
        fabric: Machines | None = None,
        resume: bool = False,
        overwrite: bool = False,
        base: str = "",
        teacher: Teacher | None = None,
    ) -> None:
        self.teacher = teacher
        self.fabric = fabric or open_fabric()
        self.settings, self.photographs, self.folder, self.step = settings, photographs, folder, 0
        shared = f"{self.fabric.world_size} of {self.fabric.strategy.precision.precision}"
        self.fingerprint = {**fingerprint(network, loss_network, photographs, styles, base), "processes": shared}
        self.first = len(network.styles) - len(styles)
        """The first style vector that learns from a picture."""
        self.seconds = 0.0
        self._whole = True  # False while the weights are between two steps
        learned_with = loss_network.to(self.fabric.device)
        if teacher is None:
            examples = [*photographs.batch(range(EXAMPLES)), *styles]
            learned_with = low_rank(learned_with, examples, settings.energy)
        self.loss_network = learned_with.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.network = network
        self.painter, *self.optimizers = self.fabric.setup(network, *_optimizers(network, self._learned))
        self.grams = [{} if teacher else self._grams(style) for style in styles]
        self._log = folder / LOG
        if resume:
            self._restore()
        else:
            self._agree(lambda: self._start(overwrite))

    def run(self, on_step: Callable[[Progress], None] = lambda _: None, *, save_every: int = 100) -> None:
        """Learn until `settings.steps`. Whatever ends it early leaves a checkpoint of a whole step to resume from.

        Ctrl-C and SIGTERM end it after the step they came in, with KeyboardInterrupt; see `Interrupts`.
        """
        start, first = time.monotonic(), self.step
        with Interrupts() as interrupts:
            try:
                while self.step < self.settings.steps:
                    began = time.monotonic()
                    terms = self._learn()
                    self.seconds += time.monotonic() - began
                    rate, left = (self.step - first) / (time.monotonic() - start), self.settings.steps - self.step
                    on_step(Progress(self.step, self.settings.steps, terms, rate, left / rate))
                    if self.step % save_every == 0:
                        self.save()
                    if self._anywhere(interrupts.came):
                        raise KeyboardInterrupt
            except KeyboardInterrupt:
                if self._whole:
                    self.save()
                self.fabric.barrier()  # nobody leaves before the first has saved: that would end it at once
                raise
            except RuntimeError as error:
                if self.fabric.world_size == 1 or isinstance(error, torch.OutOfMemoryError):
                    raise
                reason = _first_line(error)
                raise TrainError(
                    f"another process of this run is gone ({reason}); --resume goes on from step {self.step}."
                ) from error
            finally:
                if self._whole:
                    self.save()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all. Raises TrainError where the disk refuses it."""
        if not self.fabric.is_global_zero:
            return
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "settings": asdict(self.settings),
            "fingerprint": self.fingerprint,
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        whole = io.BytesIO()  # torch says nothing of a full disk, and a file may not stay half written
        torch.save(state, whole)
        temporary = self.folder / "checkpoint.part"
        with _writing(self.folder):
            try:
                with temporary.open("wb") as file:
                    file.write(whole.getbuffer())
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.folder / CHECKPOINT)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    def _agree(self, act: Callable[[], None]) -> None:
        """Let the first process `act`; where it refuses, all do. Raises TrainError."""
        refusal = ""
        if self.fabric.is_global_zero:
            try:
                act()
            except TrainError as error:
                refusal = str(error)
        refusal = self.fabric.broadcast(refusal)
        if refusal:
            raise TrainError(refusal)

    def _anywhere(self, came: bool) -> bool:
        """Whether it came to any of the processes."""
        total = self.fabric.all_reduce(torch.tensor(float(came), device=self.fabric.device), reduce_op="sum")
        return float(total) > 0  # type: ignore[arg-type]

    def _start(self, overwrite: bool) -> None:
        if not overwrite and _run_files(self.folder):
            raise TrainError(
                f"{self.folder} holds a run already; go on with --resume, start afresh with --overwrite, "
                "or give another --out."
            )
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in _run_files(self.folder):
                shutil.rmtree(file) if file.is_dir() else file.unlink()
            self._log.touch()
        self.save()

    def _learn(self) -> Terms:
        """One step. Until the optimizer's turn nothing changes that a checkpoint holds."""
        self._set_rate(learning_rate(self.step, self.settings))
        numbers = self._numbers()
        losses = self._losses(self.photographs.batch(numbers).to(self.fabric.device), numbers)
        self.network.zero_grad()
        self.fabric.backward(torch.stack(list(losses.values())).sum())
        size = torch.nn.utils.clip_grad_norm_(self._learned, 1.0)
        values = self.fabric.all_reduce(torch.stack([value.detach() for value in losses.values()]), reduce_op="mean")
        terms = dict(zip(losses, values.tolist(), strict=True))  # type: ignore[union-attr]
        refuse_broken(self.step + 1, {**terms, "the gradient": float(size)})
        if self.fabric.is_global_zero:
            with _writing(self.folder), self._log.open("a") as log:
                log.write(json.dumps({"step": self.step + 1, **terms}) + "\n")
        self._whole = False
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._whole = True
        return terms

    def _set_rate(self, rate: float) -> None:
        for optimizer in self.optimizers:
            muon = isinstance(optimizer.optimizer, Muon)
            for group in optimizer.param_groups:
                group["lr"] = rate if muon else ADAM * rate

    def _numbers(self) -> range:
        """The numbers of the pictures of this step that are this process's."""
        first = (self.step * self.fabric.world_size + self.fabric.global_rank) * self.settings.batch
        return range(first, first + self.settings.batch)

    def _losses(self, wide: Tensor, numbers: Sequence[int]) -> dict[str, Tensor]:
        """Each term times its weight, of photographs with their margin. The pictures take the styles in turn."""
        s, margin = self.settings, self.photographs.margin
        photographs = inner(wide, margin)
        chosen = [number % len(self.grams) for number in numbers]
        strengths = torch.tensor([self._strength(number) for number in numbers], device=photographs.device)
        style = self.network.at_strength(self.network.styles[[self.first + k for k in chosen]], strengths)
        if self.teacher is not None:
            shown = self.teacher(photographs, chosen, strengths)
            return {"imitation": imitation_loss(self.painter(photographs, style).float(), shown)}
        losses = {}
        if s.stable == "none":
            both = painted = self.painter(photographs, style)
        else:
            moment = later(wide, numbers, s.seed, s.stable, s.noise, margin=margin)
            both = self.painter(torch.cat([photographs, moment.photographs]), torch.cat([style, style]))
            painted, again = both.float().chunk(2)
            losses["stability"] = s.stability * stability_loss(painted, again, moment)
        with self.fabric.autocast():
            with torch.no_grad():
                wanted = self.loss_network(photographs, until=CONTENT)
            got = self.loss_network(painted)
        grams = {layer: torch.stack([self.grams[k][layer] for k in chosen]) for layer in self.loss_network.style_layers}
        return {
            "content": s.content * content_loss(got, wanted),
            # A gentle painting is asked for less of the style.
            "style": s.style * style_loss(got, grams, strengths.square()),
            "total_variation": s.total_variation * total_variation(painted),
            "lattice": s.lattice * lattice_loss(both.float(), self.network.cell),
            **losses,
        }

    def _strength(self, number: int) -> float:
        """1 for most pictures, anything below for the `gentle` ones."""
        if self.network.photograph is None:
            return 1.0
        strength, gentle = torch.rand(2, generator=draws(self.settings.seed, number, "strength")).tolist()
        return strength if gentle < self.settings.gentle else 1.0

    @torch.no_grad()
    def _grams(self, style: Tensor) -> dict[str, Tensor]:
        maps = self.loss_network(style[None].to(self.fabric.device))
        return {layer: gram_matrix(maps[layer])[0] for layer in self.loss_network.style_layers}

    def _restore(self) -> None:
        """Go on from the checkpoint in every process, or in none."""
        refusal = None
        try:
            self._read_checkpoint()
        except TrainError as error:
            refusal = error
        if self._anywhere(refusal is not None):  # and all have read it before one writes
            raise refusal or TrainError(
                f"another process cannot read the checkpoint in {self.folder}; share the folder."
            )
        if not self.fabric.is_global_zero:
            return
        with _writing(self.folder):
            lines = self._log.read_text().splitlines()[: self.step] if self._log.exists() else []
            self._log.write_text("".join(line + "\n" for line in lines))

    def _read_checkpoint(self) -> None:
        file = self.folder / CHECKPOINT
        if not file.is_file():
            raise TrainError(f"there is no checkpoint in {self.folder} to resume from; start without --resume.")
        try:
            state = torch.load(file, map_location=self.fabric.device, weights_only=True)
            differing = self._differing(state)
            if not differing:
                self.network.load_state_dict(state["network"])
                for optimizer, moments in zip(self.optimizers, state["optimizers"], strict=True):
                    optimizer.load_state_dict(moments)
                self.step, self.seconds = int(state["step"]), float(state.get("seconds", 0))
        except Exception as error:  # torch.load and load_state_dict raise many kinds for a damaged file
            raise TrainError(
                f"{file} is damaged or of another network; start afresh with --overwrite instead of --resume."
            ) from error
        if differing:
            raise TrainError(
                f"{file} differs from this run in its {', '.join(differing)}; resume with the same, "
                "or start afresh with --overwrite instead of --resume."
            )

    def _differing(self, state: dict[str, Any]) -> list[str]:
        """What the checkpoint `state` was made with and this run is not. The first checkpoints had no fingerprint."""
        made, now = state.get("fingerprint", self.fingerprint), self.fingerprint
        differing = [name for name in now if made.get(name) != now[name]]
        before, settings = state["settings"], asdict(self.settings)
        changed = [name for name in {**before, **settings} if before.get(name) != settings.get(name)]
        return differing + ([f"settings ({', '.join(changed)})"] if changed else [])


def _optimizers(network: StylizationNetwork, learned: Sequence[Tensor]) -> list[torch.optim.Optimizer]:
    """Muon for the kernels of ordinary convolutions, Adam for the rest; without the first where only vectors learn."""
    kernels = [m.weight for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.weight.requires_grad]
    chosen = set(kernels)
    rest: list[torch.optim.Optimizer] = [torch.optim.Adam([p for p in learned if p not in chosen])]
    return [Muon(kernels), *rest] if kernels else rest


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _run_files(folder: Path) -> list[Path]:
    return [file for pattern in RUN_FILES for file in folder.glob(pattern)]


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what the disk raises into a TrainError."""
    try:
        yield
    except OSError as error:
        raise TrainError(
            f"the run's folder {folder} cannot be written ({error}); free or choose another disk."
        ) from error
