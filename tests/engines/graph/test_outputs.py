import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import NetworkError
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from tests.networks import TinyNetwork, face_network, specification, write


def run(model, inputs):
    return open_network(model.SerializeToString()).run(inputs)[0]


def prepared(count=3):
    return np.random.default_rng(7).normal(size=(count, 3, 20, 16)).astype(np.float32)


def singly(model):
    return np.concatenate([run(model, face[None]).reshape(1, -1) for face in prepared()])


def add_output(model, node, shape):
    model.graph.node.append(node)
    value = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, shape)
    model.graph.output.append(value)


def with_norm():
    """The embedding and its length, as MagFace and AdaFace give them."""
    model = face_network(TinyNetwork(opset=11))
    node = helper.make_node("ReduceL2", ["embedding"], ["norm"], axes=[1], keepdims=1)
    add_output(model, node, [1, 1])
    return model


def classifier():
    model = face_network(TinyNetwork(opset=13))
    node = helper.make_node("Softmax", ["embedding"], ["classes"], axis=1)
    add_output(model, node, [1, 8])
    del model.graph.output[0]
    return model


def test_the_output_as_long_as_stated_is_the_embedding(tmp_path):
    network = load_network(write(with_norm(), tmp_path), specification(), 8)
    assert network.output_name == "embedding"
    assert "ReduceL2" not in {node.op_type for node in network.model.graph.node}
    assert run(network.model, prepared()) == pytest.approx(singly(face_network()), abs=1e-5)


def test_of_two_that_fit_one_must_be_named(tmp_path):
    model = face_network()
    add_output(model, helper.make_node("Neg", ["embedding"], ["flipped"]), [1, 8])
    path = write(model, tmp_path)
    wanted = r"it has 2: embedding \(1, 8\), flipped \(1, 8\); name the tensor.*'output: NAME'"
    with pytest.raises(NetworkError, match=wanted):
        load_network(path, specification(), 8)
    network = load_network(path, specification(), 8, output="flipped")
    assert run(network.model, prepared()) == pytest.approx(-singly(face_network()), abs=1e-5)


def test_an_embedding_inside_a_classifier_is_taken_by_its_name(tmp_path):
    path = write(classifier(), tmp_path)
    with pytest.raises(NetworkError, match=r"Softmax: a classifier.*'output: NAME'"):
        load_network(path, specification(), 8)
    network = load_network(path, specification(), 8, output="embedding")
    assert run(network.model, prepared()) == pytest.approx(singly(face_network()), abs=1e-5)


def test_an_output_that_is_not_there_is_refused_with_near_names(tmp_path):
    path = write(face_network(), tmp_path)
    with pytest.raises(NetworkError, match=r"no node makes a tensor 'embeding'; near .*embedding"):
        load_network(path, specification(), 8, output="embeding")


def test_an_output_that_no_image_decides_is_refused(tmp_path):
    model = face_network()
    del model.graph.node[-1]
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 8), "f4"), "embedding"))
    with pytest.raises(NetworkError, match="'embedding' does not depend on the image"):
        load_network(write(model, tmp_path), specification(), 8)


def test_an_input_that_only_the_other_outputs_read_goes_with_them(tmp_path):
    model = face_network(TinyNetwork(opset=11))
    label = helper.make_tensor_value_info("label", TensorProto.FLOAT, [1, 8])
    model.graph.input.insert(0, label)
    add_output(model, helper.make_node("Mul", ["embedding", "label"], ["loss"]), [1, 8])
    network = load_network(write(model, tmp_path), specification(), 8, output="embedding")
    assert [each.name for each in network.model.graph.input] == ["input"]
    assert run(network.model, prepared()) == pytest.approx(singly(face_network()), abs=1e-5)


@pytest.mark.parametrize("axes", [[1, 8, 1, 1], [1, 1, 1, 8], [1, 1, 8], [8]])
def test_axes_of_one_are_taken_off_the_embedding(tmp_path, axes):
    model = face_network()
    shape = numpy_helper.from_array(np.array(axes), "axes")
    model.graph.initializer.append(shape)
    model.graph.node[-1].output[0] = "row"
    del model.graph.output[:]
    add_output(model, helper.make_node("Reshape", ["row", "axes"], ["embedding"]), axes)
    network = load_network(write(model, tmp_path), specification(), 8)
    assert run(network.model, prepared()) == pytest.approx(singly(face_network()), abs=1e-5)
