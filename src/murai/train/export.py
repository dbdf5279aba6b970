"""From a taught network to the graph in a pack: uint8 pictures in and out, any size, checked against torch."""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from murai.errors import TrainError
from murai.nets import plain_copy
from murai.nets.base import StylizationNetwork
from murai.nets.pixels import PixelGraph

RunGraph = Callable[[bytes, NDArray[np.uint8], NDArray[np.float32]], NDArray[Any]]
"""Runs a graph in float32: (model, image [N, H, W, 3], style [N, D]) -> painted [N, H, W, 3]."""

TOLERANCE = 1
"""Levels of 255 by which the exported graph may differ from torch: a value halfway between two may round either way."""


def export_onnx(network: StylizationNetwork, run: RunGraph) -> bytes:
    """The ONNX graph of `network` with dynamic N, H and W.

    Raises TrainError where `run`, the runtime that will paint with it, does not paint what torch paints.
    """
    model = to_onnx(network)
    _check(model, PixelGraph(plain_copy(network)).eval(), network, run)
    return model


def to_onnx(network: StylizationNetwork) -> bytes:
    """The ONNX graph of `network` with dynamic N, H and W, unchecked."""
    graph = PixelGraph(plain_copy(network)).eval()
    example = torch.zeros(2, 72, 88, 3, dtype=torch.uint8), network.styles[:1].detach().cpu().repeat(2, 1)
    batch, height, width = (torch.export.Dim(name, min=1) for name in ("batch", "height", "width"))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            input_names=["image", "style"],
            output_names=["painted"],
            dynamic_shapes=({0: batch, 1: height, 2: width}, {0: batch}),
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


def _check(model: bytes, graph: PixelGraph, network: StylizationNetwork, run: RunGraph) -> None:
    rng = np.random.default_rng(0)
    style = network.styles[-1:].detach().cpu()
    for shape in ((1, 64, 48, 3), (1, 37, 51, 3), (1, 1, 1, 3)):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        painted = run(model, image, style.numpy())
        with torch.no_grad():
            wanted = graph(torch.from_numpy(image), style).numpy()
        worst = int(np.abs(painted.astype(int) - wanted.astype(int)).max()) if painted.shape == wanted.shape else 256
        if worst > TOLERANCE:
            raise TrainError(f"the exported graph differs from torch by {worst} levels of 255; please report this.")
