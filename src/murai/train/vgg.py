"""The loss network: convolutions of VGG16 or VGG19 (Simonyan and Zisserman 2015), as far as the losses need them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from murai.errors import Say, TrainError, silent

LossInput = Literal["caffe", "imagenet"]

CONTENT = "relu3_3"
DEFAULT_URL = "https://download.pytorch.org/models/vgg16_features-amdegroot-88682ab5.pth"
DEFAULT_HASH = "88682ab5"
"""The original Oxford weights of VGG16 in torchvision's packaging; input convention `caffe`. SHA-256 begins so."""

# Convolutions a block. torchvision numbers every convolution, rectifier and pooling in one row.
BLOCKS = {"vgg16": (2, 2, 3, 3), "vgg19": (2, 2, 4, 4)}
STYLE = {"vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"), "vgg19": ("relu1_2", "relu2_2", "relu3_3", "relu4_1")}


@dataclass(frozen=True)
class LossNetworkInfo:
    """Which weights trained a pack: style weights do not transfer from one set to another."""

    name: str
    file: str
    sha256: str
    input: LossInput


class LossNetwork(nn.Module):
    """Feature maps of a frozen VGG.

    Calling it with pictures [N, 3, H, W] in 0..1 gives {"relu1_2": [N, 64, H, W], ...}: the content and style layers
    that the weights reach. `input` is what the weights were trained on: `caffe` = 0..255 minus the mean colour,
    `imagenet` = 0..1 minus the mean, divided by the deviation.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: Mapping[str, Tensor], info: LossNetworkInfo, say: Say = silent) -> None:
        super().__init__()
        self.info = info
        wanted = STYLE[info.name]
        self.convs = nn.ModuleList()
        self.names: list[str] = []
        index, missing, channels = 0, -1, 3
        for block, count in enumerate(BLOCKS[info.name], 1):
            for position in range(1, count + 1):
                there = f"features.{index}.weight" in weights
                if there and missing >= 0:
                    raise TrainError(f"{info.file} is not a VGG: it has no features.{missing}; get the file again.")
                if there and wanted[-1] not in self.names:
                    conv = _convolution(weights, index, channels, info.file)
                    self.convs.append(conv)
                    self.names.append(f"relu{block}_{position}")
                    channels = conv.out_channels
                missing = missing if there or missing >= 0 else index
                index += 2
            index += 1
        if CONTENT not in self.names:
            raise TrainError(f"{info.file} has no weights up to {CONTENT}; give the weights of VGG16 or VGG19.")
        self.style_layers = tuple(name for name in wanted if name in self.names)
        if beyond := [name for name in wanted if name not in self.names]:
            say(f"{info.file} does not reach {beyond[0]}: the style is learned from {', '.join(self.style_layers)}.")
        mean, deviation = _convention(info.input)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("deviation", deviation, persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor, until: str | None = None) -> dict[str, Tensor]:
        """Feature maps of pictures [N, 3, H, W] in 0..1, by layer name; `until` is the last layer to compute."""
        x = (x - self.mean) / self.deviation
        maps: dict[str, Tensor] = {}
        block = "1"
        for name, conv in zip(self.names, self.convs, strict=True):
            if name[4] != block:
                x, block = F.max_pool2d(x, 2), name[4]
            x = F.relu(conv(x))
            if name in self.style_layers or name == CONTENT:
                maps[name] = x
            if name == until:
                break
        return maps


def load_loss_network(
    file: Path | None = None, loss_input: LossInput = "caffe", *, cache: Path | None = None, say: Say = silent
) -> LossNetwork:
    """The loss network from a local file, or VGG16's original weights, downloaded once with their hash checked.

    `file` has torchvision's keys (`features.0.weight` ...) and is `.safetensors` or `.pth`, the latter read as weights
    only. `cache` is the folder downloads are kept in, None for torch's own. Raises TrainError.
    """
    file = file or _download(cache or Path(torch.hub.get_dir()) / "checkpoints", say)
    if not file.is_file():
        raise TrainError(f"there is no loss network {file}; give a .safetensors or .pth file of VGG16 or VGG19.")
    weights = _read(file)
    # The sixteenth place is VGG19's fourth convolution of block 3; in VGG16 it is a pooling, without weights.
    kind = "vgg19" if "features.16.weight" in weights else "vgg16"
    return LossNetwork(weights, LossNetworkInfo(kind, file.name, _digest(file), loss_input), say)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(folder: Path, say: Say) -> Path:
    file = folder / DEFAULT_URL.rsplit("/", 1)[1]
    if file.exists():
        if not _digest(file).startswith(DEFAULT_HASH):
            raise TrainError(
                f"{file} is not the loss network it is called after; remove it, to have it downloaded anew."
            )
        return file
    say(f"downloading the loss network to {file}, once.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(DEFAULT_URL, str(file), hash_prefix=DEFAULT_HASH, progress=False)
    except (OSError, RuntimeError) as error:  # the network, the disk, or a file with another hash
        raise TrainError(
            f"the loss network cannot be downloaded ({error}); get {DEFAULT_URL} by other means "
            "and name it with --loss-network."
        ) from error
    return file


def _read(file: Path) -> Mapping[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(file)
        return dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # each format and each kind of damage raises its own
        raise TrainError(
            f"{file} cannot be read as weights; give a .safetensors or .pth file of VGG16 or VGG19."
        ) from error


def _convolution(weights: Mapping[str, Any], index: int, channels: int, file: str) -> nn.Conv2d:
    """The 3 x 3 convolution `index` of `channels`. Raises TrainError for what is none."""
    weight, bias = weights[f"features.{index}.weight"], weights.get(f"features.{index}.bias")
    if not isinstance(weight, Tensor) or not isinstance(bias, Tensor) or bias.shape != weight.shape[:1]:
        raise TrainError(f"{file} is not a VGG: features.{index} is not a convolution with a bias.")
    if weight.shape[1:] != (channels, 3, 3):
        raise TrainError(f"{file} is not a VGG: features.{index} is not a 3x3 convolution of {channels} channels.")
    if not (weight.isfinite().all() and bias.isfinite().all()):
        raise TrainError(f"{file} is damaged: features.{index} has numbers that are none; get the file again.")
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    conv.load_state_dict({"weight": weight, "bias": bias})
    return conv


def _convention(kind: LossInput) -> tuple[Tensor, Tensor]:
    if kind == "caffe":
        return torch.tensor([123.68, 116.779, 103.939])[:, None, None] / 255, torch.tensor(1 / 255)
    return torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]
