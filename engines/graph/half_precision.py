"""
FP16 for a network: convert what half precision holds, keep FP32 where a rounded value would tell.

The converter is ONNX Runtime's own (`onnxruntime.transformers.float16`, no torch). It clamps large
weights (older releases at 1e4) and raises small ones to a minimum instead of rounding them to zero,
without a word; so weights are rounded here first, counted, and its limits passed explicitly.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.amounts import amount
from engines.errors import PrecisionError
from engines.graph import graph
from engines.graph.draft import Draft, skeleton
from engines.graph.shapes import is_small, outline

LARGEST_HALF = 65504.0
"""Largest finite IEEE 754 binary16 value."""
SMALLEST_HALF = 5.96e-8
"""Smallest positive binary16 value (subnormal, 2^-24), as the converter accepts it."""

_LINEAR = frozenset({"Conv", "Gemm", "MatMul"})


@dataclass(frozen=True, slots=True)
class PrecisionReport:
    """What the conversion did to the weights; `kept` names nodes as `graph.layer_names` does."""

    clamped: int
    """Weights beyond 65504, now exactly 65504 in magnitude."""
    flushed: int
    """Non-zero weights too small for FP16 (below 2^-25), now zero."""
    half_weights: int
    """Weights stored in FP16."""
    full_weights: int
    """Weights kept in FP32."""
    kept: tuple[str, ...]
    """Names of the nodes computed in FP32."""


@dataclass(frozen=True, slots=True, eq=False)
class HalfNetwork:
    """A network whose inputs and outputs are FP32 and whose inside is FP16."""

    model: onnx.ModelProto
    report: PrecisionReport


def half_precision(
    model: onnx.ModelProto, keep: Iterable[str] | None = None, clamp_budget: int = 0
) -> HalfNetwork:
    """
    Return the network in FP16 with FP32 inputs and outputs.

    Args:
        model: FP32 network with one or more outputs; BatchNorm already folded (folding after the
            conversion multiplies in half precision and overflows where folding before does not).
        keep: Names of nodes to compute in FP32; by default the last linear layer before each
            output and everything after it (see `tail`).
        clamp_budget: Weights beyond 65504 that are tolerated, clamped and counted.

    Raises:
        PrecisionError: More weights than the budget exceed 65504, or `keep` names no node.
    """
    # The import takes a second and only builders need it.
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415
    from onnxruntime.transformers.onnx_model import OnnxModel  # noqa: PLC0415

    draft = Draft(model)
    named = draft.model
    _name_nodes(named, model)
    kept = tail(named) if keep is None else _known_nodes(named, keep)
    _split_shared_weights(draft, kept)
    halved = _half_reads(named, frozenset(kept))
    report = _report(draft, halved, kept)
    if report.clamped > clamp_budget:
        raise PrecisionError(
            f"{amount(report.clamped, 'weight exceeds', 'weights exceed')} {LARGEST_HALF:.0f}, "
            f"the largest FP16 value (budget {clamp_budget}): "
            "fold BatchNorm in FP32 first, or build with --precision fp32"
        )
    own = frozenset(node.name for node in named.graph.node)
    half = convert_float_to_float16(
        _outlined(draft),
        min_positive_val=SMALLEST_HALF,
        max_finite_val=LARGEST_HALF,
        keep_io_types=True,
        disable_shape_infer=True,
        node_block_list=list(kept),
    )
    _drop_round_trips(half, own)
    # The converter appends its casts behind the nodes that read them.
    ordered = OnnxModel(half)
    ordered.topological_sort()
    return HalfNetwork(_filled(ordered.model, draft, halved), report)


def _outlined(draft: Draft) -> onnx.ModelProto:
    """Return the graph for the converter: shapes inferred, and empty weights, which it copies."""
    model = skeleton(draft.model)
    model.graph.initializer.extend(
        each
        if is_small(each)
        else onnx.TensorProto(name=name, data_type=each.data_type, dims=each.dims)
        for name, each in draft.tensors.items()
    )
    inferred = onnx.shape_inference.infer_shapes(outline(model)).graph.value_info
    model = skeleton(draft.model)
    del model.graph.value_info[:]
    model.graph.value_info.extend(inferred)
    model.graph.initializer.extend(
        onnx.TensorProto(name=name, data_type=each.data_type, dims=[0])
        if each.data_type == onnx.TensorProto.FLOAT
        else each
        for name, each in draft.tensors.items()
    )
    return model


def _filled(half: onnx.ModelProto, draft: Draft, halved: frozenset[str]) -> onnx.ModelProto:
    """Give weights their values again, in the type that the converter chose."""
    filled = Draft(half)
    for name, tensor in filled.tensors.items():
        if name not in draft.tensors or draft.tensors[name].data_type != onnx.TensorProto.FLOAT:
            continue
        values = draft.values(name)
        if name in halved:
            values = _rounded(values).astype(np.float32)
        if tensor.data_type == onnx.TensorProto.FLOAT16:
            values = values.astype(np.float16)
        filled.store(name, values)
    return filled.finished()


def tail(model: onnx.ModelProto) -> tuple[str, ...]:
    """
    Return the nodes from the last linear layer before each output to the end, in graph order.

    That layer decides the embedding's direction and whatever follows it is a normalisation:
    ArcFace training computes both in FP32, and so do we.
    """
    producers = {name: node for node in model.graph.node for name in node.output}
    pending = [output.name for output in model.graph.output]
    found: set[str] = set()
    while pending:
        node = producers.get(pending.pop())
        if node is None or node.name in found:
            continue
        found.add(node.name)
        if node.op_type not in _LINEAR:
            pending.extend(node.input)
    return tuple(node.name for node in model.graph.node if node.name in found)


def with_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with one name for each node: the converter keeps nodes FP32 by name."""
    named = Draft(model)
    _name_nodes(named.model, model)
    return named.finished()


