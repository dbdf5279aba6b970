"""Style packs: learned styles on disk, read without trusting them; finding, adding, removing and exporting them.

A pack is a folder or a zip, flat, of these files; others are ignored:

    pack.json           the `Manifest`
    model.onnx          image uint8 [N, H, W, 3] and style float32 [N, D] to painted uint8 [N, H, W, 3]
    model.safetensors   the weights, `styles` float32 [K, D], rows in the manifest's order, and, where the network can
                        give its input back, `photograph` float32 [D], the vector with which it does
    README.md           the model card (optional)
    preview*.jpg        (optional)

Nothing in a pack is code, and no size that a pack claims is believed: files are measured before they are read.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from murai import packfiles
from murai.errors import PackError, Say, UnknownStyle, silent
from murai.packfiles import GRAPH, MANIFEST, WEIGHTS

FORMAT = 1
Tier = Literal["light", "fast", "fine", "johnson"]
CARD = "README.md"
LISTED = 12
"""Names in a message, at most."""
TIERS: tuple[Tier, ...] = get_args(Tier)
"""From the lightest network to the heaviest."""

NAME = re.compile("[a-z0-9_-]{1,64}")
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


class _Record(BaseModel):
    # A field this version does not know is an error: whoever adds one raises the format number.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Style(_Record):
    """One style of a pack and the work it was learned from; `crop` is x, y, width, height in pixels of that picture."""

    name: Name
    title: str | None = None
    artist: str | None = None
    year: int | str | None = None
    place: str | None = None
    licence: str | None = None
    crop: tuple[int, int, int, int] | None = None


class Architecture(_Record):
    """Which network of `murai.nets` the weights belong to, and the arguments it is built with.

    version   of its calculation: the same weights paint differently with another (2: maps are mirrored at their edges)
    """

    name: str
    arguments: dict[str, Any] = {}
    version: int = 1


class LossNetworkRecord(_Record):
    """Which loss network trained the pack: style weights do not transfer between weight files."""

    name: str
    file: str
    sha256: str
    input: Literal["caffe", "imagenet"]


class Manifest(_Record):
    """What pack.json says. Raises pydantic.ValidationError (a ValueError) at birth for values that make no sense."""

    format: Literal[1] = 1
    name: Name
    tier: Tier
    architecture: Architecture
    style_size: int = Field(ge=1)
    mac_per_pixel: float = Field(ge=0)
    parameters: int = Field(ge=0)
    styles: list[Style] = Field(min_length=1)
    loss_network: LossNetworkRecord | None = None
    training: dict[str, Any] = {}
    measured: dict[str, Any] = {}

    @field_validator("styles")
    @classmethod
    def _unique(cls, styles: list[Style]) -> list[Style]:
        if len({style.name for style in styles}) < len(styles):
            raise ValueError("two styles have the same name")
        return styles

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The settings of each time the network learned, the first at the head."""
        stages, stage = [], self.training
        while isinstance(stage, dict) and stage:
            stages.append(stage)
            stage = stage.get("before", {})
        return stages[::-1]

    @property
    def photographs_seen(self) -> dict[str, int]:
        """How many photographs each style was painted on while it learned, one that came twice counted twice."""
        seen = self.training.get("photographs_seen")
        if isinstance(seen, dict):
            return {name: count for name, count in seen.items() if isinstance(count, int)}
        steps, batch = self.training.get("steps"), self.training.get("batch")
        if not isinstance(steps, int) or not isinstance(batch, int):
            return {}
        return {style.name: round(steps * batch / len(self.styles)) for style in self.styles}


class _Version(BaseModel):
    format: int


