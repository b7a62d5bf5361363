import numpy as np
import pytest

from engines.graph.batch_norm import fold_batch_norm
from engines.onnxruntime.backend import open_network
from tests.networks import TinyNetwork, loaded


def operators(network):
    return [node.op_type for node in network.model.graph.node]


def embeddings(network):
    faces = np.random.default_rng(3).normal(size=(4, 3, 20, 16)).astype(np.float32)
    return open_network(network.model.SerializeToString()).run(faces)[0]


@pytest.mark.parametrize("convolution_bias", [False, True])
@pytest.mark.parametrize("opset", [8, 13, 17])
def test_folding_removes_every_norm_after_conv_or_gemm_and_moves_no_embedding(
    tmp_path, opset, convolution_bias
):
    network = loaded(tmp_path, TinyNetwork(opset=opset, convolution_bias=convolution_bias))
    folded = fold_batch_norm(network)
    assert operators(network).count("BatchNormalization") == 3
    assert "BatchNormalization" not in operators(folded)
    assert embeddings(folded) == pytest.approx(embeddings(network), abs=1e-5)  # float32 weights


def test_gemm_without_transposed_weights_folds_along_its_other_axis(tmp_path):
    network = loaded(tmp_path)
    gemm = next(node for node in network.model.graph.node if node.op_type == "Gemm")
    del gemm.attribute[:]
    for tensor in network.model.graph.initializer:
        if tensor.name == "gemm_w":
            tensor.dims[:] = tensor.dims[::-1]
    folded = fold_batch_norm(network)
    assert "BatchNormalization" not in operators(folded)
    assert embeddings(folded) == pytest.approx(embeddings(network), abs=1e-5)


def test_a_convolution_that_somebody_else_reads_keeps_its_norm(tmp_path):
    network = loaded(tmp_path)
    graph = network.model.graph
    prelu = next(node for node in graph.node if node.op_type == "PRelu")
    prelu.input[0] = "stem"  # reads past the norm, which nobody else reads
    network.model.graph.node[-2].input[0] = "embedding_raw"
    folded = fold_batch_norm(network)
    assert operators(folded).count("BatchNormalization") == 1


def test_folding_leaves_the_given_network_alone(tmp_path):
    network = loaded(tmp_path)
    before = network.model.SerializeToString()
    fold_batch_norm(network)
    assert network.model.SerializeToString() == before
