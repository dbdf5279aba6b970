"""From an architecture to the graph in a pack: a picture and weights in, coefficients out, checked against torch."""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from murai.errors import TrainError
from murai.nets.base import StylizationNetwork
from murai.nets.graph import StyleGraph

RunGraph = Callable[[bytes, NDArray[np.uint8], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Runs a graph in float32: (model, image [h, w, 3], style [D]) -> strokes [h, w, 3], matrix [h / 2, w / 2, 9]."""

TOLERANCE = 0.02
"""By how much the exported graph's coefficients may differ from torch: 0.02 is less than 3 levels of 255."""


def export_onnx(network: StylizationNetwork, run: RunGraph) -> bytes:
    """The ONNX graph of `network`, whose weights are an input, with dynamic height and width.

    Raises TrainError where `run`, the runtime that will paint with it, does not find what torch finds.
    """
    model = to_onnx(network)
    _check(model, network, run)
    return model


def to_onnx(network: StylizationNetwork) -> bytes:
    """The ONNX graph of `network`, unchecked."""
    graph = StyleGraph(network.cpu().float()).eval().requires_grad_(False)
    example = torch.zeros(1, 72, 88, 3, dtype=torch.uint8), network.vector()
    height, width = (torch.export.Dim(name, min=1) for name in ("height", "width"))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            input_names=["image", "style"],
            output_names=["strokes", "matrix"],
            dynamic_shapes=({1: 2 * height, 2: 2 * width}, {}),
            optimize=False,  # takes half a minute, and OpenVINO does it again
            verbose=False,
        )
    assert program is not None
    model: bytes = _without_notes(program.model_proto).SerializeToString()
    return model


def _without_notes(model: Any) -> Any:
    """`model` without what the exporter notes for debugging: stack traces, which name the folders of this machine."""
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return model


def _check(model: bytes, network: StylizationNetwork, run: RunGraph) -> None:
    rng, style, graph = np.random.default_rng(0), network.vector(), StyleGraph(network)
    for height, width in ((64, 48), (38, 52), (2, 2)):
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        found = run(model, image, style.numpy())
        with torch.no_grad():
            wanted = graph(torch.from_numpy(image[None]), style)
        for ours, theirs in zip(found, wanted, strict=True):
            worst = float(np.abs(ours - theirs[0].numpy()).max()) if ours.shape == theirs.shape[1:] else np.inf
            if not worst <= TOLERANCE:
                raise TrainError(f"the exported graph differs from torch by {worst:g}; please report this.")
