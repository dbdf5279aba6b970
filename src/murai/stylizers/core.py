"""OpenVINO itself, once for the whole process. The only file that imports it."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

# OpenVINO reports its own import over the network through this package, unless the package is missing. None says it is.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
import openvino as ov  # noqa: E402
from openvino import opset13 as op  # noqa: E402

from murai.errors import PackError  # noqa: E402

__all__ = ["core", "op", "ov", "prepared", "read_graph", "reason"]


@cache
def core() -> Any:
    """OpenVINO's core, which is never given up.

    Its CPU plugin makes memory of its own the alternate signal stack of the thread that loads it, and frees that memory
    when the last core goes. Where another thread lets go of it the first is left with a stack that is gone, and the
    next Ctrl-C is a segmentation fault.
    """
    return ov.Core()


def read_graph(graph: bytes | Path, name: str | Path, advice: str) -> Any:
    """The graph as a model, from ONNX bytes or a file; `name` and `advice` are for the message. Raises PackError."""
    try:
        return core().read_model(graph)
    except RuntimeError as error:
        raise PackError(f"{name} is no ONNX graph that OpenVINO can read ({reason(error)}); {advice}.") from error


def prepared(model: Any, precision: str, **settings: Any) -> Any:
    """An infer request for `model` on the CPU, which calculates in `precision`. Raises RuntimeError."""
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision, **settings}
    return core().compile_model(model, "CPU", hints).create_infer_request()


def reason(error: RuntimeError) -> str:
    """What OpenVINO complains of: of its many lines the last says most."""
    return str(error).strip().rpartition("\n")[2].strip()
