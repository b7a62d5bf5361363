from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from engines.errors import EmbeddingError, NetworkError
from engines.graph import graph
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from engines.pruning.prune import prunable_weights
from engines.pruning.stochastic import (
    consistency,
    disturbed_copies,
    dropout_masks,
    response_lengths,
    signal_to_noise,
    split_before_last_layer,
    stochastic_quality,
)
from engines.quality.preprocess import prepare
from tests.networks import TinyNetwork, face_network, loaded, specification, write
from tests.pairs import synthetic_faces

ENDINGS = ["gemm", "reshape"]


@pytest.fixture
def faces():
    spec = specification()
    images = np.random.default_rng(0).integers(0, 256, (5, spec.height, spec.width, 3), np.uint8)
    return prepare(images, spec)


def opened(model):
    return open_network(model.SerializeToString())


def split(tmp_path, ending):
    network = loaded(tmp_path, TinyNetwork(ending=ending))
    parts = split_before_last_layer(network)
    return network, opened(parts.trunk), opened(parts.head)


@pytest.mark.parametrize("ending", ENDINGS)
def test_trunk_and_head_in_a_row_are_the_network(tmp_path, faces, ending):
    network, trunk, head = split(tmp_path, ending)
    whole = opened(network.model).run(faces)[0]
    (features,) = trunk.run(faces)
    # float32: the parts may be fused otherwise than the whole
    assert head.run(features)[0] == pytest.approx(whole, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("ending", ENDINGS)
def test_quality_is_the_formula_over_the_passes_counted_one_by_one(tmp_path, faces, ending):
    _, trunk, head = split(tmp_path, ending)
    (features,) = trunk.run(faces)
    masks = dropout_masks(features.shape[1], 7, seed=3)
    found = stochastic_quality(features, head, masks)
    for quality, face in zip(found, features, strict=True):
        rows = []
        for mask in masks:
            dropped = face * mask.reshape((-1,) + (1,) * (face.ndim - 1))
            row = head.run(dropped[None])[0][0].astype(float)
            rows.append(row / np.linalg.norm(row))
        mean = np.mean([[np.linalg.norm(a - b) for a in rows] for b in rows])
        assert quality == pytest.approx(2 / (1 + np.exp(mean)), abs=1e-6)


def test_quality_of_a_face_does_not_depend_on_its_batch(tmp_path, faces):
    _, trunk, head = split(tmp_path, "gemm")
    (features,) = trunk.run(faces)
    masks = dropout_masks(features.shape[1], 5, seed=0)
    alone = [stochastic_quality(features[i : i + 1], head, masks)[0] for i in range(len(faces))]
    assert stochastic_quality(features, head, masks).tolist() == alone


def test_equal_embeddings_are_consistent_and_opposite_ones_are_not():
    rows = np.array([[1.0, 2.0], [2.0, 4.0]], np.float32)
    assert consistency(rows) == pytest.approx(1, abs=1e-7)  # float64 cosine form
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)
    assert consistency(opposite) == pytest.approx(2 / (1 + np.e))  # mean of 0, 2, 2, 0


def test_a_pass_without_direction_is_an_error():
    with pytest.raises(EmbeddingError):
        consistency(np.array([[0.0, 0.0], [1.0, 0.0]], np.float32))


def test_masks_keep_the_sum_on_average_and_depend_on_the_seed_alone():
    masks = dropout_masks(1000, 20, seed=1)
    assert masks.mean() == pytest.approx(1, abs=0.03)
    assert set(np.unique(masks)) == {0, 2}
    assert np.array_equal(masks, dropout_masks(1000, 20, seed=1))
    assert not np.array_equal(masks, dropout_masks(1000, 20, seed=2))


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_masks_keep_the_sum_whatever_share_they_drop(monkeypatch, share):
    monkeypatch.setattr("engines.pruning.stochastic.DROPOUT", share)
    masks = dropout_masks(1000, 20, seed=1)
    assert (masks == 0).mean() == pytest.approx(share, abs=0.02)
    assert masks.mean() == pytest.approx(1, abs=0.05)


def test_expected_movement_is_the_mean_over_every_possible_mask(tmp_path):
    spec = specification(8, 8)  # 12 inputs of the last layer: 4,096 masks
    path = write(face_network(TinyNetwork(channels=3), spec), tmp_path)
    parts = split_before_last_layer(load_network(path, spec))
    trunk, head = opened(parts.trunk), opened(parts.head)
    (features,) = trunk.run(prepare(synthetic_faces(spec, subjects=4, each=1).images, spec))
    (embeddings,) = head.run(features)
    channels = features.shape[1]
    masks = 2.0 * ((np.arange(2**channels)[:, None] >> np.arange(channels)) & 1)  # 0 or 1 / (1 - p)
    found = signal_to_noise(features, embeddings, response_lengths(head, features[:1]))
    for ratio, face, embedding in zip(found, features, embeddings, strict=True):
        dropped = (face * masks).astype(np.float32)
        moved = head.run(dropped)[0].astype(float) - embedding
        mean = np.sqrt((moved**2).sum(axis=1).mean())
        assert ratio == pytest.approx(np.linalg.norm(embedding) / mean, rel=1e-4)  # float32 sums


