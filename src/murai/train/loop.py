"""The training loop: one network learns one end of one style, with exact resume after an interruption.

Everything random is a pure function of the seed and of the number of a picture, counted through the whole run, so two
processes with a batch each learn what one learns with a batch of twice the size.
"""

import io
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from murai.errors import TrainError, first_line
from murai.nets.base import StylizationNetwork
from murai.train.gram import Maps
from murai.train.interrupts import Interrupts
from murai.train.losses import imitation_loss, lattice_loss, total_variation, weave_loss
from murai.train.machines import Machines, agree, open_fabric, shared_by
from murai.train.muon import Muon
from murai.train.objective import objective
from murai.train.photos import Photographs
from murai.train.runfiles import (
    CHECKPOINT,
    LOG,
    Learned,
    clear,
    made_with,
    refuse_differing,
    run_files,
    write_learned,
    write_whole,
    writing,
)
from murai.train.settings import Settings, learning_rate
from murai.train.stability import inner, later, stability_loss
from murai.train.vgg import LossNetwork
from murai.train.watch import refuse_broken

Terms = dict[str, float]
Teacher = Callable[[Tensor], Tensor]
"""Paintings of photographs, both [N, 3, H, W] in 0..1, to learn from."""

ADAM = 0.5
"""The learning rate of what Adam moves, all but kernels, as a share of theirs."""

GRIP = 0.4
"""How quickly the weight of the content follows what is kept: a structure 0.1 short raises it by 4 % a step."""
LOOSEST = 0.1, 10.0
"""What it is multiplied by, at least and at most."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run in the folder `run` is.

    Weighted `terms` add up to the loss; `rate` is in steps a second, `left` in seconds of this run.
    """

    run: str
    step: int
    steps: int
    terms: Terms
    rate: float
    left: float


