"""
Compute once, at loading, what does not depend on the image.

Exporters write weights behind Identity, Transpose, Cast, DequantizeLinear or the product with a
mask. Afterwards every constant is an initializer, the one place where folding, pruning and
counting look.
"""

import math

import numpy as np
import onnx
from onnx import numpy_helper

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.trial import tried

LARGEST_BYTES = 256 << 20
"""A tensor that would be larger stays computed: no layer in use has a fifth of that in weights."""
SMALL_BYTES = 1 << 20
"""Inputs up to this are computed from even where the result's size cannot be told before."""

RANDOM = frozenset(
    {
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
)
"""Operators whose result is another one each time."""


def fold_constants(model: onnx.ModelProto) -> None:
    """
    Turn everything that follows from constants alone into initializers, in place.

    ONNX Runtime computes it, as it would have while running. What it cannot compute, what is
    random, and what would be larger than `LARGEST_BYTES` stays a node.

    Raises:
        NetworkError: A constant stored as a sparse one is larger than that.
    """
    known = _with_dense(model)
    kept = []
    for node in model.graph.node:
        found = _computed(model, node, known) if _is_constant(node, known) else None
        if found is None:
            kept.append(node)
        else:
            known.update(found)
    if len(kept) == len(model.graph.node) and len(known) == len(model.graph.initializer):
        return  # nothing to fold, and no copy of all weights
    read = {name for node in kept for name in node.input}
    read.update(output.name for output in model.graph.output)
    stored = graph.initializers(model).keys()
    computed = [each for name, each in known.items() if name in read and name not in stored]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    graph.drop_unused_initializers(model)
    model.graph.initializer.extend(computed)


def _with_dense(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Return the constants by name, those stored as sparse ones among them."""
    sparse = {
        each.values.name: _dense(each, each.values.name) for each in model.graph.sparse_initializer
    }
    del model.graph.sparse_initializer[:]
    return graph.initializers(model) | sparse


def _dense(sparse: onnx.SparseTensorProto, name: str) -> onnx.TensorProto:
    shape = tuple(sparse.dims)
    values, places = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    if math.prod(shape) * values.itemsize > LARGEST_BYTES:
        raise NetworkError(f"sparse constant {name!r} of shape {shape} is too large to be a weight")
    dense = np.zeros(shape, values.dtype)
    if places.ndim == 1:
        dense.reshape(-1)[places] = values
    else:
        dense[tuple(places.T)] = values
    return numpy_helper.from_array(dense, name)


def _is_constant(node: onnx.NodeProto, known: dict[str, onnx.TensorProto]) -> bool:
    if node.op_type in RANDOM or (not node.input and node.op_type != "Constant"):
        return False
    if any(each.HasField("g") or each.graphs for each in node.attribute):
        return False
    return all(name in known for name in node.input if name)


def _computed(
    model: onnx.ModelProto, node: onnx.NodeProto, known: dict[str, onnx.TensorProto]
) -> dict[str, onnx.TensorProto] | None:
    """Return a node's outputs by name; None where it has to stay."""
    if node.op_type == "Constant" and (stated := _stated(node)) is not None:
        return {node.output[0]: stated}
    alone = _alone(model, node, [known[name] for name in dict.fromkeys(node.input) if name])
    if not _is_small(alone):
        return None
    outputs = tried(alone, [{}])
    if outputs is None or not all(isinstance(each, np.ndarray) for each in outputs[0]):
        return None
    names = (name for name in node.output if name)
    return {
        name: numpy_helper.from_array(array, name)
        for name, array in zip(names, outputs[0], strict=True)
    }


def _stated(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """Return the tensor that a Constant node holds; None where it holds plain numbers."""
    written, name = graph.attributes(node), node.output[0]
    if "sparse_value" in written:
        return _dense(written["sparse_value"], name)
    if "value" not in written:
        return None
    stated = onnx.TensorProto()
    stated.CopyFrom(written["value"])
    stated.name = name
    return stated


def _alone(
    model: onnx.ModelProto, node: onnx.NodeProto, inputs: list[onnx.TensorProto]
) -> onnx.ModelProto:
    """Return a model of one node with its inputs inside."""
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    body = onnx.helper.make_graph([node], "one node", [], outputs, inputs)
    return onnx.helper.make_model(
        body, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4)
    )


def _is_small(alone: onnx.ModelProto) -> bool:
    """Tell the outputs' sizes before anything is computed: one node can ask for any memory."""
    try:
        inferred = onnx.shape_inference.infer_shapes(alone, data_prop=True).graph.output
    except onnx.shape_inference.InferenceError:
        return False
    sizes = [_bytes_of(each) for each in inferred]
    told = [size for size in sizes if size is not None]
    small = len(told) == len(sizes) or alone.ByteSize() <= SMALL_BYTES
    return small and all(size <= LARGEST_BYTES for size in told)


def _bytes_of(value: onnx.ValueInfoProto) -> int | None:
    shape, kind = value.type.tensor_type.shape, value.type.tensor_type.elem_type
    stated = value.type.tensor_type.HasField("shape") and all(
        axis.HasField("dim_value") for axis in shape.dim
    )
    if not stated or not kind:
        return None
    width = onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize
    return math.prod(axis.dim_value for axis in shape.dim) * width
