from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.nets import build  # noqa: E402
from murai.nets.graph import StyleGraph  # noqa: E402
from murai.stylizers.openvino import OpenVINORuntime  # noqa: E402
from murai.train.export import TOLERANCE, export_onnx  # noqa: E402

SMALL = {"affine": {"widths": (4, 8, 8), "blocks": (1, 1)}, "johnson": {"width": 4, "blocks": 1}}


def run_graph(model, image, style):
    return OpenVINORuntime(model, precision="f32").coefficients(image, style)


@pytest.fixture(scope="module", params=SMALL)
def exported(request):
    """A random network, its graph, and another style than the one it was exported with."""
    torch.manual_seed(0)
    network = build(request.param, **SMALL[request.param])
    model = export_onnx(network, run_graph)
    vector = network.vector()
    return network, model, vector + 0.05 * torch.randn_like(vector)


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (34, 70), (64, 48), (90, 160)])
def test_the_graph_finds_what_torch_finds_at_any_even_size_and_in_any_style(exported, size):
    network, model, style = exported
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = StyleGraph(network)(torch.from_numpy(image[None]), style)
    found = run_graph(model, image, style.numpy())
    assert [each.shape for each in found] == [(*size, 3), (size[0] // 2, size[1] // 2, 9)]
    for ours, theirs in zip(found, wanted, strict=True):
        assert np.abs(ours - theirs[0].numpy()).max() <= TOLERANCE


def test_a_runtime_that_finds_something_else_is_found_out():
    def wrong(model, image, style):
        height, width = image.shape[:2]
        return np.ones((height, width, 3), np.float32), np.ones((height // 2, width // 2, 9), np.float32)

    with pytest.raises(TrainError, match="differs from torch"):
        export_onnx(build("affine", **SMALL["affine"]), wrong)


def test_a_runtime_that_changes_the_size_is_found_out():
    def smaller(model, image, style):
        strokes, matrix = run_graph(model, image, style)
        return strokes[:, :-1], matrix

    with pytest.raises(TrainError, match="differs from torch"):
        export_onnx(build("affine", **SMALL["affine"]), smaller)


def test_exporting_leaves_the_network_as_it_was(exported):
    network, _, _ = exported
    torch.manual_seed(0)
    again = build(type(network).__name__.lower(), **SMALL[type(network).__name__.lower()])
    assert torch.equal(network.vector(), again.vector())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_graph_tells_nothing_of_the_machine_it_was_made_on(exported):
    _, model, _ = exported
    assert not any(trace in model for trace in (b'File "', b".py", str(Path.home()).encode() + b"/", b"site-packages"))
