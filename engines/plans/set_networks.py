"""
Networks that are no pair, made ready for TensorRT: a detector's, each with inputs of its own.

What is known of each is its file and the inputs that occur; what it computes is for its owner.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.batch_norm import folded_batch_norm
from engines.graph.constants import fold_constants
from engines.graph.frozen_shapes import open_shapes
from engines.graph.half_precision import half_precision
from engines.graph.onnx_file import read_onnx
from engines.graph.prelu import in_prelu_form
from engines.graph.shapes import inferred_shapes, state_shape
from engines.graph.trial import tried
from engines.plans.builder.typing_mode import Typing
from engines.plans.half_pair import NetworkFile, PreparedNetwork, Sizes, prepared
from engines.plans.options import PlanOptions
from engines.plans.planned_detector import SetNetwork
from engines.tensorrt.profile import ShapeProfile
from engines.tensorrt.sidecar import TensorDescription

Shapes = Sequence[tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class ReadNetwork:
    """A network in FP32, its constants folded and its axes open."""

    name: str
    file: NetworkFile
    sizes: Sizes


def read_set_network(network: SetNetwork, options: PlanOptions) -> ReadNetwork:
    """
    Read a network and open those axes of its input that its shapes vary.

    Raises:
        NetworkError: No readable ONNX file with one input, or it does not take these shapes.
    """
    model, sha256 = read_onnx(network.file)
    if len(model.graph.input) != 1:
        names = ", ".join(each.name for each in model.graph.input)
        raise NetworkError(f"{network.file}: one input is needed, it has {names}")
    fold_constants(model)
    model, _ = folded_batch_norm(model)
    try:
        _open_batch(model, network.shapes)
        sizes = _open_axes(model, network.shapes)
    except NetworkError as error:
        raise NetworkError(f"{network.file}: {error}") from error
    return ReadNetwork(
        network.name, NetworkFile(in_prelu_form(model, options.prelu), sha256), sizes
    )


def prepare_set(
    networks: Sequence[SetNetwork],
    options: PlanOptions,
    typing: Typing,
    full: Container[str] = (),
) -> Iterator[PreparedNetwork]:
    """
    Yield every network as TensorRT shall parse it; each is read when it is asked for.

    Args:
        networks: The set.
        options: Precision and form of PRelu.
        typing: As the library offers it.
        full: Names of networks that stay in FP32, whatever the options say.

    Raises:
        NetworkError: See `read_set_network`.
        PrecisionError: FP16 does not hold the weights.
    """
    for network in networks:
        # Which nodes stay in FP32 was said of the pair's network.
        own = replace(options, keep_fp32=None)
        if network.name in full:
            own = replace(own, precision="fp32")
        read = read_set_network(network, own)
        yield prepared(read.name, read.file, own, typing, read.sizes)


def half_set(
    networks: Sequence[SetNetwork], options: PlanOptions
) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Yield the name of each network and its FP16 form; raises as `prepare_set` does."""
    for network in networks:
        read = read_set_network(network, options)
        model = read.file.model
        yield read.name, half_precision(model, clamp_budget=options.clamp_budget).model


def _open_batch(model: onnx.ModelProto, shapes: ShapeProfile) -> None:
    """Let constants that hold a batch of one follow the batch."""
    stated = graph.dimensions(model.graph.input[0]) or ()
    if stated[:1] != (1,) or shapes.largest[0] == 1:
        return
    row = shapes.usual[1:]
    one, two = (inferred_shapes(model, (count, *row)) for count in (1, 2))
    while open_shapes(model, one, two):
        one, two = (inferred_shapes(model, (count, *row)) for count in (1, 2))
    graph.drop_unused_initializers(model)


def _open_axes(model: onnx.ModelProto, shapes: ShapeProfile) -> Sizes:
    """State input and outputs as they vary, in place; they are tried."""
    source, outputs = model.graph.input[0], model.graph.output
    del model.graph.value_info[:]
    state_shape(source, _stated(source.name, shapes.smallest, shapes.largest))
    for output in outputs:
        output.type.tensor_type.ClearField("shape")
    feeds = [{source.name: np.zeros(shape, np.float32)} for shape in shapes.all]
    runs = tried(model, feeds)
    if runs is None:
        raise NetworkError(f"does not take inputs of {', '.join(map(str, shapes.all))}")
    described = []
    for output, *arrays in zip(outputs, *runs, strict=True):
        found = [array.shape for array in arrays]
        if [len(shape) for shape in found] != [len(found[0])] * 3 or any(
            shape[0] != taken[0] for shape, taken in zip(found, shapes.all, strict=True)
        ):
            raise NetworkError(f"output {output.name!r} has no row for each input")
        state_shape(output, _stated(output.name, found[0], found[-1]))
        described.append(_described(output.name, found))
    return Sizes(shapes, tuple(described))


def _stated(name: str, least: tuple[int, ...], most: tuple[int, ...]) -> list[int | str]:
    """One number for an axis that never varies, a name for one that does."""
    axes = zip(least, most, strict=True)
    return [one if one == other else f"{name}_{at}" for at, (one, other) in enumerate(axes)]


def _described(name: str, found: Shapes) -> TensorDescription:
    row = ShapeProfile(smallest=found[0], usual=found[1], largest=found[2]).row
    varies = -1 in row
    return TensorDescription(name=name, shape=row, largest=found[2] if varies else None)
