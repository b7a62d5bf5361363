import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from tests.networks import TinyNetwork, face_network, specification, write

FACES = np.random.default_rng(7).normal(size=(5, 3, 20, 16)).astype(np.float32)


def run(model, inputs):
    return open_network(model.SerializeToString()).run(inputs)[0]


def singly(model):
    session = open_network(model.SerializeToString())
    return np.concatenate([session.run(face[None])[0].reshape(1, -1) for face in FACES])


def ending(*nodes, opset=13, batch=1, **constants):
    """Return a network whose maps `activated` (1, 6, 10, 8) go through nodes to `features`."""
    model = face_network(TinyNetwork(opset=opset, batch_norm=False))
    kept = list(model.graph.node)[:2]
    del model.graph.node[:]
    weights = np.random.default_rng(3).normal(size=(8, 480)).astype(np.float32)
    constants = {**constants, "last_w": weights, "row": np.array([batch, 480])}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()
    )
    last = [
        helper.make_node("Reshape", ["features", "row"], ["flat"], name="flat"),
        helper.make_node("Gemm", ["flat", "last_w"], ["embedding"], name="last", transB=1),
    ]
    model.graph.node.extend([*kept, *nodes, *last])
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    graph.drop_unused_initializers(model)
    return model


def load(model, folder):
    return load_network(write(model, folder), specification(), 8).model


def batch_of(model):
    return (graph.dimensions(model.graph.input[0]) or (0,))[0]


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], name=output, **attributes)


def resized(size):
    """Halved, brought to a size, and cut to the old one."""
    return ending(
        node("AveragePool", ["activated"], "small", kernel_shape=[2, 2], strides=[2, 2]),
        node("Resize", ["small", "", "", "size"], "large", mode="nearest"),
        node("Slice", ["large", "from", "to", "axes"], "features"),
        size=np.array(size),
        to=np.array([10, 8]),
        axes=np.array([2, 3]),
        **{"from": np.array([0, 0])},
    )


def windows():
    """The batch becomes four windows of a fourth each, and one again."""
    return ending(
        node("Reshape", ["activated", "four"], "parts"),
        node("Transpose", ["parts"], "turned", perm=[0, 2, 1, 3]),
        node("Reshape", ["turned", "windows"], "windowed"),
        node("Softmax", ["windowed"], "soft", axis=2),
        node("Reshape", ["soft", "joined"], "features"),
        four=np.array([1, 6, 4, 20]),
        windows=np.array([4, 6, 20]),
        joined=np.array([1, 4, 6, 20]),
    )


def batch_in_the_middle():
    """As attention does that takes (length, batch, channels)."""
    return ending(
        node("Reshape", ["activated", "tokens"], "flatter"),
        node("Transpose", ["flatter"], "middle", perm=[2, 0, 1]),
        node("Reshape", ["middle", "heads"], "headed"),
        node("Softmax", ["headed"], "soft", axis=-1),
        node("Reshape", ["soft", "headless"], "back"),
        node("Transpose", ["back"], "features", perm=[1, 0, 2]),
        tokens=np.array([1, 6, 80]),
        heads=np.array([80, 2, 3]),
        headless=np.array([80, 1, 6]),
    )


def class_token():
    return ending(
        node("Concat", ["activated", "token"], "longer", axis=2),
        node("Slice", ["longer", "from", "to", "axis"], "features"),
        token=np.random.default_rng(5).normal(size=(1, 6, 1, 8)).astype(np.float32),
        **{"from": np.array([1]), "to": np.array([11]), "axis": np.array([2])},
    )


@pytest.mark.parametrize(
    "model",
    [windows(), batch_in_the_middle(), class_token(), resized([1, 6, 10, 8])],
    ids=["windows", "batch in the middle", "class token", "resized to a size"],
)
def test_a_frozen_batch_is_opened_and_each_face_keeps_its_embedding(tmp_path, model):
    opened = load(model, tmp_path)
    assert batch_of(opened) is None
    assert run(opened, FACES) == pytest.approx(singly(model), abs=1e-5)


