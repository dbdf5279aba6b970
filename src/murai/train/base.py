"""A taught pack as the start for new styles, or as a teacher."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from murai.errors import TrainError
from murai.nets import ARCHITECTURES, VERSION, all_arguments, build, restore
from murai.nets.affine import Affine
from murai.nets.base import StylizationNetwork
from murai.nets.growth import grow
from murai.packs import StylePack
from murai.train.loop import Teacher
from murai.train.objective import Judgement
from murai.train.settings import ENDS, End
from murai.train.vgg import LossNetwork

SPREAD = 2.2
"""What deviation a colour, -1..1 before its tanh, needs for one of 1 after it, tried out."""
FURTHEST = 0.9
"""Of the style's mean colour, -1..1: nearer to black or white a tanh would hardly learn."""


def load_base(path: Path, loss_network: LossNetwork) -> StylePack:
    """The pack at `path`, which `loss_network` can go on teaching. Raises PackError, TrainError."""
    pack = _load(path, "--base")
    taught = pack.manifest.loss_network
    if taught is not None and (taught.sha256, taught.input) != (loss_network.info.sha256, loss_network.info.input):
        raise TrainError(
            f"{path} was taught with the loss network {taught.file} (input {taught.input}), not with "
            f"{loss_network.info.file} (input {loss_network.info.input}); give that with --loss-network."
        )
    return pack


def load_teacher(path: Path, names: Iterable[str]) -> StylePack:
    """The pack at `path`, which has the styles called `names`. Raises PackError, TrainError."""
    pack = _load(path, "--teacher")
    if missing := [name for name in names if name not in pack.names]:
        raise TrainError(
            f"{path} cannot teach the style '{missing[0]}'; say by --name which of its own the picture is: "
            f"{', '.join(pack.names)}."
        )
    return pack


def _load(path: Path, option: str) -> StylePack:
    pack = StylePack.load(path)
    architecture = pack.manifest.architecture
    if architecture.name not in ARCHITECTURES:
        raise TrainError(
            f"{path} is a network of the architecture '{architecture.name}', which this murai does not have "
            f"({', '.join(ARCHITECTURES)}); take another {option}."
        )
    if architecture.version != VERSION:
        raise TrainError(f"{path} was taught for another calculation than this murai's; take another {option}.")
    return pack


def style_network(pack: StylePack, name: str, end: End) -> StylizationNetwork:
    """The network of `pack` with the weights of one end of the style `name`.

    Raises TrainError where they are not those of the network that the pack names.
    """
    architecture, ends = pack.manifest.architecture, pack.styles[pack.names.index(name)]
    vector = torch.from_numpy(ends[0 if end == ENDS[0] else -1].astype("float32"))
    try:
        return restore(architecture.name, architecture.arguments, vector)
    except ValueError as error:
        raise TrainError(
            f"{pack.path} holds the weights of another version of the network '{architecture.name}'; teach it anew."
        ) from error


def teacher_from(pack: StylePack, name: str, end: End) -> Teacher:
    """What `pack` paints in one end of the style `name`, to learn from. Raises TrainError."""
    network = style_network(pack, name, end).requires_grad_(False)

    @torch.no_grad()
    def paint(photographs: Tensor) -> Tensor:
        painted: Tensor = network.to(photographs.device)(photographs)
        return painted

    return paint


def keeps_styles(pack: StylePack, arguments: Mapping[str, Any] | None) -> bool:
    """Whether a network with `arguments`, None for those of `pack`, takes the styles that `pack` has."""
    architecture = pack.manifest.architecture
    if arguments is None:
        return True
    try:
        wanted, here = (_plain(all_arguments(architecture.name, a)) for a in (arguments, architecture.arguments))
    except TypeError:  # of another architecture
        return False
    return bool(wanted == here)


def _plain(arguments: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(arguments))


def grown(pack: StylePack, network: StylizationNetwork, arguments: Mapping[str, Any] | None) -> StylizationNetwork:
    """The network of `pack`, or one with `arguments` that paints alike. Raises TrainError where that is smaller."""
    if keeps_styles(pack, arguments):
        return network
    try:
        large = build(pack.manifest.architecture.name, **(arguments or {}))
        grow(network, large)
    except (TypeError, ValueError) as error:
        raise TrainError(
            f"{pack.path} is another or a larger network and cannot grow into this tier; take another --base."
        ) from error
    return large


@torch.no_grad()
def nearest(pack: StylePack, judge: Judgement, photographs: Tensor) -> str:
    """The style of `pack` whose faithful paintings of `photographs` [N, 3, H, W] `judge` finds least fault with.

    Raises TrainError, see `style_network`.
    """

    def fault(name: str) -> float:
        network = style_network(pack, name, ENDS[0]).to(photographs.device)
        terms = judge(network(photographs), photographs)
        return float(torch.stack(list(terms.values())).sum())

    return min(pack.names, key=fault)


@torch.no_grad()
def take_colours(network: StylizationNetwork, style: Tensor) -> None:
    """Let `network` begin with the colours of the picture `style` [3, H, W] in 0..1, where it has a place for them."""
    if isinstance(network, Affine):
        network.spread.copy_(SPREAD * style.std((1, 2)))
        network.centre.copy_(torch.atanh((2 * style.mean((1, 2)) - 1).clamp(-FURTHEST, FURTHEST)))


def styles_hash(pack: StylePack) -> str:
    """SHA-256 of all its styles."""
    return hashlib.sha256(pack.styles.tobytes()).hexdigest()
