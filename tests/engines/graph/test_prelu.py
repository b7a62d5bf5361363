"""PRelu as one operator or spelled out: there and back, and the same values."""

import numpy as np
import onnx
import pytest

from engines.graph import graph
from engines.graph.emulation import run_graph
from engines.graph.prelu import join_prelu, spell_out_prelu
from engines.pruning.fuse import fuse
from engines.pruning.prune import prune
from engines.pruning.recipe import Recipe
from tests.networks import TinyNetwork, loaded


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def fused(folder) -> onnx.ModelProto:
    dense = loaded(folder, TinyNetwork(batch_norm=False))
    return fuse(dense, prune(dense, Recipe("layer", 0.3))[0])


def steep(folder) -> onnx.ModelProto:
    """Return a network of which each PRelu has slopes above 1."""
    model = fused(folder)
    for node in model.graph.node:
        if node.op_type == "PRelu":
            slopes = graph.initializers(model)[node.input[1]]
            graph.store(slopes, graph.values(slopes) + np.float32(1))
    return model


def set_slopes(model: onnx.ModelProto, slopes: np.float32) -> None:
    """Give each PRelu that is spelled out the same slopes, and their complements."""
    for tensor in model.graph.initializer:
        if "slopes" in tensor.name:
            value = 1 - slopes if tensor.name.endswith("_complement") else slopes
            graph.store(tensor, np.full(tensor.dims, value, np.float32))


@pytest.mark.parametrize("network", [fused, steep])
def test_joining_undoes_spelling_out(tmp_path, network):
    model = network(tmp_path)
    joined = join_prelu(spell_out_prelu(model))
    assert operators(joined) == operators(model)
    assert graph.initializers(joined).keys() == graph.initializers(model).keys()


def test_the_joined_network_computes_the_very_same(tmp_path):
    model = fused(tmp_path)
    faces = np.random.default_rng(0).normal(0, 1, (3, 3, 20, 16)).astype(np.float32)
    again = run_graph(join_prelu(spell_out_prelu(model)), faces)
    for one, other in zip(run_graph(model, faces), again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_relu_follows_its_product_so_that_both_are_one_pass(tmp_path):
    assert "Mul Relu Mul Add" in " ".join(operators(spell_out_prelu(fused(tmp_path))))


def test_of_slopes_above_1_the_product_follows_its_relu(tmp_path):
    assert "Relu Mul Mul Add" in " ".join(operators(spell_out_prelu(steep(tmp_path))))


def test_a_prelu_spelled_out_by_an_earlier_release_is_one_all_the_same(tmp_path):
    model = spell_out_prelu(steep(tmp_path))
    set_slopes(model, np.float32(0.25))
    assert operators(join_prelu(model)) == operators(fused(tmp_path))


def test_other_second_slopes_are_no_prelu(tmp_path):
    model = spell_out_prelu(fused(tmp_path))
    for tensor in model.graph.initializer:
        if tensor.name.endswith("_complement"):
            graph.store(tensor, graph.values(tensor) + np.float32(0.1))
    assert operators(join_prelu(model)) == operators(model)


def test_of_slopes_above_1_a_relu_behind_its_product_is_no_prelu(tmp_path):
    model = spell_out_prelu(fused(tmp_path))
    set_slopes(model, np.float32(1.25))
    assert operators(join_prelu(model)) == operators(model)


def test_what_is_added_may_come_from_a_node_without_inputs(tmp_path):
    model = fused(tmp_path)
    source = model.graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["one"], value_float=1.0))
    model.graph.node.append(onnx.helper.make_node("Mul", [source, source], ["square"]))
    model.graph.node.append(onnx.helper.make_node("Add", ["square", "one"], ["more"]))
    assert operators(join_prelu(model)) == operators(model)


def test_a_part_that_something_else_reads_is_left_alone(tmp_path):
    model = spell_out_prelu(fused(tmp_path))
    positive = next(node.output[0] for node in model.graph.node if node.op_type == "Relu")
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(positive, onnx.TensorProto.FLOAT, None)
    )
    assert "Relu" in operators(join_prelu(model))


def test_a_network_without_any_is_left_as_it_is(tmp_path):
    model = fused(tmp_path)
    assert join_prelu(model).SerializeToString(deterministic=True) == model.SerializeToString(
        deterministic=True
    )
