"""Graph rewrites that let a CPU see what FP16 storage does to a network."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference

from engines.errors import PrecisionError
from engines.graph.draft import Draft
from engines.graph.shapes import outline

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_BATCH = 4
"""Face images run at a time: with every optimisation off, activations take most of the memory."""


def emulate_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a graph of FP32 operators that rounds to FP16 every tensor the model declares FP16.

    Raises:
        PrecisionError: The type of a tensor cannot be inferred.
    """
    types = _element_types(model)
    draft = Draft(model)
    graph = draft.model.graph
    del graph.value_info[:], graph.node[:]
    for name, weights in draft.tensors.items():
        if weights.data_type == TensorProto.FLOAT16:
            draft.store(name, draft.values(name).astype(np.float32))
    for node in model.graph.node:
        graph.node.extend(_rounded(node, types))
    return draft.finished()


def run_with_peaks(
    model: onnx.ModelProto, inputs: NDArray[np.float32], threads: int = 1
) -> tuple[tuple[NDArray[np.float32], ...], dict[str, float]]:
    """
    Return a network's outputs, and the largest absolute value of every float tensor on the way.

    Args:
        model: FP32 network.
        inputs: (N, ...) float32 prepared face images.
        threads: ONNX Runtime threads.
    """
    types = _element_types(model)
    names = [
        name
        for node in model.graph.node
        for name in node.output
        if types.get(name) == TensorProto.FLOAT
    ]
    batches = _run_batches(_tapped(model, names), inputs, threads)
    count = len(model.graph.output)
    outputs = tuple(np.concatenate(parts) for parts in list(zip(*batches, strict=True))[:count])
    peaks = np.max([[float(value) for value in batch[count:]] for batch in batches], axis=0)
    return outputs, {name: float(peak) for name, peak in zip(names, peaks, strict=True)}


def run_graph(
    model: onnx.ModelProto, inputs: NDArray[np.float32], threads: int = 1
) -> tuple[NDArray[np.float32], ...]:
    """
    Run a graph in batches with every optimisation off, so that no cast is fused away.

    Args:
        model: A graph with one input and any number of outputs, each with a row for each image.
        inputs: (N, ...) float32.
        threads: ONNX Runtime threads.
    """
    batches = _run_batches(model, inputs, threads)
    return tuple(np.concatenate(outputs) for outputs in zip(*batches, strict=True))


class EmulatedNetwork:
    """A network that computes as half precision would, opened once for many runs."""

    def __init__(self, half: onnx.ModelProto, threads: int = 1) -> None:
        """
        Open it.

        Args:
            half: From `half_precision`.
            threads: ONNX Runtime threads.

        Raises:
            PrecisionError: See `emulate_half`.
        """
        self._session = _session(emulate_half(half), threads)

    @property
    def engine(self) -> str:
        """Return what this stands for."""
        return "ONNX Runtime, fp16 emulated"

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Return the outputs of (N, ...) float32 inputs, in the order of the graph."""
        return tuple(self._session.run(None, {self._session.get_inputs()[0].name: inputs}))

    def close(self) -> None:
        """Nothing is held that others wait for."""


def _run_batches(
    model: onnx.ModelProto, inputs: NDArray[np.float32], threads: int
) -> list[list[NDArray[np.float32]]]:
    session = _session(model, threads)
    del model
    feed, size = session.get_inputs()[0], _batch_size(session.get_inputs()[0].shape[0])
    return [
        session.run(None, {feed.name: inputs[start : start + size]})
        for start in range(0, len(inputs), size)
    ]


def _session(model: onnx.ModelProto, threads: int) -> "InferenceSession":
    """Open a graph with every optimisation off, so that no cast is fused away."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False
    with TemporaryDirectory(prefix="edge-gate-") as scratch:
        file = Path(scratch) / "network.onnx"  # a session would hold content that it is given
        file.write_bytes(model.SerializeToString())
        del model
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _batch_size(declared: int | str | None) -> int:
    return declared if isinstance(declared, int) else _BATCH


def _element_types(model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(outline(model)).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    unknown = [
        f"{name!r} of {node.op_type}"
        for node in graph.node
        for name in node.output
        if name and not types.get(name)
    ]
    if unknown:
        raise PrecisionError(
            f"the type of tensor {unknown[0]} cannot be inferred: export the network to standard "
            "ONNX operators"
        )
    return types


def _widen(tensor: onnx.TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT16:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _rounded(node: onnx.NodeProto, types: dict[str, int]) -> list[onnx.NodeProto]:
    """Return the node in FP32, then a rounding cast pair for each FP16 output."""
    wide = onnx.NodeProto()
    wide.CopyFrom(node)
    for attribute in wide.attribute:
        _widen(attribute.t)
        if wide.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
            attribute.i = TensorProto.FLOAT
    nodes = [wide]
    for index, name in enumerate(node.output):
        if types.get(name) != TensorProto.FLOAT16:
            continue
        wide.output[index] = f"{name}/exact"
        nodes.append(
            helper.make_node("Cast", [f"{name}/exact"], [f"{name}/half"], to=TensorProto.FLOAT16)
        )
        nodes.append(helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT))
    return nodes


def _tapped(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """Return the model with one more scalar output for each tensor, its largest magnitude."""
    draft = Draft(model)
    graph = draft.model.graph
    for name in names:
        graph.node.append(helper.make_node("Abs", [name], [f"{name}/abs"]))
        graph.node.append(
            helper.make_node("ReduceMax", [f"{name}/abs"], [f"{name}/peak"], keepdims=0)
        )
        graph.output.append(helper.make_tensor_value_info(f"{name}/peak", TensorProto.FLOAT, []))
    return draft.finished()