def test_every_input_of_a_wide_last_layer_is_measured(monkeypatch, tmp_path, faces):
    _, trunk, head = split(tmp_path, "gemm")
    (features,) = trunk.run(faces)
    whole = response_lengths(head, features[:1])
    monkeypatch.setattr("engines.pruning.stochastic.UNIT_INPUTS", 7)
    assert whole.shape == features.shape[1:]
    assert response_lengths(head, features[:1]) == pytest.approx(whole, rel=1e-5)


def test_a_last_layer_that_reads_maps_has_no_closed_form(tmp_path, faces):
    _, trunk, head = split(tmp_path, "reshape")
    with pytest.raises(NetworkError, match="snr"):
        response_lengths(head, trunk.run(faces[:1])[0])


@pytest.mark.parametrize("value", [0.0, np.inf, np.nan])
@pytest.mark.parametrize("of", ["input", "embedding"])
def test_what_is_zero_or_not_finite_has_no_ratio(value, of):
    inputs, embeddings = np.ones((2, 2), np.float32), np.ones((2, 3), np.float32)
    (inputs if of == "input" else embeddings)[1] = value
    with pytest.raises(EmbeddingError, match="zero or not finite"):
        signal_to_noise(inputs, embeddings, np.ones(2))


def test_a_ratio_depends_on_neither_scale_nor_the_shape_of_the_last_layers_input():
    inputs = np.array([[0.03, 0.04]], np.float32)  # moves by 0.05 in the mean
    embeddings = np.array([[0.1, 0.0, 0.0]], np.float32)
    for shaped in (inputs, inputs.reshape(1, 2, 1, 1)):
        assert signal_to_noise(shaped, embeddings, np.ones(2)) == pytest.approx([2.0])


def test_copies_lose_about_half_of_their_least_live_weights_and_nothing_else(tmp_path):
    network = loaded(tmp_path, TinyNetwork(channels=24, dead_channels=3, embedding_length=32))
    before = weights_of(network.model)
    for copy in disturbed_copies(network, 3, seed=0):
        after = weights_of(copy.model)
        for name, values in before.items():
            zeroed = (after[name] == 0) & (values != 0)
            live = np.abs(values)[np.abs(values) > 1e-6]
            assert np.array_equal(after[name][~zeroed], values[~zeroed])
            assert np.all(np.abs(values[zeroed]) <= np.quantile(live, 0.2))
        share = sum(np.sum(after[n] == 0) - np.sum(v == 0) for n, v in before.items()) / sum(
            np.sum(v != 0) for v in before.values()
        )
        assert share == pytest.approx(0.1, abs=0.02)


def test_copies_may_lose_weights_of_the_last_layers_only(tmp_path):
    network = loaded(tmp_path, TinyNetwork(channels=24, embedding_length=32))
    before = weights_of(network.model)
    last_two = [weight.weight_name for weight in prunable_weights(network.model)[-2:]]
    for copy in disturbed_copies(network, 2, seed=0, last=2):
        after = weights_of(copy.model)
        changed = [name for name in before if not np.array_equal(after[name], before[name])]
        assert sorted(changed) == sorted(last_two)


def test_copies_differ_from_each_other_and_repeat_with_their_seed(tmp_path):
    network = loaded(tmp_path)
    first, second = disturbed_copies(network, 2, seed=4)
    assert first.model != second.model
    assert [c.model for c in disturbed_copies(network, 2, seed=4)] == [first.model, second.model]


def test_a_network_without_weights_cannot_be_split(tmp_path):
    network = loaded(tmp_path)
    del network.model.graph.node[:]
    network.model.graph.node.append(helper.make_node("Flatten", ["input"], ["embedding"]))
    with pytest.raises(NetworkError, match="dropout"):
        split_before_last_layer(network)


def test_a_shortcut_past_the_last_layer_is_refused(tmp_path):
    network = loaded(tmp_path)
    nodes = network.model.graph.node
    first, last = nodes[0].output[0], nodes[-1].output[0]
    nodes.extend(
        [
            helper.make_node("ReduceMean", [first], ["early"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Mul", [last, "early"], ["both"]),
        ]
    )
    with pytest.raises(NetworkError, match="shortcut passes by 'flat'"):
        split_before_last_layer(replace(network, output_name="both"))


def weights_of(model: onnx.ModelProto):
    tensors = graph.initializers(model)
    return {w.weight_name: graph.values(tensors[w.weight_name]) for w in prunable_weights(model)}