def _name_nodes(copy: onnx.ModelProto, model: onnx.ModelProto) -> None:
    for node, name in zip(copy.graph.node, graph.layer_names(model), strict=True):
        node.name = name


def _known_nodes(model: onnx.ModelProto, keep: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(keep)
    known = tuple(node.name for node in model.graph.node if node.name in wanted)
    missing = sorted(wanted.difference(known))
    if missing:
        raise PrecisionError(f"no node is named {', '.join(missing)}: name nodes of the ONNX file")
    return known


def _split_shared_weights(draft: Draft, kept: tuple[str, ...]) -> None:
    """
    Give FP32 nodes their own copy of weights that FP16 nodes also read.

    The converter would store such weights in FP16 once and cast them back for the FP32 node,
    which loses the precision that node was kept for.
    """
    names = frozenset(kept)
    half_reads = _half_reads(draft.model, names)
    copied: dict[str, str] = {}
    for node in draft.model.graph.node:
        for index, name in enumerate(node.input):
            if node.name in names and name in draft.tensors and name in half_reads:
                if name not in copied:
                    copied[name] = draft.add(f"{name}_fp32", draft.values(name))
                node.input[index] = copied[name]


def _drop_round_trips(model: onnx.ModelProto, own: frozenset[str]) -> None:
    """
    Remove FP32 -> FP16 -> FP32 casts between FP32 nodes and at the outputs.

    The converter puts a pair behind every FP32 node, also behind the last one, and so rounds the
    very embedding and shift that the FP32 tail was kept for. Casts among the network's own nodes
    are its author's and stay.
    """
    added = [node for node in model.graph.node if node.name not in own]
    casts = {node.output[0]: node for node in added}
    outputs = {output.name for output in model.graph.output}
    exact: dict[str, str] = {}
    for name, widening in casts.items():
        narrowing = casts.get(widening.input[0])
        if narrowing is not None:
            exact[name] = narrowing.input[0]
    # An output keeps its name, so there the tensor before the casts is renamed instead.
    renamed = {exact[name]: name for name in outputs if name in exact}
    for node in model.graph.node:
        node.input[:] = [renamed.get(n, n) for n in (exact.get(n, n) for n in node.input)]
        if node.output[0] not in exact:
            node.output[:] = [renamed.get(n, n) for n in node.output]
    _drop_dead(model, [node for node in added if node.output[0] in exact], added)
    del model.graph.value_info[:]


def _drop_dead(
    model: onnx.ModelProto, replaced: list[onnx.NodeProto], added: list[onnx.NodeProto]
) -> None:
    for node in replaced:
        model.graph.node.remove(node)
    used = graph.readers(model)
    for node in added:
        if not used[node.output[0]] and node not in replaced:
            model.graph.node.remove(node)


def _half_reads(model: onnx.ModelProto, kept: frozenset[str]) -> frozenset[str]:
    """Return the tensors that nodes computed in FP16 read."""
    half = (node for node in model.graph.node if node.name not in kept)
    return frozenset(name for node in half for name in node.input)


def _report(draft: Draft, halved: frozenset[str], kept: tuple[str, ...]) -> PrecisionReport:
    """Return what rounding to nearest does to every weight that will be stored in FP16."""
    sizes, clamped, flushed = {True: 0, False: 0}, 0, 0
    for name, tensor in draft.tensors.items():
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        weights = graph.values(tensor)
        sizes[name in halved] += weights.size
        if name in halved:
            clamped += int((np.abs(weights) > LARGEST_HALF).sum())
            flushed += int(((weights != 0) & (_rounded(weights) == 0)).sum())
    return PrecisionReport(clamped, flushed, sizes[True], sizes[False], kept)


def _rounded(weights: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.clip(weights, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)