def test_a_batch_frozen_to_several_faces_is_opened(tmp_path):
    opened = load(face_network(TinyNetwork(batch=2)), tmp_path)
    assert batch_of(opened) is None
    assert run(opened, FACES) == pytest.approx(singly(face_network()), abs=1e-5)


def mixed(batch=1, opset=13):
    """All faces of a batch in one row, of which the places of the first ones are taken."""
    return ending(
        node("Reshape", ["activated", "one_row"], "row_of_all"),
        node("Gather", ["row_of_all", "places"], "features"),
        batch=batch,
        opset=opset,
        one_row=np.array([-1]),
        places=np.arange(480 * batch).reshape(batch, 480),
    )


def told_while_running():
    """A shape computed while running, in which the exporter left its batch of one."""
    model = ending(
        node("Shape", ["activated"], "shape"),
        node("Gather", ["shape", "channels"], "six"),
        node("Cast", ["six"], "real", to=TensorProto.FLOAT),
        node("Floor", ["real"], "floored"),
        node("Cast", ["floored"], "six_again", to=TensorProto.INT64),
        node("Concat", ["ones", "six_again", "rest"], "target", axis=0),
        node("Reshape", ["activated", "target"], "mixed"),
        node("ReduceMean", ["mixed"], "mean", axes=[1], keepdims=1),
        node("Sub", ["activated", "mean"], "features"),
        channels=np.array([1]),
        ones=np.array([1]),
        rest=np.array([-1, 8]),
    )
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    return model


@pytest.mark.parametrize(
    "model",
    [mixed(), told_while_running()],
    ids=["places in the batch", "told while running"],
)
def test_a_network_whose_batch_cannot_be_opened_runs_face_by_face(tmp_path, model, caplog):
    opened = load(model, tmp_path)
    assert batch_of(opened) == 1
    assert "network.onnx: its batch cannot be opened, so faces run one by one" in caplog.text
    assert run(opened, FACES) == pytest.approx(singly(model), abs=1e-5)


def test_a_batch_of_several_that_cannot_be_opened_is_refused_with_the_command(tmp_path):
    wanted = r"batch is frozen to 2 faces.*torch\.onnx\.export\(\.\.\., dynamic_axes="
    with pytest.raises(NetworkError, match=wanted):
        load(mixed(batch=2), tmp_path)


def test_shapes_written_between_the_layers_are_dropped(tmp_path):
    model = onnx.shape_inference.infer_shapes(windows())
    assert model.graph.value_info
    assert not load(model, tmp_path).graph.value_info


def unstated(length):
    """Return a network whose output is of a shape nobody can infer, claimed to be that long."""
    model = face_network()
    model.graph.node.extend(
        [
            node("NonZero", ["flat"], "places"),
            node("Shape", ["places"], "count"),
            node("Sub", ["count", "count"], "nothing"),
            node("Shape", ["embedding"], "size"),
            node("Add", ["size", "nothing"], "same_size"),
            node("Reshape", ["embedding", "same_size"], "last"),
        ]
    )
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, length]))
    return model


@pytest.mark.parametrize("claimed", [9, "D"])
def test_a_wrong_embedding_length_is_told_at_reading_where_no_shape_tells_it(tmp_path, claimed):
    path = write(unstated(claimed), tmp_path)
    with pytest.raises(NetworkError, match="8 values long, the entry says 9"):
        load_network(path, specification(), 9)


@pytest.mark.parametrize("claimed", [9, "D"])
def test_an_embedding_length_that_no_shape_tells_is_seen_by_running(tmp_path, claimed):
    network = load_network(write(unstated(claimed), tmp_path), specification())
    assert network.embedding_length == 8
    assert graph.dimensions(network.model.graph.output[0]) == (None, 8)


def test_a_quality_of_several_values_is_refused_as_one(tmp_path):
    with pytest.raises(NetworkError, match="8 values long, a quality is one"):
        load_network(write(face_network(), tmp_path), specification(), 1)
