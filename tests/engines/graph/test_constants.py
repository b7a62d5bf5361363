import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import NetworkError
from engines.graph import constants, graph
from engines.graph.constants import fold_constants
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from engines.pruning.prune import prunable_weights
from tests.networks import TinyNetwork, face_network, specification, write

LAYERS = ("stem", "depthwise", "embedding_raw")


def _identity(array, name):
    return [numpy_helper.from_array(array, f"{name}0")], [
        helper.make_node("Identity", [f"{name}0"], [name])
    ]


def _transposed(array, name):
    axes = tuple(reversed(range(array.ndim)))
    stored = numpy_helper.from_array(np.ascontiguousarray(array.transpose(axes)), f"{name}0")
    return [stored], [helper.make_node("Transpose", [f"{name}0"], [name], perm=axes)]


def _half(array, name):
    stored = numpy_helper.from_array(array.astype(np.float16), f"{name}0")
    return [stored], [helper.make_node("Cast", [f"{name}0"], [name], to=TensorProto.FLOAT)]


def _integers(array, name):
    scale = np.float32(np.abs(array).max() / 127)
    parts = {
        f"{name}0": np.round(array / scale).astype(np.int8),
        f"{name}s": scale,
        f"{name}z": np.int8(0),
    }
    stored = [numpy_helper.from_array(np.asarray(each), key) for key, each in parts.items()]
    return stored, [helper.make_node("DequantizeLinear", list(parts), [name])]


def _masked(array, name):
    mask = np.ones_like(array)
    mask.reshape(-1)[::3] = 0
    stored = [numpy_helper.from_array(array, f"{name}0"), numpy_helper.from_array(mask, f"{name}m")]
    return stored, [helper.make_node("Mul", [f"{name}0", f"{name}m"], [name])]


def _constant_node(array, name):
    return [], [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))]


def _through(form, opset=13):
    """Return the tiny network, each of its weights passing through nodes."""
    model = face_network(TinyNetwork(opset=opset))
    weights = list(model.graph.initializer)
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    for each in weights:
        stored, added = form(numpy_helper.to_array(each), each.name)
        model.graph.initializer.extend(stored)
        model.graph.node.extend(added)
    model.graph.node.extend(nodes)
    return model


def run(model, inputs):
    return open_network(model.SerializeToString()).run(inputs)[0]


def prepared(count):
    return np.random.default_rng(7).normal(size=(count, 3, 20, 16)).astype(np.float32)


@pytest.mark.parametrize(
    "form",
    [_identity, _transposed, _half, _integers, _masked, _constant_node],
    ids=lambda f: f.__name__,
)
def test_weights_that_pass_a_node_are_folded_and_can_be_pruned(tmp_path, form):
    shipped = _through(form)
    network = load_network(write(shipped, tmp_path), specification())
    assert tuple(each.layer for each in prunable_weights(network.model)) == LAYERS
    expected = run(shipped, prepared(1))
    assert run(network.model, prepared(1)) == pytest.approx(expected, abs=1e-6)  # float32 sums


def _graph_of(nodes, stored=(), opset=21):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    body = helper.make_graph(nodes, "g", values[:1], values[1:], list(stored))
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10)


ADD = helper.make_node("Add", ["x", "c"], ["y"])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"value_int": 3}, np.int64(3)),
        ({"value_ints": [1, -1]}, np.array([1, -1])),
        ({"value_float": 0.5}, np.float32(0.5)),
        ({"value_floats": [0.5, 2.0]}, np.array([0.5, 2.0], np.float32)),
    ],
)
def test_every_spelling_of_a_constant_becomes_an_initializer(written, expected):
    model = _graph_of([helper.make_node("Constant", [], ["c"], **written), ADD])
    fold_constants(model)
    found = graph.values(graph.initializers(model)["c"])
    assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist())


@pytest.mark.parametrize("places", [[1, 5], [[0, 1], [1, 2]]], ids=["flat", "by axes"])
@pytest.mark.parametrize("node", [True, False], ids=["node", "initializer"])
def test_sparse_constants_become_dense(places, node):
    values = helper.make_tensor("c", TensorProto.FLOAT, [2], [3.0, 4.0])
    indices = np.array(places, np.int64)
    sparse = helper.make_sparse_tensor(
        values,
        helper.make_tensor("at", TensorProto.INT64, indices.shape, indices.reshape(-1)),
        [2, 3],
    )
    nodes = [helper.make_node("Constant", [], ["c"], sparse_value=sparse)] if node else []
    model = _graph_of([*nodes, ADD])
    if not node:
        model.graph.sparse_initializer.append(sparse)
    fold_constants(model)
    assert graph.values(graph.initializers(model)["c"]).tolist() == [[0, 3, 0], [0, 0, 4]]
    assert [each.op_type for each in model.graph.node] == ["Add"]


