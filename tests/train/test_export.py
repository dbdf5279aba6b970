from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.nets import build  # noqa: E402
from murai.nets.pixels import PixelGraph  # noqa: E402
from murai.stylizers.openvino import OpenVINORuntime  # noqa: E402
from murai.train.export import TOLERANCE, export_onnx  # noqa: E402

SMALL = {"compact": {"widths": (8, 8, 16), "blocks": (0, 1, 1)}, "johnson": {"width": 4, "blocks": 1}}


def run_graph(model, image, style):
    return OpenVINORuntime(model, precision="f32").run(image, style)


@pytest.fixture(scope="module", params=SMALL)
def exported(request):
    """A random network with strong styles, and its graph."""
    torch.manual_seed(0)
    network = build(request.param, styles=2, **SMALL[request.param])
    with torch.no_grad():
        network.styles += 0.5 * torch.randn_like(network.styles)
    return network, export_onnx(network, run_graph)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (33, 70), (64, 48), (90, 160)])
def test_the_graph_paints_what_torch_paints_at_any_size(exported, size):
    network, model = exported
    image = np.random.default_rng(1).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = PixelGraph(network)(torch.from_numpy(image), network.styles).numpy()
    painted = run_graph(model, image, network.styles.detach().numpy())
    assert painted.shape == (2, *size, 3)
    assert np.abs(painted.astype(int) - wanted.astype(int)).max() <= TOLERANCE


def test_a_runtime_that_paints_something_else_is_found_out():
    with pytest.raises(TrainError, match="differs from torch"):
        export_onnx(build("compact", **SMALL["compact"]), lambda model, image, style: np.zeros_like(image))


def test_a_runtime_that_changes_the_size_is_found_out():
    with pytest.raises(TrainError, match="differs from torch"):
        export_onnx(build("compact", **SMALL["compact"]), lambda model, image, style: image[:, :-1])


def test_exporting_leaves_the_network_as_it_was(exported):
    network, _ = exported
    again = build(type(network).__name__.lower(), styles=2, **SMALL[type(network).__name__.lower()])
    assert network.state_dict().keys() == again.state_dict().keys()


def test_the_graph_tells_nothing_of_the_machine_it_was_made_on(exported):
    _, model = exported
    assert not any(trace in model for trace in (b'File "', b".py", str(Path.home()).encode() + b"/", b"site-packages"))
