from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.graph import graph
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.cut import part_of
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.onnxruntime.backend import open_network
from engines.pruning.fuse import fuse, with_pruned_embeddings_joined
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from tests.engines.dead_networks import MOVES, DeadNetwork
from tests.networks import loaded, specification

FACES = np.random.default_rng(1).normal(size=(4, 3, 20, 16)).astype(np.float32)


def run(model):
    return open_network(model.SerializeToString()).run(FACES)


def close(first, second):
    return np.abs(first - second).max() <= 2e-5 * max(np.abs(first).max(), 1)  # float32 sums


@given(st.integers(0, 2**32), st.lists(st.sampled_from(MOVES), max_size=7), st.data())
def test_the_fused_graph_gives_the_embeddings_of_both_networks(seed, moves, data):
    dense = DeadNetwork(seed, tuple(moves)).network()
    names = [each.layer for each in prunable_weights(dense.model)]
    layers = data.draw(st.lists(st.sampled_from(names), unique=True))
    pruned, _ = prune(dense, Recipe(sparsity=0.5, layers=tuple(layers)))
    apart = (run(dense.model)[0], run(pruned.model)[0])
    together = run(fuse(dense, pruned))
    assert all(close(one, other) for one, other in zip(apart, together, strict=True))


@pytest.fixture
def tiny(tmp_path):
    return fold_batch_norm(loaded(tmp_path))


def fused(network, **recipe):
    return fuse(network, prune(network, Recipe(sparsity=0.5, **recipe))[0])


@pytest.mark.parametrize(
    ("layers", "added"),
    [
        (("embedding_raw",), ["Gemm", "Identity"]),
        (("depthwise",), ["Conv", "Flatten", "Gemm", "Identity"]),
        (("stem",), ["Conv", "PRelu", "Conv", "Flatten", "Gemm", "Identity"]),
    ],
)
def test_only_what_follows_the_first_pruned_layer_is_computed_twice(tiny, layers, added):
    model = fused(tiny, layers=layers)
    alone = len(tiny.model.graph.node)
    assert [node.op_type for node in model.graph.node[:alone]] == [
        node.op_type for node in tiny.model.graph.node
    ]
    assert [node.op_type for node in model.graph.node[alone:]] == added


def with_each_tensor_split(network):
    """Copy every tensor twice and read the first copy, as converters from NCNN write networks."""
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.append(node)
        name = node.output[0]
        if name == network.output_name:
            continue
        copies = [f"{name}_split_{number}" for number in range(2)]
        model.graph.node.extend(
            onnx.helper.make_node("Identity", [name], [copy], name=copy) for copy in copies
        )
        for reader in nodes:
            reader.input[:] = [copies[0] if each == name else each for each in reader.input]
    return replace(network, model=model)


def test_a_network_that_computes_something_twice_is_shared_all_the_same(tiny):
    split = with_each_tensor_split(tiny)
    model = fused(split, layers=("embedding_raw",))
    alone = len(split.model.graph.node)
    assert {node.op_type for node in model.graph.node[alone:]} == {"Gemm", "Identity"}
    plain = fused(tiny, layers=("embedding_raw",))
    assert all(
        np.array_equal(one, other) for one, other in zip(run(model), run(plain), strict=True)
    )


def test_equal_weights_are_stored_once(tiny):
    model = fused(tiny, layers=("depthwise",))
    before = {each.name for each in tiny.model.graph.initializer}
    added = [each.name for each in model.graph.initializer if each.name not in before]
    assert added == ["depthwise_w_folded_pruned"]


def test_a_pruned_network_without_a_change_costs_nothing_and_still_has_its_output(tiny):
    model = fuse(tiny, prune(tiny, Recipe(sparsity=0))[0])
    assert len(model.graph.node) == len(tiny.model.graph.node) + 1
    dense, pruned = run(model)
    assert dense.tobytes() == pruned.tobytes()


def test_a_fused_graph_is_valid_and_its_batch_open(tiny):
    model = fused(tiny)
    onnx.checker.check_model(model, full_check=True)
    assert [graph.dimensions(each) for each in model.graph.output] == [(None, 8), (None, 8)]


def test_the_parts_of_a_fused_graph_are_the_networks_it_was_made_of(tiny):
    model = fused(tiny, layers=("depthwise",))
    expected = run(model)
    for target, output in zip(model.graph.output, expected, strict=True):
        part = part_of(model, "input", target.name)
        assert part.graph.input[0] == model.graph.input[0]
        assert len(part.graph.node) == len(tiny.model.graph.node)
        assert close(run(part)[0], output)