def test_what_would_fill_the_memory_stays_a_node():
    shape = numpy_helper.from_array(np.array([1 << 20, 1 << 20]), "shape")
    model = _graph_of([helper.make_node("ConstantOfShape", ["shape"], ["c"]), ADD], [shape])
    fold_constants(model)
    assert [each.op_type for each in model.graph.node] == ["ConstantOfShape", "Add"]


def test_a_sparse_constant_that_would_fill_the_memory_is_refused():
    values = helper.make_tensor("c", TensorProto.FLOAT, [1], [3.0])
    at = helper.make_tensor("at", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(values, at, [1 << 20, 1 << 20])
    model = _graph_of([helper.make_node("Constant", [], ["c"], sparse_value=sparse), ADD])
    with pytest.raises(NetworkError, match="sparse constant 'c' of shape"):
        fold_constants(model)


def test_what_is_random_stays_a_node():
    like = numpy_helper.from_array(np.ones(3, np.float32), "like")
    model = _graph_of([helper.make_node("RandomNormalLike", ["like"], ["c"]), ADD], [like])
    fold_constants(model)
    assert [each.op_type for each in model.graph.node] == ["RandomNormalLike", "Add"]


def test_what_onnx_runtime_cannot_compute_stays_a_node():
    one = numpy_helper.from_array(np.ones(3, np.float32), "one")
    two = numpy_helper.from_array(np.ones(2, np.float32), "two")
    model = _graph_of([helper.make_node("Add", ["one", "two"], ["c"]), ADD], [one, two])
    fold_constants(model)
    assert [each.op_type for each in model.graph.node] == ["Add", "Add"]


def test_a_sequence_stays_a_node():
    stored = numpy_helper.from_array(np.ones(3, np.float32), "s")
    nodes = [
        helper.make_node("SplitToSequence", ["s"], ["parts"]),
        helper.make_node("ConcatFromSequence", ["parts"], ["c"], axis=0),
        ADD,
    ]
    model = _graph_of(nodes, [stored])
    fold_constants(model)
    assert [each.op_type for each in model.graph.node] == [each.op_type for each in nodes]


def test_a_chain_of_nodes_is_folded_to_its_end():
    stored = numpy_helper.from_array(np.arange(6, dtype=np.float32), "s")
    shape = numpy_helper.from_array(np.array([2, 3]), "shape")
    nodes = [
        helper.make_node("Reshape", ["s", "shape"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"]),
        helper.make_node("Neg", ["b"], ["c"]),
        ADD,
    ]
    model = _graph_of(nodes, [stored, shape])
    fold_constants(model)
    assert [each.name for each in model.graph.initializer] == ["c"]
    assert graph.values(model.graph.initializer[0]).tolist() == [[0, -3], [-1, -4], [-2, -5]]


def test_a_network_without_constant_weights_is_refused(tmp_path):
    model = face_network(TinyNetwork(batch_norm=False))
    nodes = [helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=0)]
    for node in model.graph.node:
        if node.op_type in {"Conv", "Gemm"}:
            mixed = f"{node.input[1]}_mixed"
            nodes.append(helper.make_node("Mul", [node.input[1], "mean"], [mixed]))
            node.input[1] = mixed
    nodes.extend(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    with pytest.raises(NetworkError, match=r"nothing can be pruned \(constants go to .*Mul"):
        load_network(write(model, tmp_path), specification())


def test_the_bound_is_far_above_the_largest_layer_in_use():
    largest = 512 * 25088 * 4  # the last layer of an ArcFace ResNet
    assert 4 * largest < constants.LARGEST_BYTES


def test_a_type_of_sixteen_bits_that_numpy_lacks_is_folded():
    stored = helper.make_tensor("s", TensorProto.BFLOAT16, [2], [1.0, 2.0])
    model = _graph_of([helper.make_node("Cast", ["s"], ["c"], to=TensorProto.FLOAT), ADD], [stored])
    fold_constants(model)
    assert graph.values(graph.initializers(model)["c"]).tolist() == [1.0, 2.0]
