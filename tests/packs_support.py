"""A tiny real style pack, made without torch: a 3 x 3 blur, then a scale and a shift for each colour."""

import json

import numpy as np
import pytest

from murai.packs import Manifest, Style, write_pack

STYLES = {
    "invert": [-1.0, -1.0, -1.0, 255.0, 255.0, 255.0],
    "warm": [1.0, 0.75, 0.5, 40.0, 10.0, 0.0],
    "night": [0.25, 0.25, 0.75, 0.0, 0.0, 40.0],
}
"""Scales of red, green and blue, then shifts in levels of 255."""


def tiny_graph(*, external=None, drop=(), style_size=6, image_type=None, crop=False):
    """The ONNX graph as bytes. The arguments spoil it: weights in the file `external`, nodes left out, other ports."""
    onnx = pytest.importorskip("onnx", reason="the tiny pack is made with onnx, which is in murai[train]")
    h, numpy_helper, t = onnx.helper, onnx.numpy_helper, onnx.TensorProto
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[range(3), range(3)] = 1 / 9
    constants = {
        "kernel": kernel,
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "axes": np.array([2, 3]),
        "low": np.float32(0),
        "high": np.float32(255),
    }
    nodes = [
        h.make_node("Cast", ["image"], ["float"], to=t.FLOAT),
        h.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        h.make_node("Pad", ["planes", "pads"], ["padded"], mode="edge"),
        h.make_node("Conv", ["padded", "kernel"], ["blurred"], strides=[2, 2] if crop else [1, 1]),
        h.make_node("Unsqueeze", ["style", "axes"], ["columns"]),
        h.make_node("Split", ["columns"], ["scale", "shift"], axis=1, num_outputs=2),
        h.make_node("Mul", ["blurred", "scale"], ["scaled"]),
        h.make_node("Add", ["scaled", "shift"], ["shifted"]),
        h.make_node("Round", ["shifted"], ["rounded"]),
        h.make_node("Clip", ["rounded", "low", "high"], ["clipped"]),
        h.make_node("Transpose", ["clipped"], ["pixels"], perm=[0, 2, 3, 1]),
        h.make_node("Cast", ["pixels"], ["painted"], to=t.UINT8),
    ]
    shape = ["batch", "height", "width", 3]
    graph = h.make_graph(
        [node for node in nodes if node.op_type not in drop],
        "tiny",
        [
            h.make_tensor_value_info("image", image_type or t.UINT8, shape),
            h.make_tensor_value_info("style", t.FLOAT, ["batch", style_size]),
        ],
        [h.make_tensor_value_info("painted", t.UINT8, ["batch", "rows", "columns", 3])],
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


def paint(image, style):
    """What the graph computes for one picture and one vector, in numpy."""
    padded = np.pad(image.astype(np.float32), ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    blurred = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    return np.clip(np.round(blurred * style[:3] + style[3:]), 0, 255).astype(np.uint8)


def tiny_manifest(name="tiny", names=("invert", "warm"), **changes):
    """The manifest of a tiny pack."""
    fields = {
        "name": name,
        "tier": "fast",
        "architecture": {"name": "tiny", "arguments": {}},
        "style_size": 6,
        "mac_per_pixel": 81.0,
        "parameters": 81,
        "styles": [Style(name=n, title=n.title(), artist="Nobody") for n in names],
    }
    return Manifest(**(fields | changes))


PHOTOGRAPH = np.array([1, 1, 1, 0, 0, 0], np.float32)
"""The vector that leaves a picture as it is, but for the blur."""


def make_pack(path, name="tiny", names=("invert", "warm"), *, model=None, files=None, photograph=None, **changes):
    """Write a tiny pack at `path`, a folder or a zip, with the named styles of `STYLES`; gives the path."""
    styles = np.array([STYLES[n] for n in names], np.float32)
    tensors = {"styles": styles, "kernel": np.full((3, 3), 1 / 9, np.float32)}
    if photograph is not None:
        tensors["photograph"] = photograph
    manifest = tiny_manifest(name, names, **changes)
    write_pack(path, manifest, tiny_graph() if model is None else model, tensors, files or {"README.md": b"# tiny\n"})
    return path


def rewrite(pack, **changes):
    """Change fields of pack.json."""
    file = pack / "pack.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