def prelu_network(slopes, shape):
    node = onnx.helper.make_node("PRelu", ["x", "slopes"], ["y"])
    float32 = onnx.TensorProto.FLOAT
    body = onnx.helper.make_graph(
        [node],
        "prelu",
        [onnx.helper.make_tensor_value_info("x", float32, ["n", *shape])],
        [onnx.helper.make_tensor_value_info("y", float32, None)],
        [onnx.numpy_helper.from_array(slopes, "slopes")],
    )
    opsets = [onnx.helper.make_opsetid("", 11)]
    return onnx.helper.make_model(body, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("steepest", [1, 2])
@pytest.mark.parametrize("shape", [(3, 1, 1), (1,), (3, 20, 16)])
def test_prelu_spelled_out_gives_the_values_of_prelu_for_every_slope(shape, steepest):
    slopes = np.random.default_rng(3).uniform(-2, steepest, shape).astype(np.float32)
    model = prelu_network(slopes, (3, 20, 16))
    spelled = spell_out_prelu(model)
    assert "PRelu" not in {node.op_type for node in spelled.graph.node}
    bound = 2 * np.finfo(np.float32).eps * (1 + 2 * np.abs(slopes).max()) * np.abs(FACES).max()
    np.testing.assert_allclose(run(spelled)[0], run(model)[0], rtol=0, atol=bound)


def test_two_prelus_with_one_set_of_slopes_share_what_is_made_of_it(tiny):
    model = spell_out_prelu(fused(tiny, layers=("stem",)))
    names = [each.name for each in model.graph.initializer]
    assert [name for name in names if "slopes" in name] == ["slopes", "slopes_complement"]


def two_branches():
    """Two nodes of one input, a tensor that ends as new ones do, a node without a name, a spare."""
    make = onnx.helper.make_node
    nodes = [
        make("Flatten", ["image"], ["flat"], name="flatten"),
        make("Relu", ["flat"], ["raised"]),
        make("Sigmoid", ["flat"], ["embedding_pruned"], name="squash"),
        make("Add", ["raised", "embedding_pruned"], ["sum"], name="sum"),
        make("Gemm", ["sum", "w"], ["embedding"], name="embed"),
    ]
    float32 = onnx.TensorProto.FLOAT
    weights = np.random.default_rng(4).normal(size=(960, 5)).astype(np.float32)
    body = onnx.helper.make_graph(
        nodes,
        "branches",
        [onnx.helper.make_tensor_value_info("image", float32, ["batch", 3, 20, 16])],
        [onnx.helper.make_tensor_value_info("embedding", float32, ["batch", 5])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(body, opset_imports=opsets, ir_version=8)
    return Network(model, "image", "embedding", specification(), 5, "0" * 64)


def test_nodes_that_differ_only_in_what_they_do_stay_two():
    dense = two_branches()
    pruned, _ = prune(dense, Recipe(sparsity=0.5))
    embeddings = run(fuse(dense, pruned))
    assert close(embeddings[0], run(dense.model)[0])
    assert close(embeddings[1], run(pruned.model)[0])


def test_two_copies_without_a_change_have_an_output_each():
    dense = two_branches()
    copy = prune(dense, Recipe(sparsity=0))[0]
    model = fuse(dense, copy, copy)
    assert len({each.name for each in model.graph.output}) == 3
    assert len({each.tobytes() for each in run(model)}) == 1


def test_names_of_nodes_stay_unique_and_a_node_without_one_gets_none():
    dense = two_branches()
    model = fuse(dense, prune(dense, Recipe(sparsity=0.5))[0])
    names = [node.name for node in model.graph.node if node.name]
    assert len(set(names)) == len(names)
    assert sorted(set(names) - {node.name for node in dense.model.graph.node}) == ["embed_pruned"]


@pytest.mark.parametrize("count", [1, 2])
def test_the_embeddings_of_all_pruned_networks_are_joined_in_their_order(tiny, count):
    recipes = [Recipe(sparsity=0.5, layers=(layer,)) for layer in ("stem", "depthwise")][:count]
    fused = fuse(tiny, *(prune(tiny, each)[0] for each in recipes))
    model = with_pruned_embeddings_joined(fused)
    onnx.checker.check_model(model, full_check=True)
    assert [graph.dimensions(each) for each in model.graph.output] == [(None, 8), (None, 8 * count)]
    dense, joined = run(model)
    apart = run(fused)
    assert close(dense, apart[0])
    assert close(joined, np.concatenate(apart[1:], axis=1))
