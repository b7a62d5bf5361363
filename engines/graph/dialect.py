"""
One dialect of ONNX out of those that exporters speak, so that all that follows knows only one.

Local functions are inlined, the operator set is brought into the range known here, and numbers of
16 or 64 bits become float32.
"""

import functools

import numpy as np
import onnx
from onnx import TensorProto, helper, inliner, numpy_helper, version_converter

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.trial import tried

OLDEST = 7
"""Older operator sets broadcast by attributes; they are converted to `CONVERTED`."""
CONVERTED = 13
"""What operator sets older than `OLDEST` become."""

OTHER_FLOATS = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})

_RESULT_TYPES = {"to", "dtype", "output_dtype"}
"""Attributes of Cast, EyeLike and DequantizeLinear that name the type of the result."""


@functools.cache
def newest_operator_set() -> int:
    """Return the newest operator set that both onnx and ONNX Runtime here know."""
    version = int(onnx.defs.onnx_opset_version())
    while version > OLDEST and not _opens(version):
        version -= 1
    return version


def _opens(version: int) -> bool:
    source, target = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy")
    body = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", [source], [target])
    opsets = [helper.make_opsetid("", version)]
    return tried(helper.make_model(body, opset_imports=opsets, ir_version=8), []) is not None


def operator_set(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators; 1 where the file states none."""
    return next((each.version for each in model.opset_import if each.domain in {"", "ai.onnx"}), 1)


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its local functions written out; itself where it has none."""
    if not model.functions:
        return model
    plain = inliner.inline_local_functions(model)
    used = {node.domain for node in plain.graph.node} | {""}
    kept = [each for each in plain.opset_import if each.domain in used]
    del plain.opset_import[:]
    plain.opset_import.extend(kept)
    return plain


def convert_operator_set(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return the model in an operator set known here; itself where it is in one already.

    Raises:
        NetworkError: It cannot be converted.
    """
    found, newest = operator_set(model), newest_operator_set()
    if OLDEST <= found <= newest:
        return model
    wanted = CONVERTED if found < OLDEST else newest
    try:
        return version_converter.convert_version(model, wanted)
    except (RuntimeError, ValueError, version_converter.ConvertError) as error:
        raise NetworkError(
            f"operator set {found}; {OLDEST} to {newest} are known here, and onnx cannot convert "
            f"it: export it again with torch.onnx.export(..., opset_version={min(newest, 18)})"
        ) from error


def widen_floats(model: onnx.ModelProto) -> None:
    """Make a network that holds or takes FP16, BF16 or FP64 a float32 one, in place."""
    ends = [each.type.tensor_type for each in (*model.graph.input, *model.graph.output)]
    held = (each.data_type for each in graph.tensors(model))
    found = OTHER_FLOATS & {*held, *(each.elem_type for each in ends)}
    if not found:
        return
    for tensor in graph.tensors(model):
        if tensor.data_type in found:
            _widen(tensor)
    for end in ends:
        if end.elem_type in found:
            end.elem_type = TensorProto.FLOAT
    for attribute in (each for node in model.graph.node for each in node.attribute):
        if attribute.name in _RESULT_TYPES and attribute.i in found:
            attribute.i = TensorProto.FLOAT
    del model.graph.value_info[:]
    _drop_idle_casts(model)


def _widen(tensor: TensorProto) -> None:
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as infinite
        wide = numpy_helper.to_array(tensor).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))


def _drop_idle_casts(model: onnx.ModelProto) -> None:
    """Remove casts to float32 of what is float32 already: they part layers that belong together."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = (*inferred.input, *inferred.value_info)
    floats = {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    outputs, sources = ({v.name for v in ends} for ends in (model.graph.output, model.graph.input))
    renamed: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        source, target = node.input[0] if node.input else "", node.output[0]
        idle = node.op_type == "Cast" and graph.attributes(node)["to"] == TensorProto.FLOAT
        if not idle or source not in floats:
            kept.append(node)
        elif target not in outputs:
            renamed[target] = renamed.get(source, source)
        elif source in sources | outputs | renamed.keys():
            kept.append(node)
        else:
            renamed = {name: target if to == source else to for name, to in renamed.items()}
            renamed[source] = target
    for node in kept:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    del model.graph.node[:]
    model.graph.node.extend(kept)
