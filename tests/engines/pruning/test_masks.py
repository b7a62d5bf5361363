import numpy as np
import pytest

from engines.graph.batch_norm import fold_batch_norm
from engines.graph.graph import values
from engines.pruning.masks import Layer, importance, masks
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from tests.networks import TinyNetwork, loaded


def chosen(weights, recipe, axis=0, folded=None):
    mask = np.zeros(weights.size, bool)
    mask[masks([Layer(weights, axis, folded)], recipe)[0]] = True
    return mask.reshape(weights.shape)


def test_whole_channels_of_the_least_mean_magnitude_go():
    weights = np.array([[3, 3], [1, 2], [0, 0], [1, 1], [9, 0]], np.float32)
    recipe = Recipe(structure="channels", sparsity=0.5)
    assert chosen(weights, recipe).all(axis=1).tolist() == [False, True, False, True, False]
    assert np.array_equal(chosen(weights, recipe), chosen(weights.T, recipe, axis=1).T)


def test_channels_of_all_layers_share_one_threshold_where_the_scope_is_global():
    small, large = np.full((2, 3), 0.1, np.float32), np.full((2, 2), 5, np.float32)
    recipe = Recipe(scope="global", structure="channels", sparsity=0.5)
    first, second = masks([Layer(small), Layer(large)], recipe)
    assert (first.size, second.size) == (6, 0)


@pytest.mark.parametrize("axis", [0, 1])
def test_two_of_each_four_inputs_go_whatever_the_sparsity(axis):
    weights = np.array([[4, 1, 3, 2, 7], [1, 1, 1, 1, 0]], np.float32)
    turned = weights if axis == 0 else np.ascontiguousarray(weights.T)
    found = chosen(turned, Recipe(structure="2:4", sparsity=0.1), axis)
    found = found if axis == 0 else found.T
    assert found.tolist() == [
        [False, True, False, True, False],
        [True, True, False, False, False],
    ]


def test_the_four_are_neighbours_along_the_input_channels_of_a_kernel():
    weights = np.random.default_rng(0).normal(size=(2, 8, 3, 3)).astype(np.float32)
    found = chosen(weights, Recipe(structure="2:4")).reshape(2, 2, 4, 3, 3)
    assert (found.sum(axis=2) == 2).all()
    assert np.abs(weights.reshape(2, 2, 4, 3, 3)[found]).mean() < np.abs(weights).mean()


def test_a_depthwise_layer_has_no_fours_and_stays():
    weights = np.ones((4, 1, 3, 3), np.float32)
    assert not chosen(weights, Recipe(structure="2:4")).any()


def test_random_masks_are_the_same_every_time_and_know_no_magnitude():
    weights = np.arange(1, 401, dtype=np.float32).reshape(20, 20)
    recipe = Recipe(importance="random", sparsity=0.25)
    found = chosen(weights, recipe)
    assert found.sum() == 100
    assert np.array_equal(found, chosen(weights[::-1].copy(), recipe))
    assert not np.array_equal(found, chosen(weights, Recipe(sparsity=0.25)))


def test_importance_before_folding_is_that_of_the_weights_as_they_were():
    weights = np.array([[1, -2], [3, 4], [5, 6]], np.float32)
    factor = np.array([-10.0, 0.0, 0.1])
    folded = Layer((weights * factor[:, None]).astype(np.float32), 0, factor)
    found = importance(folded, Recipe(importance="unfolded"))
    assert found == pytest.approx(np.array([[1, 2], [0, 0], [5, 6]]))


def zeros(network):
    tensors = {tensor.name: values(tensor) for tensor in network.model.graph.initializer}
    return [tensors[each.weight_name] == 0 for each in prunable_weights(network.model)]


def test_of_a_layer_without_folding_the_weights_are_as_they_were():
    weights = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    found = importance(Layer(weights), Recipe(importance="unfolded"))
    assert np.array_equal(found, np.abs(weights))


def test_a_folded_network_is_pruned_as_if_it_were_not_folded_yet(tmp_path):
    network = loaded(tmp_path, TinyNetwork(channels=8))
    before, _ = prune(network, Recipe(scope="global", sparsity=0.3))
    recipe = Recipe(scope="global", importance="unfolded", sparsity=0.3)
    after, _ = prune(fold_batch_norm(network), recipe)
    for first, second in zip(zeros(before), zeros(after), strict=True):
        assert np.array_equal(first, second)
    other, _ = prune(fold_batch_norm(network), Recipe(scope="global", sparsity=0.3))
    assert any(not np.array_equal(a, b) for a, b in zip(zeros(before), zeros(other), strict=True))


@pytest.mark.parametrize("sparsity", [0.01, 0.37, 0.9])
def test_no_weight_that_stays_is_less_than_one_that_goes(sparsity):
    weights = np.random.default_rng(4).normal(size=(200, 150)).astype(np.float32)
    goes = chosen(weights, Recipe(sparsity=sparsity, count="all"))
    assert goes.sum() == round(sparsity * weights.size)
    assert np.abs(weights[goes]).max() < np.abs(weights[~goes]).min()
