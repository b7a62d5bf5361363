import numpy as np
import onnx
import pytest

from engines.graph.batch_norm import fold_batch_norm
from engines.onnxruntime.backend import open_network
from engines.pruning.form import form_pair
from engines.pruning.recipe import Recipe
from engines.pruning.recognisability_output import (
    pair_with_recognisability,
    recognisability_pair,
)
from engines.quality.recognisability import fitted
from tests.networks import loaded

FACES = np.random.default_rng(5).normal(size=(40, 3, 20, 16)).astype(np.float32)


@pytest.fixture
def network(tmp_path):
    return loaded(tmp_path)


@pytest.fixture
def found(network):
    alone = open_network(fold_batch_norm(network).model.SerializeToString())
    (embeddings,) = alone.run(FACES)
    return fitted(embeddings[:20] * 0.2, embeddings[20:])


def outputs(formed):
    return open_network(formed.files["fused"]).run(FACES)


def test_the_graph_moves_an_embedding_as_the_measure_says(network, found):
    dense, moved = outputs(recognisability_pair(network, found))
    np.testing.assert_allclose(moved, found.moved(dense), rtol=1e-4, atol=1e-5)


def test_each_mask_gets_a_moved_embedding_beside_it(network, found):
    recipe = Recipe(sparsity=0.3, masks=(Recipe(sparsity=0.1),))
    alone, pruned = outputs(form_pair(network, recipe, "fused"))
    dense, beside = outputs(pair_with_recognisability(network, recipe, found))
    np.testing.assert_allclose(dense, alone, rtol=1e-5, atol=1e-5)
    width = dense.shape[1]
    np.testing.assert_allclose(beside[:, : 2 * width], pruned, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(beside[:, 2 * width :], np.tile(found.moved(dense), 2), rtol=1e-4)


@pytest.mark.parametrize("operator_set", [11, 13, 18])
def test_it_is_the_same_in_every_operator_set(network, found, operator_set):
    content = recognisability_pair(network, found).files["fused"]
    model = onnx.load_from_string(content)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", operator_set))
    dense, moved = open_network(model.SerializeToString()).run(FACES)
    np.testing.assert_allclose(moved, found.moved(dense), rtol=1e-4, atol=1e-5)
