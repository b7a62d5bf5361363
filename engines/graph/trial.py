"""Try a graph on the CPU that may not run at all."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

Feed = dict[str, NDArray[np.float32]]


def tried(model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[list[NDArray[np.generic]]] | None:
    """
    Return a graph's outputs for each of several inputs, computed as it is written.

    Args:
        model: With any number of inputs and outputs.
        feeds: Inputs by name; none only opens the graph.

    Returns:
        A list for each of the feeds; None where ONNX Runtime refuses to open or to run it.
    """
    import onnxruntime  # noqa: PLC0415 -- its layer lies above this one

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    cpu = ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=cpu)
        return [session.run(None, feed) for feed in feeds]
    except Exception:  # noqa: BLE001 -- its exceptions have no common base, and any is an answer
        return None
