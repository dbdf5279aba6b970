"""The training loop: one style vector a picture, one network for all, exact resume after an interruption."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor

from murai.errors import TrainError
from murai.nets.base import StylizationNetwork
from murai.train.losses import content_loss, gram_matrix, stability_loss, style_loss, total_variation
from murai.train.photos import Photographs, noise_for
from murai.train.vgg import LossNetwork

Terms = dict[str, float]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a style is learned. The weights multiply normalized terms, so one set serves every picture."""

    steps: int = 1000
    batch: int = 2
    size: int = 256
    learning_rate: float = 3e-3
    content: float = 1.0
    style: float = 5.0
    total_variation: float = 0.2
    stability: float = 0.5
    noise: float = 0.06
    style_size: int = 768
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


class Training:
    """One run in one folder: `checkpoint.pt` to go on from, `losses.jsonl` with every step's terms.

    `styles` are the style pictures, each [3, H, W] in 0..1, in the order of the network's style vectors. With `resume`
    the run goes on from the checkpoint in `folder` with the same losses as if it had never stopped. Raises TrainError
    where the checkpoint is missing, damaged or was made with other settings.
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
        resume: bool = False,
    ) -> None:
        self.settings, self.photographs, self.folder, self.step = settings, photographs, folder, 0
        self.fabric = Fabric(accelerator="auto", devices=1)
        self.loss_network = loss_network.to(self.fabric.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam(network.parameters())
        self.network = network
        self.painter, self.optimizer = self.fabric.setup(network, optimizer)
        self.grams = [self._grams(style) for style in styles]
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "losses.jsonl"
        if resume:
            self._restore()
        else:
            self._log.write_text("")

    def run(self, on_step: Callable[[Progress], None] = lambda _: None, *, save_every: int = 100) -> None:
        """Learn until `settings.steps`. Whatever ends it early, Ctrl-C too, leaves a checkpoint to resume from."""
        start, first = time.monotonic(), self.step
        try:
            while self.step < self.settings.steps:
                terms = self._learn(self.step)
                self.step += 1
                with self._log.open("a") as log:
                    log.write(json.dumps({"step": self.step, **terms}) + "\n")
                rate = (self.step - first) / (time.monotonic() - start)
                on_step(Progress(self.step, self.settings.steps, terms, rate, (self.settings.steps - self.step) / rate))
                if self.step % save_every == 0:
                    self.save()
        finally:
            self.save()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "step": self.step,
            "settings": asdict(self.settings),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        temporary = self.folder / "checkpoint.part"
        torch.save(state, temporary)
        temporary.replace(self.folder / "checkpoint.pt")

    def _learn(self, step: int) -> Terms:
        s = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, s)
        photographs = self.photographs.batch(step).to(self.fabric.device)
        losses = self._losses(photographs, step)
        self.optimizer.zero_grad()
        self.fabric.backward(torch.stack(list(losses.values())).sum())
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _losses(self, photographs: Tensor, step: int) -> dict[str, Tensor]:
        """Each term times its weight. The pictures of a batch take the styles in turn."""
        s, count = self.settings, len(photographs)
        chosen = [(step * count + i) % len(self.grams) for i in range(count)]
        style = self.network.styles[chosen]
        noise = noise_for(photographs, step, s.seed, s.noise)
        painted, noisy = self.painter(torch.cat([photographs, photographs + noise]), torch.cat([style, style])).chunk(2)
        with torch.no_grad():
            wanted = self.loss_network(photographs)
        got = self.loss_network(painted)
        grams = {layer: torch.stack([self.grams[k][layer] for k in chosen]) for layer in self.loss_network.style_layers}
        return {
            "content": s.content * content_loss(got, wanted),
            "style": s.style * style_loss(got, grams),
            "total_variation": s.total_variation * total_variation(painted),
            "stability": s.stability * stability_loss(painted, noisy, noise),
        }

    @torch.no_grad()
    def _grams(self, style: Tensor) -> dict[str, Tensor]:
        maps = self.loss_network(style[None].to(self.fabric.device))
        return {layer: gram_matrix(maps[layer])[0] for layer in self.loss_network.style_layers}

    def _restore(self) -> None:
        file = self.folder / "checkpoint.pt"
        if not file.is_file():
            raise TrainError(f"there is no checkpoint in {self.folder} to resume from; start without --resume.")
        try:
            state = torch.load(file, map_location=self.fabric.device, weights_only=True)
            same = state["settings"] == asdict(self.settings)
            if same:
                self.network.load_state_dict(state["network"])
                self.optimizer.load_state_dict(state["optimizer"])
                self.step = int(state["step"])
        except Exception as error:  # torch.load and load_state_dict raise many kinds for a damaged file
            raise TrainError(f"{file} is damaged or of another network; start again without --resume.") from error
        if not same:
            raise TrainError(f"{file} was made with other settings; resume with the same ones or start again.")
        lines = self._log.read_text().splitlines()[: self.step] if self._log.exists() else []
        self._log.write_text("".join(line + "\n" for line in lines))
