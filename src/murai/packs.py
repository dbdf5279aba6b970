"""Style packs: learned styles on disk, read without trusting them; finding, adding, removing and exporting them.

A pack is a folder or a zip, flat, of these files; others are ignored:

    pack.json           the `Manifest`
    model.onnx          image uint8 [1, h, w, 3], even sides, and style float32 [D] to how to paint it: strokes
                        float32 [1, h, w, 3] and matrix float32 [1, h / 2, w / 2, 9], see `nets.base.Coefficients`
    model.safetensors   `styles` float16 [K, E, D]: all weights of the network, for each style in the manifest's order,
                        and for each of its ends, the faithful one first and the bold one last
    README.md           the model card (optional)
    preview*.jpg        (optional)

Nothing in a pack is code, and no size that a pack claims is believed: files are measured before they are read.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from murai import packfiles
from murai.controls import BOLDNESS
from murai.errors import PackError, Say, UnknownStyle, silent
from murai.packfiles import GRAPH, MANIFEST, WEIGHTS

FORMAT = 2
Tier = Literal["light", "fast", "fine", "johnson"]
CARD = "README.md"
LISTED = 12
"""Names in a message, at most."""
TIERS: tuple[Tier, ...] = get_args(Tier)
"""From the lightest network to the heaviest."""
USUAL: Tier = "fast"
"""What paints where nobody asks for a tier."""

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

    version   of its calculation: the same weights paint differently with another
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

    format: Literal[2] = 2
    name: Name
    tier: Tier
    architecture: Architecture
    style_size: int = Field(ge=1)
    ends: Literal[1, 2] = 2
    mac_per_pixel: float = Field(ge=0)
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

    def stages(self, name: str) -> list[dict[str, Any]]:
        """What the pack says of each time the style `name` learned, the first at the head; it may say anything."""
        styles = self.training.get("styles")
        found = styles.get(name) if isinstance(styles, dict) else None
        return [stage for stage in found if isinstance(stage, dict)] if isinstance(found, list) else []

    @property
    def photographs_seen(self) -> dict[str, int]:
        """How many photographs each style was painted on while it learned, one that came twice counted twice."""
        seen = self.training.get("photographs_seen")
        return {name: count for name, count in seen.items() if isinstance(count, int)} if isinstance(seen, dict) else {}


class _Version(BaseModel):
    format: int


@dataclass(frozen=True, eq=False)
class StylePack:
    """A checked pack. `styles` is float16 [K, E, D], finite, read-only, rows in the order of `names`."""

    path: Path
    manifest: Manifest
    styles: NDArray[np.float16]
    _widened: dict[str, NDArray[np.float32]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def load(cls, path: str | Path) -> "StylePack":
        """Check and read the folder or zip at `path`, all but the graph. Raises PackError."""
        path = Path(path)
        packfiles.measure(path)
        manifest = _parse_manifest(path, packfiles.read(path, MANIFEST))
        styles = _read_tensors(path).get("styles")
        shape = (len(manifest.styles), manifest.ends, manifest.style_size)
        if styles is None or styles.dtype != np.float16 or styles.shape != shape or not _is_finite(styles):
            raise PackError(
                f"{path}: the styles in {WEIGHTS} are not the {shape[0]} x {shape[1]} x {shape[2]} finite numbers of "
                f"16 bits that {MANIFEST} promises; copy, download or train the pack again."
            )
        styles.setflags(write=False)
        return cls(path, manifest, styles)

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

    def vector(self, mix: Mapping[str, float], boldness: float = BOLDNESS) -> NDArray[np.float32]:
        """The style float32 [D] of a blend; weights are relative. Raises UnknownStyle, PackError.

        `boldness` is the way from the faithful end of every style, 0, to the bold one, 1. Both are interpolated weight
        by weight (Wang et al. 2019).
        """
        for name in mix:
            if name not in self.names:
                raise UnknownStyle(f"the pack {self.name} has no style '{name}'; {_nearest(name, self.names)}.")
        weights = np.array(list(mix.values()), np.float64)
        if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights > 0).any()):
            raise PackError(f"the weights of a blend are 0 or more and one is above 0, not {dict(mix)}.")
        if not 0 <= boldness <= 1:
            raise PackError(f"the boldness is between 0 and 1, not {boldness:g}.")
        weights /= weights.max()  # so that even enormous weights have a finite sum
        weights /= weights.sum()
        blend = np.zeros(self.manifest.style_size, np.float32)
        for name, weight in zip(mix, weights, strict=True):
            ends = self._ends(name)
            for end, share in zip((ends[0], ends[-1]), (1 - boldness, boldness), strict=True):
                if weight * share:
                    blend += np.float32(weight * share) * end
        return blend

    def _ends(self, name: str) -> NDArray[np.float32]:
        """The ends [E, D] of a style, kept: a fade asks at every picture, and to widen numbers takes most of it."""
        if name not in self._widened:
            self._widened[name] = self.styles[self.names.index(name)].astype(np.float32)
        return self._widened[name]


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
    """The packs in `folders`, folder by folder: those of the usual tier first, then the lightest network.

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
        packs += sorted(found, key=_rank)
    return packs


def _rank(pack: StylePack) -> tuple[bool, int, float]:
    tier = pack.manifest.tier
    return tier != USUAL, TIERS.index(tier), pack.manifest.mac_per_pixel


def find_style(
    text: str, folders: Iterable[Path], *, tier: str | None = None, say: Say = silent
) -> tuple[StylePack, dict[str, float]]:
    """The pack and the mix that a user means by `text`.

    `text` is NAME, PACK/NAME, PATH/NAME, a PACK or the PATH of one (its first style), or a blend inside one pack:
    NAME:W,NAME:W. What exists on disk is a path, a bare name only where no style and no pack is called so. The first
    folder wins; in a folder the order of `find_packs`, of `tier` where it is given. Raises UnknownStyle, PackError.
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
    styles: NDArray[np.float16],
    files: Mapping[str, bytes] | None = None,
    *,
    overwrite: bool = False,
) -> StylePack:
    """Write a pack, a zip where `path` ends in .zip, else a folder. It appears whole and checked, or not at all.

    `files` are README.md and preview*.jpg. Raises PackError, also where `path` exists and `overwrite` is False.
    """
    weights = safetensors.save({"styles": np.ascontiguousarray(styles)})
    contents = {MANIFEST: manifest.model_dump_json(indent=2).encode(), GRAPH: model, WEIGHTS: weights}
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


def _is_finite(numbers: NDArray[np.float16]) -> bool:
    """Whether no exponent is all ones: a hundred times as fast as np.isfinite, which widens every number."""
    return bool((numbers.view(np.uint16) & 0x7C00 != 0x7C00).all())


def _read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    data = packfiles.read(path, WEIGHTS)
    try:
        return safetensors.load(data)
    # KeyError and ValueError: types and shapes that numpy cannot hold.
    except (SafetensorError, KeyError, ValueError) as error:
        raise PackError(f"{path}: {WEIGHTS} is damaged ({error}); get the pack again.") from error