class Training:
    """One run in one folder: `checkpoint.pt` to go on from, `losses.jsonl` with every step's terms, at last its style.

    `style` is the style picture, [3, H, W] in 0..1. With `resume` the run goes on from the checkpoint in `folder` with
    the same losses as if it had never stopped. Without, it starts with a checkpoint of step 0, and `overwrite` deletes
    the files of a former run. `start` names what `network` has learned before, and the teacher. With a `teacher` the
    network learns nothing but to paint as that one does (Hinton et al. 2015). Raises TrainError where the folder has
    such files and `overwrite` is False, where it cannot be written, and where the checkpoint is missing, damaged or of
    a run that differs from this one.
    """

    def __init__(
        self,
        network: StylizationNetwork,
        loss_network: LossNetwork,
        photographs: Photographs,
        style: Tensor,
        settings: Settings,
        folder: Path,
        *,
        fabric: Machines | None = None,
        resume: bool = False,
        overwrite: bool = False,
        start: str = "",
        teacher: Teacher | None = None,
    ) -> None:
        self.teacher = teacher
        self.fabric = fabric or open_fabric()
        self.settings, self.photographs, self.folder, self.step = settings, photographs, folder, 0
        self.made = made_with(settings, network, loss_network, photographs, style, start, shared_by(self.fabric))
        self.seconds = 0.0
        self.hold = 1.0
        """What the content is multiplied by, so that as much of the structure stays as `keep` asks for."""
        self._whole = True  # False while the weights are between two steps
        self.network = network
        self.painter, *self.optimizers = self.fabric.setup(network, *_optimizers(network))
        if teacher is None:
            there = loss_network.to(self.fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.loss_network: LossNetwork = there
            self._judge = objective(self._look, there.style_layers, style.to(self.fabric.device), settings)
        self._log = folder / LOG
        if resume:
            self._restore()
        else:
            agree(self.fabric, lambda: self._start(overwrite))

    def run(self, on_step: Callable[[Progress], None] = lambda _: None, *, save_every: int = 100) -> Learned:
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
                    on_step(self._progress(terms, (self.step - first) / (time.monotonic() - start)))
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
                raise TrainError(
                    f"another process of this run is gone ({first_line(error)}); --resume goes on from step "
                    f"{self.step}."
                ) from error
            finally:
                if self._whole:
                    self.save()
        return self._finished()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all. Raises TrainError where the disk refuses it."""
        if not self.fabric.is_global_zero:
            return
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "hold": self.hold,
            "made": self.made,
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        whole = io.BytesIO()  # torch says nothing of a full disk, and a file may not stay half written
        torch.save(state, whole)
        write_whole(self.folder / CHECKPOINT, whole.getbuffer())

    def _finished(self) -> Learned:
        learned = Learned(self.network.vector().cpu(), self.seconds)
        agree(self.fabric, lambda: write_learned(self.folder, learned, self.made))
        return learned

    def _progress(self, terms: Terms, rate: float) -> Progress:
        steps = self.settings.steps
        return Progress(self.folder.name, self.step, steps, terms, rate, (steps - self.step) / rate)

    def _anywhere(self, came: bool) -> bool:
        """Whether it came to any of the processes."""
        total = self.fabric.all_reduce(torch.tensor(float(came), device=self.fabric.device), reduce_op="sum")
        return float(total) > 0  # type: ignore[arg-type]

    def _start(self, overwrite: bool) -> None:
        if not overwrite and run_files(self.folder):
            raise TrainError(
                f"{self.folder} holds a run already; go on with --resume, start afresh with --overwrite, "
                "or give another --out."
            )
        clear(self.folder)
        with writing(self.folder):
            self._log.touch()
        self.save()

    def _learn(self) -> Terms:
        """One step. Until the optimizer's turn nothing changes that a checkpoint holds."""
        self._set_rate(learning_rate(self.step, self.settings))
        numbers = self._numbers()
        losses = self._losses(self.photographs.batch(numbers).to(self.fabric.device), numbers)
        self.network.zero_grad()
        self.fabric.backward(torch.stack(list(losses.values())).sum())
        size = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        values = self.fabric.all_reduce(torch.stack([value.detach() for value in losses.values()]), reduce_op="mean")
        terms = dict(zip(losses, values.tolist(), strict=True))  # type: ignore[union-attr]
        refuse_broken(self.step + 1, {**terms, "the gradient": float(size)})
        if self.fabric.is_global_zero:
            with writing(self.folder), self._log.open("a") as log:
                log.write(json.dumps({"step": self.step + 1, **terms}) + "\n")
        self._whole = False
        for optimizer in self.optimizers:
            optimizer.step()
        self.hold = self._held(terms)
        self.step += 1
        self._whole = True
        return terms

    def _held(self, terms: Terms) -> float:
        """`hold` for the next step: more where too little of the structure stayed, less where too much did."""
        if not self.settings.keep or "content" not in terms:
            return self.hold
        lost = terms["content"] / (self.settings.content * self.hold)
        hold = self.hold * math.exp(GRIP * (lost - (1 - self.settings.keep)))
        return min(LOOSEST[1], max(LOOSEST[0], hold))

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
        """Each term times its weight, of photographs with their margin."""
        s, margin = self.settings, self.photographs.margin
        photographs = inner(wide, margin)
        if self.teacher is not None:
            return {"imitation": imitation_loss(self.painter(photographs).float(), self.teacher(photographs))}
        losses = {}
        if s.stable == "none":
            both = painted = self.painter(photographs).float()
        else:
            moment = later(wide, numbers, s.seed, s.stable, s.noise, margin=margin)
            both = self.painter(torch.cat([photographs, moment.photographs])).float()
            painted, again = both.chunk(2)
            losses["stability"] = s.stability * stability_loss(painted, again, moment)
        judged = self._judge(painted, photographs)
        return {
            **judged,
            "content": self.hold * judged["content"],
            "total_variation": s.total_variation * total_variation(painted),
            "lattice": s.lattice * lattice_loss(both, self.network.cell),
            "weave": s.weave * weave_loss(both),
            **losses,
        }

    def _look(self, pictures: Tensor, until: str | None) -> Maps:
        """What the loss network sees, in the precision of this run."""
        with self.fabric.autocast():
            maps: Maps = self.loss_network(pictures, until=until)
        return maps

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
        with writing(self.folder):
            lines = self._log.read_text().splitlines()[: self.step] if self._log.exists() else []
            self._log.write_text("".join(line + "\n" for line in lines))

    def _read_checkpoint(self) -> None:
        file = self.folder / CHECKPOINT
        if not file.is_file():
            raise TrainError(f"there is no checkpoint in {self.folder} to resume from; start without --resume.")
        try:
            state = torch.load(file, map_location=self.fabric.device, weights_only=True)
            refuse_differing(file, state["made"], self.made)
            self.network.load_state_dict(state["network"])
            for optimizer, moments in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(moments)
            self.step, self.seconds, self.hold = int(state["step"]), float(state["seconds"]), float(state["hold"])
        except TrainError:
            raise
        except Exception as error:  # torch.load and load_state_dict raise many kinds for a damaged file
            raise TrainError(
                f"{file} is damaged or of another network; start afresh with --overwrite instead of --resume."
            ) from error


def _optimizers(network: StylizationNetwork) -> list[torch.optim.Optimizer]:
    """Muon for kernels, Adam for the rest."""
    kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4]
    rest = [parameter for parameter in network.parameters() if parameter.ndim != 4]
    return [Muon(kernels), torch.optim.Adam(rest)]
