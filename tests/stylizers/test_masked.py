"""Two styles at once, with real packs, the real runtime and networks that find something."""

import numpy as np
import pytest

from murai.controls import Controls
from murai.errors import PackError, UnknownStyle
from murai.packs import StylePack
from murai.stylizers import open_stylizer
from murai.stylizers.masked import Masked, Segmentation, Still
from murai.stylizers.openvino import OpenVINOStylizer
from murai.stylizers.repertoire import Repertoire
from tests.packs_support import STYLES, make_pack, paint, vector

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
LEFT = np.zeros((24, 32, 3), np.uint8)
LEFT[:, :16] = 255


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs")
    pack = StylePack.load(make_pack(folder / "tiny", "tiny", tuple(STYLES)))
    repertoire = Repertoire([pack], pack, lambda pack: OpenVINOStylizer(pack, precision="f32"))
    return repertoire, open_stylizer("warm", folders=[folder], precision="f32")


def wanted(style):
    return paint(IMAGE, vector(style))


def near(painted, exact):
    """Equal but for rounding."""
    return np.abs(painted.astype(int) - exact).max() <= 1


def red_finder(path, first=True, maps=1, kind=None, inputs=1):
    """A network that finds red, as ONNX: [1, 3, H, W], or [1, H, W, 3], to `maps` maps."""
    onnx = pytest.importorskip("onnx", reason="the network is made with onnx, which is in murai[train]")
    h, t = onnx.helper, onnx.TensorProto
    shape = [1, 3, "h", "w"] if first else [1, "h", "w", 3]
    axis = 1 if first else 3
    name = {1: "sliced", 2: "both"}[maps]
    ports = [h.make_tensor_value_info(f"picture{n or ''}", kind or t.FLOAT, shape) for n in range(inputs)]
    nodes = [h.make_node("Slice", ["picture", "start", "end", "axis"], ["sliced"])]
    if maps == 2:
        nodes += [
            h.make_node("Sub", ["one", "sliced"], ["rest"]),
            h.make_node("Concat", ["rest", "sliced"], ["both"], axis=axis),
        ]
    values = {"start": np.array([0]), "end": np.array([1]), "axis": np.array([axis]), "one": np.float32(1)}
    graph = h.make_graph(
        nodes,
        "red",
        ports,
        [h.make_tensor_value_info(name, kind or t.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    path.write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)]).SerializeToString())
    return path


def test_each_style_paints_its_side(parts):
    masked = Masked(*parts, Still(LEFT))
    masked.use(Controls(mix={"tiny/night": 1.0}))
    painted = masked(IMAGE)
    assert near(painted[:, :16], wanted("warm")[:, :16])
    assert near(painted[:, 16:], wanted("night")[:, 16:])
    assert "warm inside the mask" in masked.about
    assert masked.network_seconds == sum(part.network_seconds for part in parts)


def test_the_style_outside_is_played_and_the_one_inside_stays(parts):
    masked = Masked(*parts, Still(LEFT))
    masked.use(Controls(mix={"tiny/invert": 1.0}))
    assert near(masked(IMAGE)[:, 16:], wanted("invert")[:, 16:])
    masked.use(Controls(mix={"tiny/night": 1.0}, strength=0.0))
    assert np.array_equal(masked(IMAGE), IMAGE)
    with pytest.raises(UnknownStyle):
        masked.use(Controls(mix={"tiny/nobody": 1.0}))
    assert masked.names == parts[0].names


def test_boldness_holds_for_both(parts):
    masked = Masked(*parts, Still(LEFT))
    masked.use(Controls(mix={"tiny/night": 1.0}, boldness=1.0))
    painted = masked(IMAGE)
    assert near(painted[:, :16], paint(IMAGE, vector("warm", 1.0))[:, :16])
    assert near(painted[:, 16:], paint(IMAGE, vector("night", 1.0))[:, 16:])


def test_where_nothing_is_inside_one_style_paints_all(parts):
    masked = Masked(*parts, Still(np.zeros_like(IMAGE)))
    masked.use(Controls(mix={"tiny/night": 1.0}))
    assert near(masked(IMAGE), wanted("night"))
    masked(IMAGE)
    assert masked.network_seconds == parts[0].network_seconds > 0


def test_one_work_size_for_both(parts):
    masked = Masked(*parts, Still(LEFT))
    masked.size = (16, 12)
    masked.prepare(32, 24)
    assert parts[1].size == (16, 12)
    masked.size = None


def test_a_mask_is_stretched_to_every_picture():
    mask = Still(LEFT[:6, ::4])
    for shape in ((24, 32, 3), (48, 20, 3), (24, 32, 3)):
        found = mask(np.zeros(shape, np.uint8))
        assert found.shape == shape[:2]
        assert found.dtype == np.uint8
        assert found[:, : shape[1] // 2 - shape[1] // 8].min() > 250
        assert found[:, shape[1] // 2 + shape[1] // 8 :].max() < 5


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("maps", [1, 2])
def test_a_network_finds_the_mask(tmp_path, first, maps):
    find = Segmentation(red_finder(tmp_path / "red.onnx", first, maps))
    image = np.zeros((90, 160, 3), np.uint8)
    image[:, 80:, 0] = 255
    image[:, :, 1] = 255
    mask = find(image)
    assert mask.shape == (90, 160)
    assert mask[:, :76].max() < 5
    assert mask[:, 84:].min() > 250


def test_networks_that_find_nothing_are_refused(tmp_path, tiny_pack):
    onnx = pytest.importorskip("onnx")
    (tmp_path / "none.onnx").write_bytes(b"no network")
    for path in (
        tmp_path / "none.onnx",
        tiny_pack / "model.onnx",
        red_finder(tmp_path / "double.onnx", kind=onnx.TensorProto.DOUBLE),
        red_finder(tmp_path / "two.onnx", inputs=2),
    ):
        with pytest.raises(PackError, match=path.name):
            Segmentation(path)
