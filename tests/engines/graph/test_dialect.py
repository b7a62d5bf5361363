import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import NetworkError
from engines.graph import dialect
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from tests.networks import TinyNetwork, face_network, specification, write


def run(model, inputs):
    return open_network(model.SerializeToString()).run(inputs)[0]


def prepared():
    return np.random.default_rng(7).normal(size=(1, 3, 20, 16)).astype(np.float32)


def load(model, folder):
    return load_network(write(model, folder), specification()).model


def test_every_operator_set_from_seven_to_the_newest_of_onnx_runtime_is_taken(tmp_path):
    plain = face_network(TinyNetwork(batch_norm=False))
    expected = run(plain, prepared())
    for version in range(7, dialect.newest_operator_set() + 1):
        model = face_network(TinyNetwork(opset=version, batch_norm=False))
        assert run(load(model, tmp_path), prepared()) == pytest.approx(expected, abs=1e-6)


def test_an_older_operator_set_is_converted(tmp_path):
    model = face_network(TinyNetwork(batch_norm=False))
    expected = run(model, prepared())
    model.opset_import[0].version = 6
    loaded = load(model, tmp_path)
    assert loaded.opset_import[0].version == dialect.CONVERTED
    assert run(loaded, prepared()) == pytest.approx(expected, abs=1e-6)


def test_an_operator_set_newer_than_onnx_itself_is_refused_with_the_command(tmp_path):
    model = face_network(TinyNetwork(opset=onnx.defs.onnx_opset_version() + 1))
    wanted = rf"7 to {dialect.newest_operator_set()} are known.*export\(\.\.\., opset_version="
    with pytest.raises(NetworkError, match=wanted):
        load(model, tmp_path)


def test_an_operator_set_newer_than_onnx_runtime_here_is_converted(tmp_path, monkeypatch):
    monkeypatch.setattr(dialect, "newest_operator_set", lambda: 18)
    model = face_network(TinyNetwork(opset=20, batch_norm=False))
    loaded = load(model, tmp_path)
    assert loaded.opset_import[0].version == 18
    assert np.array_equal(run(loaded, prepared()), run(model, prepared()))


def test_local_functions_are_written_out(tmp_path):
    model = face_network(TinyNetwork(opset=18, batch_norm=False))
    expected = run(model, prepared())
    flat = next(node for node in model.graph.node if node.op_type == "Flatten")
    opsets = [helper.make_opsetid("", 18)]
    view = helper.make_node("Flatten", ["x"], ["y"])
    model.functions.append(helper.make_function("exporter", "view", ["x"], ["y"], [view], opsets))
    model.opset_import.append(helper.make_opsetid("exporter", 1))
    flat.CopyFrom(helper.make_node("view", flat.input, flat.output, domain="exporter"))
    loaded = load(model, tmp_path)
    assert {node.domain for node in loaded.graph.node} == {""}
    assert not loaded.functions
    assert np.array_equal(run(loaded, prepared()), expected)


def test_operators_of_one_library_are_refused_by_name(tmp_path):
    model = face_network(TinyNetwork(batch_norm=False))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.node[1].domain = "com.microsoft"
    with pytest.raises(NetworkError, match=r"com\.microsoft\.PRelu is not standard.*torch\.onnx"):
        load(model, tmp_path)


def _stored_as(kind, element, *, ends):
    model = face_network(TinyNetwork(opset=13))
    if ends:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.elem_type = element
    else:
        first, last = model.graph.node[0], model.graph.node[-1]
        first.input[0], last.output[0] = "taken", "made"
        entry = helper.make_node("Cast", ["input"], ["taken"], to=element)
        end = helper.make_node("Cast", ["made"], ["embedding"], to=TensorProto.FLOAT)
        nodes = [entry, *model.graph.node, end]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    for each in model.graph.initializer:
        array = numpy_helper.to_array(each).astype(kind)
        each.CopyFrom(numpy_helper.from_array(array, each.name))
    return model


@pytest.mark.parametrize("ends", [True, False], ids=["images too", "between casts"])
@pytest.mark.parametrize(
    ("kind", "element", "close"),
    [(np.float16, TensorProto.FLOAT16, 1e-2), (np.float64, TensorProto.DOUBLE, 1e-5)],
    ids=["half", "double"],
)
def test_other_floats_become_float32(tmp_path, kind, element, close, ends):
    shipped = _stored_as(kind, element, ends=ends)
    loaded = load(shipped, tmp_path)
    assert {each.data_type for each in loaded.graph.initializer} <= {
        TensorProto.FLOAT,
        TensorProto.INT64,
    }
    assert loaded.graph.node[0].op_type == "Conv", "no cast is left between image and layer"
    # ONNX Runtime's convolutions know no doubles, so the oracle is the network before its weights
    # were stored otherwise; half precision keeps 11 bits of a value.
    expected = run(face_network(TinyNetwork(opset=13)), prepared())
    assert run(loaded, prepared()) == pytest.approx(expected, abs=close)


def test_weights_beyond_float32_are_refused_as_infinite(tmp_path):
    model = _stored_as(np.float64, TensorProto.DOUBLE, ends=True)
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0] = 1e300
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "stem_w"))
    with pytest.raises(NetworkError, match="NaN or infinite"):
        load(model, tmp_path)


def _norm_in_training(model):
    norm = next(node for node in model.graph.node if node.op_type == "BatchNormalization")
    norm.attribute.append(helper.make_attribute("training_mode", 1))


def _old_norm_in_training(model):
    norm = next(node for node in model.graph.node if node.op_type == "BatchNormalization")
    norm.output.extend(["mean", "variance", "saved_mean", "saved_variance"])


def _dropout(model, told):
    end = model.graph.node[-1]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.float32(0.4), "ratio"),
            numpy_helper.from_array(np.bool_(told), "training"),
        ]
    )
    inputs = [end.input[0], "ratio", "training"]
    end.CopyFrom(helper.make_node("Dropout", inputs, ["embedding"], name="drop"))


def _noise(model):
    end = model.graph.node[-1]
    model.graph.node.insert(
        len(model.graph.node) - 1,
        helper.make_node("RandomNormalLike", [end.input[0]], ["noise"], name="noise"),
    )
    model.graph.node[-1].CopyFrom(
        helper.make_node("Add", [end.input[0], "noise"], ["embedding"], name="noisy")
    )


@pytest.mark.parametrize(
    ("change", "opset", "message"),
    [
        (_norm_in_training, 14, "BatchNormalization 'stem_norm' is in training mode"),
        (_old_norm_in_training, 11, "BatchNormalization 'stem_norm' is in training mode"),
        (lambda model: _dropout(model, told=True), 13, "Dropout 'drop' is in training mode"),
        (_noise, 13, "RandomNormalLike 'noise' draws random numbers"),
    ],
    ids=["norm", "norm of five outputs", "dropout", "noise"],
)
def test_a_network_that_is_still_training_is_refused_with_node_and_command(
    tmp_path, change, opset, message
):
    model = face_network(TinyNetwork(opset=opset))
    change(model)
    with pytest.raises(NetworkError, match=rf"{message}; export it again: .*model\.eval\(\)"):
        load(model, tmp_path)


def test_dropout_that_is_not_training_is_taken(tmp_path):
    model = face_network(TinyNetwork(opset=13))
    expected = run(model, prepared())
    _dropout(model, told=False)
    assert np.array_equal(run(load(model, tmp_path), prepared()), expected)
