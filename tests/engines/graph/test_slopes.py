import numpy as np
import pytest
from onnx import numpy_helper

from engines.errors import NetworkError
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from engines.pruning.form import form_pair
from engines.pruning.recipe import Recipe
from tests.networks import TinyNetwork, face_network, specification, write


def with_slopes(shape, channels=6):
    model = face_network(TinyNetwork(opset=8, channels=channels))
    slopes = next(each for each in model.graph.initializer if each.name == "slopes")
    values = np.resize(numpy_helper.to_array(slopes), shape)
    slopes.CopyFrom(numpy_helper.from_array(values, "slopes"))
    return model


def run(model):
    inputs = np.random.default_rng(7).normal(size=(1, 3, 20, 16)).astype(np.float32)
    return open_network(model.SerializeToString()).run(inputs)[0]


def load(model, folder):
    return load_network(write(model, folder), specification())


def test_slopes_of_one_axis_run_along_the_channels(tmp_path):
    expected = run(face_network(TinyNetwork(opset=8)))
    assert run(load(with_slopes((6,)), tmp_path).model) == pytest.approx(expected, abs=1e-6)


def test_a_pair_is_formed_of_such_a_network(tmp_path):
    formed = form_pair(load(with_slopes((6,)), tmp_path), Recipe(sparsity=0.3), "fused")
    assert formed.cost.pair > formed.cost.dense


def test_slopes_that_fit_the_last_axis_stay_as_onnx_says(tmp_path):
    model = with_slopes((8,))  # the map is 10 x 8
    assert np.array_equal(run(load(model, tmp_path).model), run(model))


def test_slopes_that_fit_nothing_are_refused_with_node_and_shapes(tmp_path):
    wanted = r"PRelu 'activated' has slopes \(5,\) for a tensor \(1, 6, 10, 8\)"
    with pytest.raises(NetworkError, match=wanted):
        load(with_slopes((5,)), tmp_path)


@pytest.mark.parametrize("shape", [(1,), (6, 1, 1), (1, 6, 1, 1)])
def test_other_slopes_stay(tmp_path, shape):
    model = with_slopes(shape)
    assert np.array_equal(run(load(model, tmp_path).model), run(model))
