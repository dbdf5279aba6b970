"""A tiny real style pack, made without torch: one matrix for all pixels, and strokes that hear of the pixels around."""

import json

import numpy as np
import pytest

from murai.packs import BOLDNESS, Manifest, Style, write_pack
from murai.stylizers import compose

SIZE = 12
"""Numbers of a style: the matrix, by painted and photographed colour, then the strokes."""
HEARD = 0.25
"""The share of a 3 x 3 blur of the picture in the strokes."""
STYLES = {
    "invert": (
        [-1, 0, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0],
        [-1.5, 0, 0, 0, -1.5, 0, 0, 0, -1.5, 0, 0, 0],
    ),
    "warm": (
        [0.5, 0.25, 0, 0, 0.25, 0, 0, 0.125, 0, 0.25, 0, -0.25],
        [1, 0.75, 0, 0, 0.75, 0, 0, 0.25, 0, 0.75, 0, -0.75],
    ),
    "night": (
        [0.125, 0, 0, 0, 0.125, 0, 0, 0, 0.5, -0.25, -0.25, 0.125],
        [0.125, 0, 0, 0, 0.125, 0, 0.25, 0, 1, -0.75, -0.5, 0.25],
    ),
}
"""The faithful end and the bold one, in numbers that 16 bits hold."""


def vector(name, boldness=BOLDNESS):
    """The style float32 [12] of that name."""
    faithful, bold = np.array(STYLES[name], np.float32)
    return (1 - np.float32(boldness)) * faithful + np.float32(boldness) * bold


def tiny_graph(*, external=None, drop=(), style_size=SIZE, image_type=None, crop=False):
    """The ONNX graph as bytes. The arguments spoil it: weights in the file `external`, nodes left out, other ports."""
    onnx = pytest.importorskip("onnx", reason="the tiny pack is made with onnx, which is in murai[train]")
    h, numpy_helper, t = onnx.helper, onnx.numpy_helper, onnx.TensorProto
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[range(3), range(3)] = HEARD / 9
    constants = {
        "kernel": kernel,
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "half": np.float32(127.5),
        "one": np.float32(1),
        "nothing": np.float32(0),
        "parts": np.array([9, 3]),
        "starts": np.array([0, 0, 0]),
        "ends": np.array([1 << 30, 1 << 30, 1]),
        "axes": np.array([1, 2, 3]),
        "steps": np.array([2, 2, 1]),
    }
    nodes = [
        h.make_node("Cast", ["image"], ["levels"], to=t.FLOAT),
        h.make_node("Div", ["levels", "half"], ["doubled"]),
        h.make_node("Sub", ["doubled", "one"], ["pixels"]),
        h.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        h.make_node("Pad", ["planes", "pads"], ["padded"], mode="edge"),
        h.make_node("Conv", ["padded", "kernel"], ["blurred"], strides=[2, 2] if crop else [1, 1]),
        h.make_node("Transpose", ["blurred"], ["heard"], perm=[0, 2, 3, 1]),
        h.make_node("Split", ["style", "parts"], ["mixing", "stroke"], axis=0),
        h.make_node("Add", ["heard", "stroke"], ["strokes"]),
        h.make_node("Slice", ["pixels", "starts", "ends", "axes", "steps"], ["cells"]),
        h.make_node("Mul", ["cells", "nothing"], ["black"]),
        h.make_node("Add", ["black", "mixing"], ["matrix"]),
    ]
    graph = h.make_graph(
        [node for node in nodes if node.op_type not in drop],
        "tiny",
        [
            h.make_tensor_value_info("image", image_type or t.UINT8, [1, "height", "width", 3]),
            h.make_tensor_value_info("style", t.FLOAT, [style_size]),
        ],
        [
            h.make_tensor_value_info("strokes", t.FLOAT, [1, "rows", "columns", 3]),
            h.make_tensor_value_info("matrix", t.FLOAT, [1, "half_rows", "half_columns", 9]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    if external:
        weights = graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = t.EXTERNAL
        for key, value in (("location", external), ("offset", "0"), ("length", str(kernel.nbytes))):
            entry = weights.external_data.add()
            entry.key, entry.value = key, value
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10).SerializeToString()


def coefficients(image, style):
    """What the graph finds for one picture and a style [12], in numpy: strokes [h, w, 3] and the matrix [3, 3]."""
    padded = np.pad(image / 127.5 - 1, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    blurred = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    return HEARD * blurred + style[9:], np.reshape(style[:9], (3, 3))


def paint(image, style, size=None, strength=1.0):
    """The painting of a picture in a style [12], in numpy, with what is found at `size` (width, height)."""
    height, width = image.shape[:2]
    small = compose.shrink(image, *(size or compose.work_size(width, height, None, 1.0)))
    strokes, matrix = coefficients(small, style)
    painted = 1.1 * np.tanh((image / 127.5 - 1) @ matrix.T + enlarged(strokes, height, width))
    levels = np.clip(127.5 * (painted + 1), 0, 255)
    return np.floor(image + strength * (levels - image) + 0.5).astype(np.uint8)


def enlarged(values, height, width):
    """`values` [h, w, C] at `height` x `width`, bilinearly."""
    for axis, pixels in enumerate((height, width)):
        count = values.shape[axis]
        place = np.clip((np.arange(pixels) + 0.5) * count / pixels - 0.5, 0, count - 1)
        before = place.astype(int)
        share = np.expand_dims(place - before, [other for other in range(3) if other != axis])
        after = np.minimum(before + 1, count - 1)
        values = (1 - share) * values.take(before, axis) + share * values.take(after, axis)
    return values


def tiny_manifest(name="tiny", names=("invert", "warm"), **changes):
    """The manifest of a tiny pack."""
    fields = {
        "name": name,
        "tier": "fast",
        "architecture": {"name": "tiny", "arguments": {}},
        "style_size": SIZE,
        "mac_per_pixel": 27.0,
        "styles": [Style(name=n, title=n.title(), artist="Nobody") for n in names],
    }
    return Manifest(**(fields | changes))


def tiny_styles(names=("invert", "warm"), ends=2):
    """The styles float16 [K, E, 12] of a tiny pack."""
    return np.array([STYLES[name][:ends] for name in names], np.float16)


def make_pack(path, name="tiny", names=("invert", "warm"), *, model=None, files=None, **changes):
    """Write a tiny pack at `path`, a folder or a zip, with the named styles of `STYLES`; gives the path."""
    manifest = tiny_manifest(name, names, **changes)
    styles = tiny_styles(names, manifest.ends)
    write_pack(path, manifest, tiny_graph() if model is None else model, styles, files or {"README.md": b"# tiny\n"})
    return path


def rewrite(pack, **changes):
    """Change fields of pack.json."""
    file = pack / "pack.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