@dataclass(frozen=True, eq=False)
class StylePack:
    """A checked pack.

    styles       float32 [K, D], finite, read-only, rows in the order of `names`
    photograph   float32 [D], the vector that gives a picture back unpainted; None where the network has none
    """

    path: Path
    manifest: Manifest
    styles: NDArray[np.float32]
    photograph: NDArray[np.float32] | None = None

    @classmethod
    def load(cls, path: str | Path) -> "StylePack":
        """Check and read the folder or zip at `path`, all but the graph. Raises PackError."""
        path = Path(path)
        packfiles.measure(path)
        manifest = _parse_manifest(path, packfiles.read(path, MANIFEST))
        tensors = _read_tensors(path)
        styles, photograph = tensors.get("styles"), tensors.get("photograph")
        shape = (len(manifest.styles), manifest.style_size)
        if styles is None or not _is_finite(styles, shape):
            raise PackError(
                f"{path}: the styles in {WEIGHTS} are not the {shape[0]} x {shape[1]} finite float32 numbers that "
                f"{MANIFEST} promises; copy, download or train the pack again."
            )
        if photograph is not None and not _is_finite(photograph, shape[1:]):
            raise PackError(
                f"{path}: the vector of the photograph in {WEIGHTS} is not {shape[1]} finite float32 numbers; "
                "copy, download or train the pack again."
            )
        for array in (styles, photograph):
            if array is not None:
                array.setflags(write=False)
        return cls(path, manifest, styles, photograph)

    @property
    def name(self) -> str:
        """The pack's own name."""
        return self.manifest.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its styles."""
        return tuple(style.name for style in self.manifest.styles)

    @property
    def model(self) -> bytes:
        """The ONNX graph, read from disk at each use. Raises PackError where it is gone or asks for other files."""
        model = packfiles.read(self.path, GRAPH)
        refuse_external_data(model, self.path)
        return model

    @property
    def card(self) -> str:
        """The model card, Markdown; empty where the pack has none."""
        return packfiles.read(self.path, CARD).decode(errors="replace") if CARD in packfiles.measure(self.path) else ""

    @property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """All of model.safetensors, read from disk at each use. Raises PackError."""
        return _read_tensors(self.path)

    def vector(self, mix: Mapping[str, float], strength: float = 1.0) -> NDArray[np.float32]:
        """The style vector float32 [D] of a blend; weights are relative. Raises UnknownStyle, PackError.

        A `strength` below 1 moves it towards `photograph`, which it is at 0. Without one it stays.
        """
        for name in mix:
            if name not in self.names:
                raise UnknownStyle(f"the pack {self.name} has no style '{name}'; {_nearest(name, self.names)}.")
        weights = np.array(list(mix.values()), np.float64)
        if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights > 0).any()):
            raise PackError(f"the weights of a blend are 0 or more and one is above 0, not {dict(mix)}.")
        weights /= weights.max()  # so that even enormous weights have a finite sum
        rows = self.styles[[self.names.index(name) for name in mix]]
        blend: NDArray[np.float64] = weights / weights.sum() @ rows.astype(np.float64)
        if self.photograph is not None:
            blend = strength * blend + (1 - strength) * self.photograph
        return blend.astype(np.float32)


def refuse_external_data(model: bytes, path: str | Path) -> None:
    """Raise PackError if the ONNX graph `model` would have its runtime read further files; `path` is for the message.

    ONNX names such a file under the key "location". In protobuf a string follows its length, here 8, which is one byte
    of 8 or a longer spelling that ends in 0. Searching for that is shorter and safer than parsing the graph.
    """
    if re.search(rb"[\x08\x00]location", model):
        raise PackError(f"{path}: {GRAPH} asks for further files, which is unsafe; export it with its weights inside.")


def parse_mix(text: str) -> dict[str, float]:
    """ "a:0.6,b:0.4" to {"a": 0.6, "b": 0.4}; a weight left out is 1. Raises PackError."""
    mix: dict[str, float] = {}
    for item in text.split(","):
        name, weight = item.rsplit(":", 1) if ":" in item else (item, "1")
        try:
            number = float(weight)
        except ValueError:
            number = -1.0
        if not name.strip() or name.strip() in mix or not 0 <= number < inf:
            raise PackError(
                f"'{text}' is not a style; write NAME, or NAME:WEIGHT,NAME:WEIGHT where each weight "
                "is a number of 0 or more."
            )
        mix[name.strip()] = number
    if not any(mix.values()):
        raise PackError(f"'{text}' has no weight above 0; give one style more.")
    return mix


def bundled_folder() -> Path:
    """Where the packs that ship with murai are."""
    return Path(__file__).resolve().parent / "bundled"


def find_packs(folders: Iterable[Path], *, say: Say = silent) -> list[StylePack]:
    """The packs in `folders`, folder by folder, the lightest network first.

    Damaged ones are skipped, and `say` hears why. Raises PackError for a folder that cannot be read.
    """
    packs = []
    for folder in folders:
        found = []
        for path in _entries(folder):
            try:
                found.append(StylePack.load(path))
            except PackError as error:
                say(f"skipped a style pack: {error}")
        packs += sorted(found, key=lambda pack: (TIERS.index(pack.manifest.tier), pack.manifest.mac_per_pixel))
    return packs


def find_style(
    text: str, folders: Iterable[Path], *, tier: str | None = None, say: Say = silent
) -> tuple[StylePack, dict[str, float]]:
    """The pack and the mix that a user means by `text`.

    `text` is NAME, PACK/NAME, PATH/NAME, a PACK or the PATH of one (its first style), or a blend inside one pack:
    NAME:W,NAME:W. What exists on disk is a path, a bare name only where no style and no pack is called so. The first
    folder wins; in a folder the lightest network, of `tier` where it is given. Raises UnknownStyle, PackError.
    """
    place, mix = _split(text)
    packs = [StylePack.load(place)] if isinstance(place, Path) else find_packs(folders, say=say)
    matches = [p for p in packs if place in ("", p.name, p.path) and set(mix) <= set(p.names)]
    if not matches and (named := [p for p in packs if p.name == text]):
        matches, mix = named, {}
    if not matches and os.path.exists(os.path.join(text, MANIFEST)):
        matches, mix = [StylePack.load(text)], {}
    if not matches:
        raise UnknownStyle(_unknown(text, mix, packs))
    fitting = [p for p in matches if tier in (None, p.manifest.tier)]
    if not fitting:
        tiers = ", ".join(sorted({p.manifest.tier for p in matches}, key=TIERS.index))
        raise UnknownStyle(f"the style '{text}' is not there in the tier {tier}; ask for one that has it: {tiers}.")
    return fitting[0], mix or {fitting[0].names[0]: 1.0}


def write_pack(
    path: str | Path,
    manifest: Manifest,
    model: bytes,
    tensors: Mapping[str, NDArray[Any]],
    files: Mapping[str, bytes] | None = None,
    *,
    overwrite: bool = False,
) -> StylePack:
    """Write a pack, a zip where `path` ends in .zip, else a folder. It appears whole and checked, or not at all.

    `files` are README.md and preview*.jpg. Raises PackError, also where `path` exists and `overwrite` is False.
    """
    arrays = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    contents = {MANIFEST: manifest.model_dump_json(indent=2).encode(), GRAPH: model, WEIGHTS: safetensors.save(arrays)}
    return _place(Path(path), contents | dict(files or {}), overwrite)


def add_pack(path: str | Path, folder: str | Path, *, overwrite: bool = False) -> StylePack:
    """Check the pack at `path` and copy it to `folder`/its name. Raises PackError."""
    pack = StylePack.load(path)
    return _place(Path(folder) / pack.name, _contents(pack), overwrite)


def export_pack(pack: StylePack, file: str | Path, *, overwrite: bool = False) -> StylePack:
    """Write `pack` as the zip `file`. Raises PackError."""
    if Path(file).suffix != ".zip":
        raise PackError(f"a pack is exported as a zip; call the file {file}.zip.")
    if not Path(file).absolute().parent.is_dir():
        raise PackError(f"there is no folder {Path(file).absolute().parent} for the zip; make it first.")
    return _place(Path(file), _contents(pack), overwrite)


def remove_pack(name: str, folder: str | Path) -> None:
    """Delete the pack `name` from `folder`, damaged or not. Raises PackError for a bundled pack, UnknownStyle."""
    folder = Path(folder)
    entries = [] if folder.resolve() == bundled_folder() else _entries(folder)
    found = [p for p in entries if p.name in (name, f"{name}.zip") and (p.is_file() or (p / MANIFEST).exists())]
    found = found or [pack.path for pack in find_packs([folder]) if pack.name == name and pack.path in entries]
    if found:
        packfiles.remove(found[0])
    elif name in (pack.name for pack in find_packs([bundled_folder()])):
        raise PackError(f"the pack {name} ships with murai and cannot be removed.")
    else:
        raise UnknownStyle(f"there is no pack '{name}' in {folder}; {_nearest(name, [p.stem for p in entries])}.")


def _is_finite(array: NDArray[Any], shape: tuple[int, ...]) -> bool:
    return array.dtype == np.float32 and array.shape == shape and bool(np.isfinite(array).all())


def _contents(pack: StylePack) -> dict[str, bytes]:
    return {name: packfiles.read(pack.path, name) for name in packfiles.measure(pack.path)}


def _place(target: Path, files: Mapping[str, bytes], overwrite: bool) -> StylePack:
    refuse_external_data(files[GRAPH], target)
    packfiles.place(target, files, check=StylePack.load, overwrite=overwrite)
    return StylePack.load(target)


def _split(text: str) -> tuple[str | Path, dict[str, float]]:
    """Where to look (a pack's path, a pack's name, or "" for anywhere) and the mix (empty: the first style)."""
    if not NAME.fullmatch(text) and os.path.exists(text):
        return Path(text), {}
    items = [(*item.rpartition("/")[::2], weight) for item, weight in parse_mix(text).items()]
    mix = {name: weight for _, name, weight in items}
    places = {place for place, _, _ in items if place}
    if len(places) > 1 or len(mix) < len(items):
        raise PackError(f"'{text}' names several packs or a style twice; a blend stays inside one pack.")
    place = next(iter(places), "")
    if place and (os.path.isfile(place) or os.path.exists(os.path.join(place, MANIFEST))):
        return Path(place), mix
    if place and not NAME.fullmatch(place):
        raise UnknownStyle(f"there is no style pack at {text}; give the path of a pack, or the name of a style.")
    return place, mix


def _unknown(text: str, mix: Mapping[str, float], packs: list[StylePack]) -> str:
    names = {name for pack in packs for name in pack.names}
    if len(mix) > 1 and set(mix) <= names:
        return f"no pack has all the styles of '{text}'; a blend stays inside one pack."
    wrong = text if len(mix) < 2 else next(name for name in mix if name not in names)
    return f"there is no style '{wrong}'; {_nearest(wrong, names | {f'{p.name}/{n}' for p in packs for n in p.names})}."


def _nearest(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    if near := difflib.get_close_matches(name, known, cutoff=0.5):
        return f"the nearest are {', '.join(near)}" if len(near) > 1 else f"the nearest is {near[0]}"
    if not known:
        return "there are none, and 'murai styles add PACK' adds some"
    return f"there are {', '.join(known[:LISTED])}" + (", and more: murai styles list" if len(known) > LISTED else "")


def _entries(folder: Path) -> list[Path]:
    """What may be a pack in `folder`; other names are packs being written or taught."""
    with packfiles.disk(folder, "read"):
        paths = sorted(Path(folder).iterdir()) if folder.is_dir() else []
    return [p for p in paths if p.suffix == ".zip" or (p.is_dir() and NAME.fullmatch(p.name))]


def _parse_manifest(path: Path, data: bytes) -> Manifest:
    try:
        version = _Version.model_validate_json(data).format
        if version != FORMAT:
            raise PackError(
                f"{path} is a pack of format {version} and this murai reads format {FORMAT}; "
                f"{'update murai' if version > FORMAT else 'train or download the pack again'}."
            )
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise PackError(f"{path}: {MANIFEST} is damaged at {where} ({first['msg']}); get the pack again.") from error


def _read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    data = packfiles.read(path, WEIGHTS)
    try:
        return safetensors.load(data)
    # KeyError and ValueError: types and shapes that numpy cannot hold.
    except (SafetensorError, KeyError, ValueError) as error:
        raise PackError(f"{path}: {WEIGHTS} is damaged ({error}); get the pack again.") from error
