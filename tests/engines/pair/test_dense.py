import numpy as np
import onnx
import pytest
from onnx import helper

from engines.errors import NetworkError, PairIntegrityError
from engines.graph import graph
from engines.graph.cut import part_of
from engines.onnxruntime.backend import open_network
from engines.pair.dense import dense_network
from engines.pair.pair import open_pair
from engines.quality.preprocess import prepare
from tests.networks import loaded
from tests.pairs import put_pair, synthetic_faces


def test_the_dense_network_alone_embeds_as_the_pair_does(tmp_path):
    manifest = put_pair(tmp_path)
    network = dense_network(tmp_path / "pair", manifest)
    faces = synthetic_faces(subjects=4, each=1).images
    alone = open_network(network.model.SerializeToString()).run(
        prepare(faces, network.specification)
    )
    with open_pair(tmp_path / "pair") as pair:
        assert np.array_equal(alone[0], pair.embed(faces)[0])


def test_an_edited_dense_network_is_refused(tmp_path):
    manifest = put_pair(tmp_path)
    with (tmp_path / "pair" / "dense.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PairIntegrityError, match=r"dense\.onnx"):
        dense_network(tmp_path / "pair", manifest)


def test_a_part_of_a_graph_with_two_outputs_computes_one_of_them(tmp_path):
    network = loaded(tmp_path)
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    model.graph.node.append(helper.make_node("Neg", ["embedding"], ["negative"]))
    model.graph.output.append(helper.make_tensor_value_info("negative", 1, ["batch", 8]))
    part = part_of(model, network.input_name, "embedding")
    inputs = prepare(synthetic_faces(subjects=2, each=1).images, network.specification)
    whole = open_network(model.SerializeToString()).run(inputs)
    assert len(whole) == 2
    (alone,) = open_network(part.SerializeToString()).run(inputs)
    assert alone == pytest.approx(whole[0], abs=1e-6)


def test_a_part_carries_no_weights_of_the_rest(tmp_path):
    network = loaded(tmp_path)
    first = network.model.graph.node[0].output[0]
    part = part_of(network.model, network.input_name, first)
    assert len(part.graph.node) == 1
    assert set(graph.initializers(part)) == set(part.graph.node[0].input[1:])


def test_a_part_that_its_source_does_not_decide_alone_is_refused(tmp_path):
    network = loaded(tmp_path)
    with pytest.raises(NetworkError, match="cannot be cut"):
        part_of(network.model, "no such tensor", network.output_name)
