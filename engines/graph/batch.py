"""Leave the batch size of an embedding network open, where the exporter froze it."""

from collections.abc import Sequence

import numpy as np
import onnx

from engines.amounts import amount
from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.frozen_shapes import Shapes, batch_axis, open_shapes
from engines.graph.shapes import Shape, inferred_shapes, state_shape
from engines.graph.trial import tried
from engines.quality.preprocess import input_axes
from engines.quality.specification import InputSpecification

EXPORT_OPEN = "torch.onnx.export(..., dynamic_axes={'input': {0: 'batch'}})"

SAME_EMBEDDING = 1e-4
"""Of its length, an embedding may differ in a batch: another order of float32 sums."""


def open_batch(
    model: onnx.ModelProto, specification: InputSpecification, embedding_length: int | None
) -> int:
    """
    Make the first axis of input and output open, in place, and return the embedding length.

    A frozen batch hides in the stated shapes of input and output, in those of the tensors between
    (dropped: libraries infer them anew), and in constants; see `frozen_shapes`. Where it cannot be
    opened the batch is stated as one, and the network runs face by face.

    Raises:
        NetworkError: The output is not (N, D), D is not the stated embedding length, or a batch
            of several faces cannot be opened.
    """
    source, target = model.graph.input[0], model.graph.output[0]
    axes = input_axes(specification)
    frozen = (graph.dimensions(source) or (None,))[0] or 1
    one = inferred_shapes(model, (frozen, *axes))
    found = _output_shape(model, one.get(target.name), (frozen, *axes))
    length = _embedding_length(found, embedding_length)
    two = inferred_shapes(model, (2 * frozen, *axes))
    while open_shapes(model, one, two):
        one = inferred_shapes(model, (frozen, *axes))
        two = inferred_shapes(model, (2 * frozen, *axes))
    graph.drop_unused_initializers(model)
    del model.graph.value_info[:]
    state_shape(source, ("batch", *axes))
    state_shape(target, ("batch", length))
    if not _is_open(model, one, two, frozen):
        if frozen != 1:
            raise NetworkError(
                f"its batch is frozen to {amount(frozen, 'face')}; export it again for one face, "
                f"or with an open batch: {EXPORT_OPEN}"
            )
        state_shape(source, (1, *axes))
        state_shape(target, (1, length))
    return length


def _is_open(model: onnx.ModelProto, one: Shapes, two: Shapes, frozen: int) -> bool:
    """Return whether a face gets the same embedding in any batch: proven by shapes, or tried."""
    proven = _grows(model, one, two)
    return (
        _same_in_any_batch(model, one[model.graph.input[0].name], frozen)
        if proven is None
        else proven
    )


def _grows(model: onnx.ModelProto, one: Shapes, two: Shapes) -> bool | None:
    """Return whether all that is computed from the image grows with the batch; None if unknown."""
    image, unknown = {model.graph.input[0].name}, False
    for node in model.graph.node:
        if node.op_type in {"Shape", "Size"} or not image & set(node.input):
            continue
        for name in filter(None, node.output):
            image.add(name)
            shapes = one.get(name), two.get(name)
            if None in shapes or any(None in (shape or ()) for shape in shapes):
                unknown = True
            elif batch_axis(*shapes) is None:
                return False
    return None if unknown else True


def _same_in_any_batch(model: onnx.ModelProto, shape: Shape, frozen: int) -> bool:
    """Run a few random faces in batches of the frozen size, and all at once."""
    sizes = (3 * frozen, *(axis or 1 for axis in shape[1:]))
    faces = np.random.default_rng(0).normal(size=sizes).astype(np.float32)
    name = model.graph.input[0].name
    runs = tried(model, [{name: each} for each in (*np.split(faces, 3), faces)])
    if runs is None:
        return False
    parts, together = np.concatenate([run[0] for run in runs[:3]]), runs[3][0]
    if parts.shape != together.shape:
        return False
    off = np.linalg.norm(parts - together, axis=1)
    return bool((off <= SAME_EMBEDDING * np.linalg.norm(parts, axis=1)).all())


def _output_shape(
    model: onnx.ModelProto, inferred: Shape | None, shape: Sequence[int]
) -> Shape | None:
    """Return the output's shape: inferred, else as it is when run, else as the file claims."""
    if inferred is not None and None not in inferred[1:]:
        return inferred
    runs = tried(model, [{model.graph.input[0].name: np.zeros(shape, np.float32)}])
    return graph.dimensions(model.graph.output[0]) if runs is None else runs[0][0].shape


def _embedding_length(shape: Shape | None, promised: int | None) -> int:
    if shape is not None and len(shape) != 2:
        raise NetworkError(f"its output is {shape}, not (N, D) embeddings")
    found = promised if shape is None else shape[1] or promised
    if found is None:
        raise NetworkError("its embedding length is stated nowhere: write it into its entry")
    if promised == 1 != found:
        raise NetworkError(f"its output is {found} values long, a quality is one")
    if promised not in {None, found}:
        raise NetworkError(
            f"its output is {found} values long, the entry says {promised}: write "
            f"'embedding_length: {found}' there"
        )
    return found
