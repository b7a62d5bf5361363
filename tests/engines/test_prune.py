import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.batch_norm import fold_batch_norm
from engines.errors import RecipeError
from engines.onnxruntime_backend import open_network
from engines.prune import masks, prunable_weights, prune
from engines.recipe import Recipe
from tests.networks import TinyNetwork, loaded

# Few different values: ties are the rule.
LAYERS = st.lists(
    hnp.arrays(
        np.float32,
        st.integers(1, 12),
        elements=st.sampled_from([0.0, 1e-7, -1e-7, 0.5, -0.5, 1.0, -2.0]),
    ),
    min_size=1,
    max_size=4,
)
RECIPES = st.builds(
    Recipe,
    scope=st.sampled_from(["layer", "global"]),
    sparsity=st.floats(0, 0.99),
    count=st.sampled_from(["live", "all"]),
)


def brute_force_masks(layers, recipe):
    """One weight after the other: sort all of a scope by magnitude, layer and index."""
    everything = [
        (abs(float(value)), layer, index)
        for layer, values in enumerate(layers)
        for index, value in enumerate(values)
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
def test_exactly_the_smallest_weights_are_masked_and_among_equals_the_first(layers, recipe):
    assert [list(mask) for mask in masks(layers, recipe)] == brute_force_masks(layers, recipe)


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
