import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import helper, numpy_helper

from engines.errors import RecipeError
from engines.graph import graph
from engines.graph.batch_norm import fold_batch_norm
from engines.onnxruntime.backend import open_network
from engines.pruning.masks import Layer, importance, masks
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from tests.networks import TinyNetwork, loaded

# Few different values: ties are the rule.
LAYERS = st.lists(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 4)),
        elements=st.sampled_from([0.0, 1e-7, -1e-7, 1e-6, 0.5, -0.5, 1.0, -2.0]),
    ),
    min_size=1,
    max_size=4,
)
RECIPES = st.builds(
    Recipe,
    scope=st.sampled_from(["layer", "global"]),
    sparsity=st.floats(0, 0.99),
    count=st.sampled_from(["live", "all"]),
    importance=st.sampled_from(["magnitude", "channel"]),
)


def brute_force_importance(value, channel, recipe):
    scale = math.sqrt(sum(float(each) ** 2 for each in channel) / len(channel))
    if recipe.importance == "magnitude":
        return abs(float(value))
    return abs(float(value)) / scale if scale else 0.0


def brute_force_masks(layers, recipe):
    """One weight after the other: sort all of a scope by importance, layer and index."""
    everything = [
        (brute_force_importance(value, channel, recipe), layer, row * len(channel) + column)
        for layer, channels in enumerate(layers)
        for row, channel in enumerate(channels)
        for column, value in enumerate(channel)
        if recipe.count == "all" or abs(float(value)) > 1e-6
    ]
    groups = [everything]
    if recipe.scope == "layer":
        groups = [[each for each in everything if each[1] == n] for n in range(len(layers))]
    chosen = [
        each for group in groups for each in sorted(group)[: round(recipe.sparsity * len(group))]
    ]
    return [sorted(i for _, layer, i in chosen if layer == n) for n in range(len(layers))]


@given(LAYERS, RECIPES)
def test_exactly_the_least_weights_are_masked_and_among_equals_the_first(layers, recipe):
    found = masks(map(Layer, layers), recipe)
    assert [list(mask) for mask in found] == brute_force_masks(layers, recipe)


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(-2, 2, width=32)), st.floats(0, 0.99))
def test_the_mask_of_transposed_weights_is_the_transposed_mask(weights, sparsity):
    recipe = Recipe(sparsity=sparsity, importance="channel")
    distinct = weights + np.arange(12).reshape(3, 4).astype(np.float32) * 5  # no ties to break
    rows = np.zeros(12, bool)
    rows[masks([Layer(distinct)], recipe)[0]] = True
    columns = np.zeros(12, bool)
    columns[masks([Layer(np.ascontiguousarray(distinct.T), 1)], recipe)[0]] = True
    assert columns.reshape(4, 3).T.tolist() == rows.reshape(3, 4).tolist()


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("sparsity", [0.05, 0.4, 0.9])
def test_the_report_agrees_with_the_zeros_of_the_finished_network(tmp_path, scope, sparsity):
    network = fold_batch_norm(loaded(tmp_path))
    pruned, layers = prune(network, Recipe(scope=scope, sparsity=sparsity))
    assert sum(each.masked for each in layers) == pytest.approx(sparsity * 1176, abs=1.5)
    assert [each.masked for each in layers] == [each.zeros for each in layers]  # none before
    assert [each.size - each.zeros for each in layers] == [
        each.live for each in prunable_weights(pruned.model)
    ]


def test_only_weights_of_convolutions_and_matrices_are_touched(tmp_path):
    network = loaded(tmp_path)
    pruned, _ = prune(network, Recipe(sparsity=0.5))
    changed = {
        before.name
        for before, after in zip(
            network.model.graph.initializer, pruned.model.graph.initializer, strict=True
        )
        if before != after
    }
    assert changed == {"stem_w", "depthwise_w", "gemm_w"}


def test_dead_channels_do_not_eat_the_share_when_live_weights_are_counted(tmp_path):
    network = loaded(tmp_path, TinyNetwork(dead_channels=3))
    _, live = prune(network, Recipe(sparsity=0.25, count="live"))
    _, everything = prune(network, Recipe(sparsity=0.25, count="all"))
    assert (live[0].counted, live[0].masked, live[0].zeros) == (81, 20, 101)
    assert (everything[0].counted, everything[0].masked, everything[0].zeros) == (162, 40, 81)


def test_a_layer_kept_dense_is_untouched_and_reported(tmp_path):
    network = loaded(tmp_path)
    pruned, layers = prune(network, Recipe(sparsity=0.5, keep_dense=("embedding_raw",)))
    assert {each.layer: each.masked for each in layers} == {
        "stem": 81,
        "depthwise": 27,
        "embedding_raw": 0,
    }
    assert prunable_weights(pruned.model)[2].live == 960


