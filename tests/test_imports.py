"""Which way imports run."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "murai"

LAYERS = (
    {"errors"},
    {"frame", "controls", "devices", "nets", "mailbox", "stats", "packfiles", "pictures", "database"},
    {"parts", "timeline", "recording", "packs"},
    {"previews", "stylizers", "sources", "sinks", "train"},
    {"pipeline", "kept"},
    {"stage", "control", "publish", "farm"},
    {"web"},
    {"booth", "measure"},
    {"console", "__init__"},  # the package itself: its public names and its version
    {"cli", "__main__"},
)
LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}

CARD_EDGES = ("sources/card.py", "sinks/card.py", "sinks/interop.py")
"""Where pictures come onto a card and leave it."""

# Distributions whose import name is not their own name.
IMPORT_NAMES = {
    "cuda-core": "cuda",
    "imgui-bundle": "imgui_bundle",
    "mastodon-py": "mastodon",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "python-multipart": "multipart",
    "python-osc": "pythonosc",
    "python-rtmidi": "rtmidi",
}


class Import(NamedTuple):
    file: str  # sources/file.py
    module: str  # av, murai.frame
    top: bool  # runs when the file is imported
    typing: bool  # inside `if TYPE_CHECKING`

    @property
    def part(self) -> str:
        return self.file.split("/")[0].removesuffix(".py")

    @property
    def root(self) -> str:
        return self.module.split(".")[0]


def _imports(path: Path) -> Iterator[Import]:
    file = path.relative_to(SOURCE).as_posix()
    package = ["murai", *path.relative_to(SOURCE).parts[:-1]]

    def walk(node: ast.AST, top: bool, typing: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(file, alias.name, top, typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])] if node.level else []
            module = ".".join(base) or node.module or ""
            for alias in node.names:  # `from murai.sources import file` imports a module, `import Frame` a name
                is_module = module.split(".")[0] == "murai" and _file_of(f"{module}.{alias.name}")
                yield Import(file, f"{module}.{alias.name}" if is_module else module, top, typing)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        checking = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for child in ast.iter_child_nodes(node):
            yield from walk(child, top and not function, typing or checking)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True, False)


def _file_of(module: str) -> Path | None:
    place = SOURCE.joinpath(*module.split(".")[1:])
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for path in sorted(SOURCE.rglob("*.py")) for found in _imports(path))


def declared(*groups: list[str]) -> set[str]:
    """The import names of the distributions in these lists of pyproject.toml."""
    texts = [text for group in groups for text in group]
    names = {re.split(r"[\s\[<>=!~;]", text.strip())[0].lower().replace(".", "-") for text in texts}
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names} - {"murai"}


def project() -> tuple[list[str], dict[str, list[str]]]:
    """The base libraries, and the extras."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table["dependencies"], table["optional-dependencies"]


def test_the_walk_sees_the_imports() -> None:
    assert Import("pipeline.py", "murai.frame", True, False) in imports()
    assert len(imports()) > 30


def test_every_part_has_a_layer() -> None:
    parts = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    unknown = parts - LAYER.keys() - {"__init__", "__main__", "__pycache__", "bundled"}
    assert not unknown, f"say in LAYERS where these stand: {sorted(unknown)}"


def test_imports_between_the_parts_go_down_only() -> None:
    edges = set()
    for found in imports():
        words = found.module.split(".")
        if words[0] != "murai" or found.part in ("__init__", "__main__"):  # these two may import anything
            continue
        target = words[1] if len(words) > 1 else "__init__"
        if target != found.part and LAYER.get(target, len(LAYERS)) >= LAYER[found.part]:
            edges.add(f"{found.file} imports {found.module}")
    assert not edges, "these imports do not go down:\n" + "\n".join(sorted(edges))


def test_packs_know_names_and_shapes_but_no_network() -> None:
    assert not [found for found in imports() if found.part == "packs" and found.module.startswith("murai.nets")]


def test_no_file_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for found in imports():
        path = _file_of(found.module) if found.root == "murai" and found.top else None
        if path and not found.typing:
            graph[found.file].add(path.relative_to(SOURCE).as_posix())
    done: set[str] = set()

    def visit(file: str, trail: tuple[str, ...]) -> None:
        assert file not in trail, "a cycle: " + " -> ".join((*trail, file))
        if file not in done:
            for target in sorted(graph[file] - {file}):
                visit(target, (*trail, file))
            done.add(file)

    for file in sorted(graph):
        visit(file, ())


def test_torch_is_loaded_only_by_the_networks_the_training_and_what_paints_on_a_card() -> None:
    loads = [found for found in imports() if found.root == "torch" and found.top and not found.typing]
    on_a_card = ("stylizers/cuda.py", "stylizers/tensors.py", "stylizers/batches.py", "measure/card.py", *CARD_EDGES)
    strangers = sorted({found.file for found in loads if found.part not in ("nets", "train")} - {*on_a_card})
    assert not strangers, f"torch is imported at module level by {strangers}"


def test_the_frame_path_never_speaks_of_torch() -> None:
    frame_path = ("sources/", "sinks/", "stylizers/openvino.py", "packs.py", "pipeline.py", "parts.py", "recording.py")
    files = {found.file for found in imports() if found.root == "torch"}
    assert not [file for file in files if file.startswith(frame_path) and file not in CARD_EDGES]
    assert "cuda" not in (SOURCE / "pipeline.py").read_text(encoding="utf-8").lower()


def test_an_optional_library_is_imported_by_one_file_only() -> None:
    base, extras = project()
    optional = declared(*(group for name, group in extras.items() if name != "dev"))
    optional -= declared(base) | {"torch"}  # torch has its own rule above
    optional -= {"starlette"}  # pages are written with it in several places, and served in one
    assert "onnx" in optional
    users: dict[str, set[str]] = defaultdict(set)
    for found in imports():
        users[found.root].add(found.file)
    shared = {library: sorted(users[library]) for library in optional if len(users[library]) > 1}
    assert not shared, f"more than one file imports {shared}"


def test_every_library_that_is_imported_is_declared() -> None:
    base, extras = project()
    known = declared(base, *extras.values()) | set(sys.stdlib_module_names) | {"murai"}
    unknown = sorted({f"{found.file} imports {found.module}" for found in imports() if found.root not in known})
    assert not unknown, "not in pyproject.toml:\n" + "\n".join(unknown)
