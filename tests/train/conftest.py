"""A loss network of random weights in VGG's shape and tiny networks: real code and real files, small numbers."""

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.nets import SIZES  # noqa: E402

REAL_SIZES = dict(SIZES)
TINY = {"widths": (4, 8, 8), "blocks": (1, 1)}
"""Arguments of the network of every tier but the largest, here."""
LARGER = {"widths": (8, 8, 12), "blocks": (2, 1)}

PROGRAM = """
from pathlib import Path
from murai.nets import SIZES
from murai.train import export
SIZES["fast"] = {tiny}
export.to_onnx = lambda network: Path({graph!r}).read_bytes()
from murai.cli import main
main()
"""
"""`murai` as a program of its own, with the tiny network and its graph."""


@pytest.fixture(scope="session", autouse=True)
def _tiny():
    """Networks of all tiers are tiny, and each graph is exported once: that takes longer than all else."""
    from murai.train import export

    export_graph, graphs = export.to_onnx, {}

    def once(network):
        key = type(network).__name__, *(parameter.shape for parameter in network.parameters())
        if key not in graphs:
            graphs[key] = export_graph(network)
        return graphs[key]

    with pytest.MonkeyPatch.context() as patch:
        for tier, arguments in {"light": TINY, "fast": TINY, "fine": LARGER}.items():
            patch.setitem(SIZES, tier, arguments)
        patch.setattr(export, "to_onnx", once)
        yield


@pytest.fixture(scope="session")
def program(_tiny, tmp_path_factory):
    """The file of `PROGRAM`."""
    from murai.nets import build
    from murai.train import export

    folder = tmp_path_factory.mktemp("program")
    (folder / "graph.onnx").write_bytes(export.to_onnx(build("affine", **TINY)))
    (folder / "murai_program.py").write_text(PROGRAM.format(tiny=TINY, graph=str(folder / "graph.onnx")))
    return folder / "murai_program.py"


def vgg_weights(blocks, width=4, seed=0, first=3):
    """State of a VGG with `blocks` convolutions a block and `width` channels everywhere, torchvision's keys."""
    generator = torch.Generator().manual_seed(seed)
    state, index, channels = {}, 0, first
    for count in blocks:
        for _ in range(count):
            state[f"features.{index}.weight"] = torch.randn(width, channels, 3, 3, generator=generator) * 0.3
            state[f"features.{index}.bias"] = torch.rand(width, generator=generator) * 0.1
            channels = width
            index += 2
        index += 1
    return state


def save_photo(path, size=(48, 40), seed=0):
    """A smooth coloured picture with an edge."""
    rng = np.random.default_rng(seed)
    x, y = np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1])[:, None]
    a, b, c = rng.random(3)
    picture = np.stack(
        [np.broadcast_to(v, (size[1], size[0])) for v in (a * x + y * 0, b * y + x * 0, c + 0 * x * y)], 2
    )
    picture = np.where((x > 0.5)[None, :, None], 1 - picture, picture)
    Image.fromarray((picture * 255).astype(np.uint8)).save(path)
    return path


def make_lessons(folder):
    """What a training needs, in `folder`: vgg19.safetensors, style.png and five photos."""
    from safetensors.torch import save_file

    save_file(vgg_weights((2, 2, 4, 4)), folder / "vgg19.safetensors")
    save_photo(folder / "style.png", size=(80, 60), seed=9)
    (folder / "photos").mkdir()
    for i in range(5):
        save_photo(folder / "photos" / f"{i}.png", seed=i)
    return folder


@pytest.fixture
def lessons(tmp_path):
    return make_lessons(tmp_path)


@pytest.fixture
def vgg19_file(lessons):
    return lessons / "vgg19.safetensors"


@pytest.fixture
def photo_folder(lessons):
    return lessons / "photos"


@pytest.fixture
def style_file(lessons):
    return lessons / "style.png"