def test_only_the_named_layers_are_pruned(tmp_path):
    _, layers = prune(loaded(tmp_path), Recipe(sparsity=0.5, layers=("embedding_raw",)))
    assert {each.layer: each.masked for each in layers} == {
        "stem": 0,
        "depthwise": 0,
        "embedding_raw": 480,
    }


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_scaling_an_output_channel_does_not_change_which_of_its_weights_matter(tmp_path, scale):
    network = loaded(tmp_path)
    weights = graph.values(graph.initializers(network.model)["stem_w"]).copy()
    recipe = Recipe(sparsity=0.3, importance="channel")
    before = masks([Layer(weights)], recipe)
    weights[2] *= np.float32(scale)
    after = masks([Layer(weights)], recipe)
    assert before[0].tolist() == after[0].tolist()


@pytest.mark.parametrize(
    ("op", "attributes", "position", "axis"),
    [
        ("Conv", {}, 1, 0),
        ("Gemm", {"transB": 1}, 1, 0),
        ("Gemm", {}, 1, 1),
        ("MatMul", {}, 1, 1),
        ("MatMul", {}, 0, 0),
    ],
)
def test_output_channels_lie_along_the_axis_that_the_operator_defines(
    op, attributes, position, axis
):
    inputs = ["faces", "faces"]
    inputs[position] = "weights"
    node = helper.make_node(op, inputs, ["out"], **attributes)
    weights = numpy_helper.from_array(np.ones((4, 4), np.float32), "weights")
    model = helper.make_model(helper.make_graph([node], "one", [], [], [weights]))
    assert prunable_weights(model)[0].output_axis == axis


def test_a_weight_of_just_the_least_live_magnitude_is_not_live():
    weights = np.array([[1e-6, -1e-6, 1.1e-6, -0.5]], np.float32)
    (masked,) = masks([Layer(weights)], Recipe(sparsity=0.5, count="live"))
    assert list(masked) == [2]
    node = helper.make_node("Gemm", ["faces", "weights"], ["out"])
    given_weights = [numpy_helper.from_array(weights, "weights")]
    model = helper.make_model(helper.make_graph([node], "one", [], [], given_weights))
    assert prunable_weights(model)[0].live == 2


def test_an_unknown_layer_to_prune_is_refused_with_the_closest_name(tmp_path):
    with pytest.raises(RecipeError, match="'depthwize': did you mean depthwise"):
        prune(loaded(tmp_path), Recipe(layers=("depthwize",)))


def test_an_unknown_layer_is_refused_with_the_closest_name(tmp_path):
    with pytest.raises(RecipeError, match="'embeding_raw': did you mean embedding_raw"):
        prune(loaded(tmp_path), Recipe(keep_dense=("embeding_raw",)))


def test_keeping_all_layers_dense_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="no layer is left"):
        prune(loaded(tmp_path), Recipe(keep_dense=("stem", "depthwise", "embedding_raw")))


def test_sparsity_zero_reproduces_the_embeddings_bit_for_bit(tmp_path):
    network = loaded(tmp_path)
    pruned, layers = prune(network, Recipe(sparsity=0))
    faces = np.random.default_rng(5).normal(size=(6, 3, 20, 16)).astype(np.float32)
    dense_rows = open_network(network.model.SerializeToString()).run(faces)[0]
    pruned_rows = open_network(pruned.model.SerializeToString()).run(faces)[0]
    assert dense_rows.tobytes() == pruned_rows.tobytes()
    assert sum(each.masked for each in layers) == 0


def test_pruning_twice_gives_the_same_bytes(tmp_path):
    network = loaded(tmp_path)
    first, second = (prune(network, Recipe(sparsity=0.3))[0] for _ in range(2))
    assert first.model.SerializeToString() == second.model.SerializeToString()


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 1.5, float("nan")])
def test_sparsity_out_of_range_is_refused(sparsity):
    with pytest.raises(RecipeError, match="at least 0 and below 1"):
        Recipe(sparsity=sparsity)


def test_shares_of_all_prunable_weights_add_up_to_one(tmp_path):
    weights = prunable_weights(loaded(tmp_path).model)
    assert [each.op for each in weights] == ["Conv", "Conv", "Gemm"]
    assert sum(each.share for each in weights) == pytest.approx(1)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_importance_within_a_channel_is_its_share_of_the_channels_scale(size):
    weights = np.array([[3.0, 4.0], [0.0, 0.0], [-30.0, 40.0]], np.float32) * np.float32(size)
    found = importance(Layer(weights), Recipe(importance="channel"))
    rms = np.sqrt(12.5)  # of 3 and 4
    assert found == pytest.approx(np.array([[3, 4], [0, 0], [3, 4]]) / rms, rel=1e-6)
