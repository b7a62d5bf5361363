"""FP16 conversion: what is clamped is counted, what must stay FP32 stays."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import PrecisionError
from engines.graph import graph
from engines.graph.half_precision import LARGEST_HALF, half_precision, tail
from engines.graph.network import Network
from tests.engines.overflowing import overflowing_network, scaled
from tests.networks import TinyNetwork, face_network, loaded


def two_branch_network(shared: bool = False) -> onnx.ModelProto:
    """Return two Gemms over one Relu with outputs `dense` and `pruned`."""
    random = np.random.default_rng(0)
    names = {"first": (8, 12), "dense_w": (8, 4), "pruned_w": (8, 4)}
    second = "dense_w" if shared else "pruned_w"
    nodes = [
        helper.make_node("MatMul", ["input", "first"], ["hidden"], "trunk"),
        helper.make_node("Relu", ["hidden"], ["active"], "relu"),
        helper.make_node("MatMul", ["active", "dense_w"], ["dense"], "dense_tail"),
        helper.make_node("MatMul", ["active", second], ["raw"], "pruned_tail"),
        helper.make_node("LpNormalization", ["raw"], ["pruned"], "pruned_norm", axis=1),
    ]
    names["first"] = (6, 8)
    weights = [
        numpy_helper.from_array(random.normal(0, 1, shape).astype(np.float32), name)
        for name, shape in names.items()
        if name != "pruned_w" or not shared
    ]
    values = {name: ["batch", size] for name, size in (("input", 6), ("dense", 4), ("pruned", 4))}
    infos = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in values.items()}
    body = helper.make_graph(
        nodes, "fused", [infos["input"]], [infos["dense"], infos["pruned"]], weights
    )
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def types(model: onnx.ModelProto) -> dict[str, int]:
    return {each.name: each.data_type for each in model.graph.initializer}


def test_inputs_and_outputs_stay_fp32(tmp_path):
    half = half_precision(loaded(tmp_path).model).model
    ends = (*half.graph.input, *half.graph.output)
    assert {each.type.tensor_type.elem_type for each in ends} == {TensorProto.FLOAT}


def test_the_converted_graph_is_valid_and_sorted(tmp_path):
    onnx.checker.check_model(half_precision(loaded(tmp_path).model).model, full_check=True)


def test_weights_before_the_last_linear_layer_become_fp16_and_its_own_stay_fp32(tmp_path):
    stored = types(half_precision(loaded(tmp_path, TinyNetwork(batch_norm=False)).model).model)
    assert stored["stem_w"] == TensorProto.FLOAT16
    assert stored["gemm_w"] == TensorProto.FLOAT


def test_the_tail_is_the_last_linear_layer_and_the_normalisation_behind_it():
    model = face_network(TinyNetwork())
    assert tail(model) == ("embedding_raw", "embedding_raw_norm", "embedding")


def test_the_tail_of_a_graph_with_two_outputs_has_both_ends():
    assert tail(two_branch_network()) == ("dense_tail", "pruned_tail", "pruned_norm")


def test_both_outputs_of_a_graph_keep_their_names_and_order():
    half = half_precision(two_branch_network()).model
    assert [each.name for each in half.graph.output] == ["dense", "pruned"]


def test_nothing_between_the_fp32_tail_and_the_output_is_rounded_to_fp16():
    half = half_precision(two_branch_network()).model
    last = {name: node for node in half.graph.node for name in node.output}
    assert last["dense"].op_type == "MatMul"
    assert last["pruned"].op_type == "LpNormalization"
    assert last[last["pruned"].input[0]].op_type == "MatMul"


def test_a_cast_pair_of_the_networks_own_is_left_alone():
    model = two_branch_network()
    nodes = list(model.graph.node)
    casts = [
        helper.make_node("Cast", ["pruned_own"], ["whole"], "to_whole", to=TensorProto.INT32),
        helper.make_node("Cast", ["whole"], ["pruned"], "to_float", to=TensorProto.FLOAT),
    ]
    nodes[-1].output[0] = "pruned_own"
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *casts])
    kept = {node.name for node in half_precision(model).model.graph.node}
    assert {"to_whole", "to_float"} <= kept


def test_weights_shared_by_an_fp16_and_an_fp32_node_keep_full_precision_for_the_fp32_node():
    model = two_branch_network(shared=True)
    half = half_precision(model, keep=("dense_tail",)).model
    node = next(each for each in half.graph.node if each.name == "dense_tail")
    stored = graph.initializers(half)[node.input[1]]
    exact = graph.initializers(model)["dense_w"]
    np.testing.assert_array_equal(graph.values(stored), graph.values(exact))


def test_every_fp16_weight_is_the_nearest_binary16_value(tmp_path):
    model = loaded(tmp_path, TinyNetwork(batch_norm=False)).model
    stored = graph.values(graph.initializers(half_precision(model).model)["stem_w"])
    exact = graph.values(graph.initializers(model)["stem_w"])
    np.testing.assert_array_equal(stored, exact.astype(np.float16))


def test_weights_of_a_million_are_refused_with_their_count():
    model = scaled(overflowing_network().model, "conv_w", 1e3)
    beyond = np.abs(graph.values(graph.initializers(model)["conv_w"])) > LARGEST_HALF
    with pytest.raises(PrecisionError, match=f"{beyond.sum()} weights exceed 65504"):
        half_precision(model)


def test_weights_between_ten_thousand_and_65504_are_not_clamped_at_ten_thousand():
    model = overflowing_network().model
    stored = graph.values(graph.initializers(half_precision(model).model)["conv_w"])
    assert np.abs(stored).max() > 1.1e4


def test_clamped_weights_within_the_budget_are_counted_and_finite():
    model = scaled(overflowing_network().model, "conv_w", 1e3)
    half = half_precision(model, clamp_budget=10_000)
    stored = graph.values(graph.initializers(half.model)["conv_w"])
    assert half.report.clamped == int((np.abs(stored) == LARGEST_HALF).sum()) > 0


def test_tiny_weights_become_zero_instead_of_being_raised_to_the_converters_minimum():
    model = scaled(overflowing_network().model, "conv_w", 1e-13)
    half = half_precision(model)
    stored = graph.values(graph.initializers(half.model)["conv_w"])
    assert half.report.flushed == int((stored == 0).sum()) > 0


def test_pruned_zeros_stay_exact_zeros(tmp_path):
    network: Network = loaded(tmp_path, TinyNetwork(batch_norm=False, dead_channels=3))
    stored = graph.values(graph.initializers(half_precision(network.model).model)["stem_w"])
    assert not stored[:3].any()


def test_keeping_an_unknown_node_is_refused_by_name(tmp_path):
    with pytest.raises(PrecisionError, match="no node is named nowhere"):
        half_precision(loaded(tmp_path).model, keep=("nowhere",))


def test_the_given_network_is_not_changed(tmp_path):
    model = loaded(tmp_path).model
    before = model.SerializeToString(deterministic=True)
    half_precision(model)
    assert model.SerializeToString(deterministic=True) == before


def test_nodes_without_names_can_be_kept_all_the_same(tmp_path):
    model = loaded(tmp_path, TinyNetwork(batch_norm=False)).model
    for node in model.graph.node:
        node.name = ""
    assert types(half_precision(model).model)["gemm_w"] == TensorProto.FLOAT
