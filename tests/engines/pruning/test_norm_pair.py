import numpy as np

from engines.graph.batch_norm import fold_batch_norm
from engines.onnxruntime.backend import open_network
from engines.pruning.norm_pair import norm_pair, quiet_vector
from engines.quality.recognisability import LENGTH
from engines.quality.shift import unit_rows
from tests.networks import loaded

FACES = np.random.default_rng(5).normal(size=(40, 3, 20, 16)).astype(np.float32)


def test_a_face_moves_the_less_the_longer_its_embedding(tmp_path):
    network = fold_batch_norm(loaded(tmp_path))
    alone = open_network(network.model.SerializeToString()).run(FACES)[0]
    model = norm_pair(network, alone).files["fused"]
    dense, moved = open_network(model).run(FACES)
    np.testing.assert_allclose(dense, alone, rtol=1e-5, atol=1e-5)
    shifts = np.linalg.norm(unit_rows(dense) - unit_rows(moved), axis=1)
    norms = np.linalg.norm(alone, axis=1)
    across = np.abs(unit_rows(alone) @ quiet_vector(alone)) / np.linalg.norm(quiet_vector(alone))
    expected = LENGTH * np.median(norms) / norms
    np.testing.assert_allclose(shifts, expected * np.sqrt(1 - across**2), rtol=0.1)
