"""A network that is taught already as the start for new styles: one learns a vector, or everything once more."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from murai.errors import TrainError
from murai.nets import ARCHITECTURES, VERSION, build, restore
from murai.nets.base import StylizationNetwork
from murai.nets.growth import grow
from murai.packs import StylePack
from murai.train.losses import gram_matrix, style_loss
from murai.train.vgg import LossNetwork

if TYPE_CHECKING:
    from murai.train.loop import Teacher


def load_base(path: Path, loss_network: LossNetwork) -> StylePack:
    """The pack at `path`, which `loss_network` can go on teaching. Raises PackError, TrainError."""
    pack = StylePack.load(path)
    taught = pack.manifest.loss_network
    if pack.manifest.architecture.name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise TrainError(
            f"{path} is a network of the architecture '{pack.manifest.architecture.name}', which this murai does not "
            f"have ({known}); take another --base."
        )
    if taught is not None and (taught.sha256, taught.input) != (loss_network.info.sha256, loss_network.info.input):
        raise TrainError(
            f"{path} was taught with the loss network {taught.file} (input {taught.input}), not with "
            f"{loss_network.info.file} (input {loss_network.info.input}); give that with --loss-network."
        )
    return pack


def network_from(
    pack: StylePack, names: Sequence[str], *, full: bool, arguments: Mapping[str, Any] | None = None
) -> StylizationNetwork:
    """The network of `pack` with styles called `names` after its own, of which only the new vectors will learn.

    With `full` everything will, and the styles of the pack itself, which would no longer fit, are gone. A style that
    the pack has by the same name goes on from there, another starts as the mean of all. With `arguments` it grows into
    the larger network that they describe. Raises TrainError where a name is taken, where the weights are not those of
    the network the pack names, and where that network is larger than the one it should become.
    """
    if taken := [] if full else [name for name in names if name in pack.names]:
        raise TrainError(f"{pack.path} has a style '{taken[0]}' already; give another --name, or teach it --full.")
    if not full and pack.manifest.architecture.version != VERSION:
        raise TrainError(
            f"{pack.path} was taught for an older calculation, with which its styles would look different; "
            "go on with --full, or take another --base."
        )
    architecture, tensors = pack.manifest.architecture, {k: torch.from_numpy(v.copy()) for k, v in pack.tensors.items()}
    known = dict(zip(pack.names, tensors["styles"], strict=True))
    new = [known.get(name, tensors["styles"].mean(0)) for name in names]
    tensors["styles"] = torch.stack(new if full else [*known.values(), *new])
    try:
        network = restore(architecture.name, architecture.arguments, tensors)
    except ValueError as error:
        raise TrainError(
            f"{pack.path} holds the weights of another version of the network '{architecture.name}'; teach it anew."
        ) from error
    if arguments is not None:
        network = _grown(pack, network, arguments)
    network.requires_grad_(full)
    network.styles.requires_grad_(True)
    return network


def teacher_from(pack: StylePack, names: Sequence[str]) -> "Teacher":
    """What `pack` paints in the styles called `names`, to learn from. Raises TrainError where it lacks one of them."""
    if missing := [name for name in names if name not in pack.names]:
        raise TrainError(
            f"{pack.path} cannot teach the style '{missing[0]}'; say by --name which of its own the picture is: "
            f"{', '.join(pack.names)}."
        )
    if pack.manifest.architecture.version != VERSION:
        raise TrainError(f"{pack.path} was taught for an older calculation; take another --teacher.")
    network = network_from(pack, names, full=True).eval().requires_grad_(False)

    @torch.no_grad()
    def paint(photographs: Tensor, chosen: Sequence[int], strengths: Tensor) -> Tensor:
        there, pixels = network.to(photographs.device), strengths[:, None, None, None]
        styles = there.styles[list(chosen)]
        if there.photograph is None:  # its gentle painting is a mixture of pixels, as for users
            return torch.lerp(photographs, there(photographs, styles), pixels)
        painted: Tensor = there(photographs, there.at_strength(styles, strengths))
        return painted

    return paint


def _grown(pack: StylePack, network: StylizationNetwork, arguments: Mapping[str, Any]) -> StylizationNetwork:
    try:
        large = build(pack.manifest.architecture.name, styles=len(network.styles), **arguments)
        grow(network, large)
    except (TypeError, ValueError) as error:
        raise TrainError(
            f"{pack.path} is another or a larger network and cannot grow into this tier; take another --base."
        ) from error
    return large


@torch.no_grad()
def start_near(
    network: StylizationNetwork,
    index: int,
    loss_network: LossNetwork,
    style: Tensor,
    photographs: Tensor,
) -> None:
    """Let style `index` begin as that of those before it which paints `photographs` most like `style`.

    `photographs` are [N, 3, H, W] and `style` [3, H, W] in 0..1.
    """
    maps = loss_network(style[None])
    grams = {layer: gram_matrix(maps[layer]) for layer in loss_network.style_layers}

    def loss(vector: Tensor) -> float:
        painted = network(photographs, vector.expand(len(photographs), -1))
        return float(style_loss(loss_network(painted), grams))

    network.styles[index] = min(network.styles[:index].clone(), key=loss)


def weights_hash(pack: StylePack) -> str:
    """SHA-256 of all its tensors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(pack.tensors.items()):
        digest.update(name.encode() + tensor.tobytes())
    return digest.hexdigest()
