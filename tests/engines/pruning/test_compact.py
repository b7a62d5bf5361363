from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from engines.graph.batch_norm import fold_batch_norm
from engines.onnxruntime.backend import open_network
from engines.pruning.compact import compact
from engines.quality.shift import unit_rows
from tests.engines.dead_networks import MOVES, DeadNetwork
from tests.networks import TinyNetwork, loaded


def embeddings(network):
    faces = np.random.default_rng(1).normal(size=(4, 3, 20, 16)).astype(np.float32)
    return open_network(network.model.SerializeToString()).run(faces)[0]


def removed(network, multiple=1):
    """Return the removed output channels of each convolution."""
    return {each.layer: each.removed for each in compact(network, multiple)[1]}


@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from(MOVES), max_size=9),
    st.sampled_from([0.0, 1e-8, 1.0]),
    st.sampled_from([1, 4]),
)
def test_embeddings_stay_whatever_is_dead_and_however_the_layers_are_joined(
    seed, moves, bias_scale, multiple
):
    network = DeadNetwork(seed, tuple(moves), bias_scale).network()
    compacted, _ = compact(network, multiple)
    before, after = embeddings(network), embeddings(compacted)
    # Sums of at most some thousand float32 products in another order.
    assert np.abs(before - after).max() <= 2e-5 * max(np.abs(before).max(), 1)
    assert (unit_rows(before) * unit_rows(after)).sum(axis=1).min() >= 0.999999


def chain(*layers):
    """Return a network of convolutions given as (weights, bias, pads)."""
    network = DeadNetwork(0, ())
    del network.nodes[:], network.weights[:]
    last = "image"
    for weights, bias, pads in layers:
        inputs = [last, network.add(weights), network.add(np.array(bias, float))]
        last = network.node("Conv", inputs, pads=[pads] * 4)
    pooled = network.node("GlobalAveragePool", [last])
    network.nodes.append(helper.make_node("Flatten", [pooled], ["embedding"], name="flat"))
    return network.network()


def filters(outputs, inputs, size, dead=()):
    weights = np.random.default_rng(2).normal(size=(outputs, inputs, size, size))
    weights[list(dead)] = 0
    return weights


def test_what_folding_multiplied_by_stays_with_the_channels_that_stay():
    first = (filters(6, 3, 3, dead=(1, 4)), np.zeros(6), 0)
    network = chain(first, (filters(5, 6, 3), np.zeros(5), 0))
    name = network.model.graph.node[0].output[0]
    compacted, _ = compact(replace(network, folded={name: np.arange(6.0)}))
    assert compacted.folded[name].tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize(
    ("bias", "pads", "expected"),
    [
        (0.0, 0, 2),
        (0.7, 0, 2),  # folded into the bias of the next layer
        (0.0, 1, 2),
        (0.7, 1, 0),  # at the border the next layer sees 0 instead of 0.7
        (1e-9, 1, 2),  # less than float32 resolves
    ],
)
def test_a_dead_channel_goes_unless_padding_would_show_it(bias, pads, expected):
    first = (filters(6, 3, 3, dead=(1, 4)), [0.1, bias, 0.2, 0.3, bias, 0.4], 0)
    network = chain(first, (filters(5, 6, 3), np.ones(5), pads))
    assert removed(network) == {"n0": expected, "n1": 0}


def test_a_channel_that_no_layer_reads_goes_though_it_varies():
    second = filters(5, 6, 1)
    second[:, 2] = 0
    network = chain((filters(6, 3, 3), np.ones(6), 0), (second, np.ones(5), 0))
    assert removed(network) == {"n0": 1, "n1": 0}


def test_a_constant_travels_through_layers_that_are_constant_because_of_it():
    second = filters(4, 6, 1)
    second[0, :] = 0
    second[0, 1] = 3  # reads the dead channel only, so it is dead too
    first = (filters(6, 3, 3, dead=(1,)), np.full(6, 0.5), 0)
    network = chain(first, (second, np.ones(4), 0), (filters(5, 4, 1), np.ones(5), 0))
    assert removed(network) == {"n0": 1, "n1": 1, "n2": 0}


def test_the_embedding_keeps_its_constant_values():
    network = chain((filters(5, 3, 3, dead=(0, 1)), np.ones(5), 0))
    assert removed(network) == {"n0": 0}


def test_a_layer_all_of_whose_channels_are_dead_keeps_one():
    dead = (filters(6, 3, 3, dead=range(6)), np.ones(6), 0)
    network = chain(dead, (filters(5, 6, 1), np.ones(5), 0))
    assert removed(network) == {"n0": 5, "n1": 0}


@pytest.mark.parametrize(("multiple", "expected"), [(1, 5), (2, 4), (4, 4), (8, 0)])
def test_channels_that_stay_are_rounded_up_to_a_multiple(multiple, expected):
    first = (filters(8, 3, 3, dead=range(5)), np.zeros(8), 0)  # three of eight live
    network = chain(first, (filters(5, 8, 1), np.ones(5), 0))
    assert removed(network, multiple)["n0"] == expected


def test_a_network_without_dead_channels_stays_as_it_is(tmp_path):
    network = fold_batch_norm(loaded(tmp_path))
    compacted, report = compact(network)
    assert sum(each.removed for each in report) == 0
    assert compacted.model == network.model


def test_a_dead_channel_of_a_tiny_face_network_goes_only_when_nothing_pads_it(tmp_path):
    network = fold_batch_norm(loaded(tmp_path, TinyNetwork(dead_channels=3)))
    assert [each.removed for each in compact(network)[1]] == [0, 0]


def test_weights_shared_by_two_layers_are_cut_for_each_of_them():
    network = DeadNetwork(0, ())
    del network.nodes[:], network.weights[:]
    stem = network.node("Conv", ["image", network.add(filters(4, 3, 1, dead=(0,)))])
    square = network.add(filters(4, 4, 1, dead=(2,)))
    last = network.node("Conv", [network.node("Conv", [stem, square]), square])
    final = network.node("Conv", [last, network.add(filters(5, 4, 1))])
    pooled = network.node("GlobalAveragePool", [final])
    network.nodes.append(helper.make_node("Flatten", [pooled], ["embedding"], name="flat"))
    compacted, _ = compact(network.network())
    shapes = {numpy_helper.to_array(each).shape for each in compacted.model.graph.initializer}
    assert (3, 3, 1, 1) in shapes
    read = {name for node in compacted.model.graph.node for name in node.input}
    assert {each.name for each in compacted.model.graph.initializer} <= read
    np.testing.assert_allclose(embeddings(compacted), embeddings(network.network()), atol=1e-5)
