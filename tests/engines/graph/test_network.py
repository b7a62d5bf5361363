import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import NetworkError
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from tests.networks import TinyNetwork, face_network, specification, write


def run(model, inputs):
    return open_network(model.SerializeToString()).run(inputs)[0]


def prepared(count=5):
    return np.random.default_rng(7).normal(size=(count, 3, 20, 16)).astype(np.float32)


@pytest.mark.parametrize("ending", ["gemm", "reshape"])
def test_a_batch_frozen_to_one_is_opened_and_gives_each_face_its_own_embedding(tmp_path, ending):
    model = face_network(TinyNetwork(ending=ending))
    opened = load_network(write(model, tmp_path), specification()).model
    singly = np.concatenate([run(model, face[None]) for face in prepared()])
    together = run(opened, prepared())
    assert together == pytest.approx(singly, abs=1e-5)  # float32, another order of summing


def test_the_source_hash_is_the_files_sha256(tmp_path):
    path = write(face_network(), tmp_path)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_network(path, specification()).source_sha256 == expected


def test_initializers_listed_as_inputs_by_old_files_are_no_inputs(tmp_path):
    model = face_network(TinyNetwork(opset=8))
    model.ir_version = 3
    for each in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
        )
    network = load_network(write(model, tmp_path), specification())
    assert network.input_name == "input"
    assert len(network.model.graph.input) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just some text, not a network\n" * 20, "not an ONNX file|no graph"),
        (b"\x08\x07", "no graph"),
    ],
)
def test_what_is_no_onnx_file_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "wrong.onnx"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=f"wrong.onnx.*({message})"):
        load_network(path, specification())


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    content = face_network().SerializeToString()
    path = tmp_path / "cut.onnx"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(NetworkError, match=r"cut\.onnx"):
        load_network(path, specification())


def test_a_two_gibibyte_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2 << 30)  # sparse: takes no space
    with pytest.raises(NetworkError, match="2,147,483,648 bytes"):
        load_network(path, specification())


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(NetworkError, match="No such file"):
        load_network(tmp_path / "absent.onnx", specification())
    with pytest.raises(NetworkError, match="directory"):
        load_network(tmp_path, specification())


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"width": 20}, "not this network"),
        ({"height": 16}, "not this network"),
        ({"layout": "nhwc"}, "write 'layout: nchw' and 'colour: rgb' or bgr in its entry"),
        ({"colour": "grey"}, "write 'layout: nchw' and 'colour: rgb' or bgr in its entry"),
    ],
)
def test_an_input_that_contradicts_the_specification_is_refused(tmp_path, wrong, advice):
    path = write(face_network(), tmp_path)
    with pytest.raises(NetworkError, match=rf"input 'input' is float \(1, 3, 20, 16\).*{advice}"):
        load_network(path, specification(**wrong))


def test_a_grey_input_is_named(tmp_path):
    path = write(face_network(spec=specification(colour="grey")), tmp_path)
    with pytest.raises(NetworkError, match="write 'layout: nchw' and 'colour: grey' in its entry"):
        load_network(path, specification())


def test_an_input_of_bytes_is_named(tmp_path):
    model = face_network()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    model.graph.node[0].input[0] = "real"
    cast = helper.make_node("Cast", ["input"], ["real"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    with pytest.raises(NetworkError, match=r"is uint8 \(1, 3, 20, 16\), .* says float \(N, 3"):
        load_network(write(model, tmp_path), specification())


def test_another_embedding_length_than_stated_is_refused(tmp_path):
    path = write(face_network(), tmp_path)
    with pytest.raises(NetworkError, match="'embedding_length: 8' there"):
        load_network(path, specification(), embedding_length=512)


def _ending_in(model, op, **attributes):
    model.graph.node[-1].CopyFrom(
        helper.make_node(op, [model.graph.node[-1].input[0]], ["embedding"], **attributes)
    )
    return model


def test_a_classifier_is_refused(tmp_path):
    path = write(_ending_in(face_network(), "Softmax", axis=1), tmp_path)
    with pytest.raises(NetworkError, match="Softmax: a classifier"):
        load_network(path, specification())


def test_feature_maps_are_no_embeddings(tmp_path):
    model = face_network()
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("depthwise", TensorProto.FLOAT, [1, 6, 5, 4])
    )
    with pytest.raises(NetworkError, match=r"is \(1, 6, 5, 4\), not \(N, D\) embeddings"):
        load_network(write(model, tmp_path), specification())


def test_two_inputs_or_two_outputs_are_refused(tmp_path):
    model = face_network()
    model.graph.output.append(helper.make_tensor_value_info("stem", TensorProto.FLOAT, [1]))
    wanted = r"one embedding output.*embedding \(1, 8\), stem \(.*'output: NAME'"
    with pytest.raises(NetworkError, match=wanted):
        load_network(write(model, tmp_path), specification())
    model = face_network()
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1]))
    with pytest.raises(NetworkError, match=r"one image input.*input, other"):
        load_network(write(model, tmp_path), specification())


def test_not_finite_weights_are_refused(tmp_path):
    broken = face_network()
    weights = numpy_helper.to_array(broken.graph.initializer[0]).copy()
    weights[0, 0, 0, 0] = np.nan
    broken.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "stem_w"))
    with pytest.raises(NetworkError, match="'stem_w' hold NaN"):
        load_network(write(broken, tmp_path), specification())


def _with_external_data(folder: Path) -> onnx.ModelProto:
    path = folder / "network.onnx"
    onnx.save_model(
        face_network(), path, save_as_external_data=True, location="weights", size_threshold=0
    )
    return onnx.load_model(path, load_external_data=False)


def test_external_data_in_its_folder_is_loaded(tmp_path):
    _with_external_data(tmp_path)
    network = load_network(tmp_path / "network.onnx", specification())
    assert np.array_equal(run(network.model, prepared(1)), run(face_network(), prepared(1)))


@pytest.mark.parametrize("location", ["../weights", "/etc/hostname", "link"])
def test_external_data_outside_its_folder_is_refused(tmp_path, location):
    folder = tmp_path / "network"
    folder.mkdir()
    model = _with_external_data(folder)
    (folder / "weights").rename(tmp_path / "weights")
    (folder / "link").symlink_to(tmp_path / "weights")
    model.graph.initializer[0].external_data[0].value = location
    path = write(model, folder)
    with pytest.raises(NetworkError, match="lies outside"):
        load_network(path, specification())


def test_missing_external_data_is_named(tmp_path):
    _with_external_data(tmp_path)
    (tmp_path / "weights").unlink()
    with pytest.raises(NetworkError, match="'weights' is missing"):
        load_network(tmp_path / "network.onnx", specification())
