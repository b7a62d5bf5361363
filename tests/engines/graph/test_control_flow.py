"""A branch in the graph, as exporters write for a squeeze of unknown size."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import NetworkError
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from tests.engines.tensorrt.foreign_packages import installed, run_with
from tests.networks import face_network, specification, write


def _branches():
    """The maps are squeezed where they are one pixel wide, which they never are."""
    model = face_network()
    flat = next(node for node in model.graph.node if node.op_type == "Flatten")
    maps, flat.input[0] = flat.input[0], "either"
    made = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("then", "else")]
    branches = [
        helper.make_graph([helper.make_node(op, [maps], [out.name])], out.name, [], [out])
        for op, out in zip(("Squeeze", "Identity"), made, strict=True)
    ]
    nodes = [
        helper.make_node("Shape", [maps], ["shape"]),
        helper.make_node("Gather", ["shape", "three"], ["width"]),
        helper.make_node("Equal", ["width", "one"], ["narrow"]),
        helper.make_node(
            "If", ["narrow"], ["either"], then_branch=branches[0], else_branch=branches[1]
        ),
    ]
    place = list(model.graph.node).index(flat)
    for offset, node in enumerate(nodes):
        model.graph.node.insert(place + offset, node)
    for name, value in (("three", 3), ("one", 1)):
        model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
    return model


def test_control_flow_is_refused_with_the_command_that_takes_it_out(tmp_path):
    path = write(_branches(), tmp_path)
    with pytest.raises(NetworkError, match=r"\(If\).*onnxsim FILE.* input:1,3,20,16$"):
        load_network(path, specification())


@pytest.mark.registry
def test_that_command_makes_it_a_network_that_is_taken(tmp_path):
    path = write(_branches(), tmp_path)
    folder, plain = installed("onnxsim==0.8.1"), tmp_path / "plain.onnx"
    words = (str(path), str(plain), "--overwrite-input-shape", "input:1,3,20,16")
    start = "import sys; from onnxsim import main; sys.exit(main())"
    done = run_with(folder, "-c", start, *words)
    assert done.returncode == 0, done.stderr
    faces = np.random.default_rng(1).normal(size=(1, 3, 20, 16)).astype(np.float32)
    network = load_network(plain, specification())
    expected = open_network(path).run(faces)[0]
    found = open_network(network.model.SerializeToString()).run(faces)[0]
    assert found == pytest.approx(expected, abs=1e-5)
