"""Networks that ONNX Runtime's own tools converted: half precision and integers."""

import numpy as np
import onnx
import pytest
from onnxruntime import quantization
from onnxruntime.transformers.float16 import convert_float_to_float16

from engines.errors import NetworkError
from engines.graph.half_precision import half_precision
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from engines.pruning.prune import prunable_weights
from tests.networks import TinyNetwork, face_network, specification, write

FACES = np.random.default_rng(7).normal(size=(8, 3, 20, 16)).astype(np.float32)


def run(path_or_content, inputs):
    return open_network(path_or_content).run(inputs)[0]


def loaded(path):
    return load_network(path, specification())


class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
    def __init__(self):
        self._faces = iter([{"input": face[None]} for face in FACES])

    def get_next(self):
        return next(self._faces, None)


@pytest.mark.parametrize("keeps_ends", [True, False])
def test_a_network_in_half_precision_is_widened(tmp_path, keeps_ends):
    shipped = face_network(TinyNetwork(opset=13))
    expected = run(shipped.SerializeToString(), FACES[:1])
    half = convert_float_to_float16(shipped, keep_io_types=keeps_ends)
    network = loaded(write(half, tmp_path))
    assert "Cast" not in {node.op_type for node in network.model.graph.node}
    found = run(network.model.SerializeToString(), FACES[:1])
    assert found == pytest.approx(expected, abs=1e-2)  # weights of 11 bits
    again = half_precision(network.model).model  # the converter's names do not meet their like
    assert run(again.SerializeToString(), FACES[:1]) == pytest.approx(expected, abs=1e-2)


def _quantised(folder, form):
    source = write(face_network(TinyNetwork(opset=13, batch_norm=False)), folder)
    target = folder / "quantised.onnx"
    quantization.quantize_static(
        source, target, Calibration(), quant_format=form, weight_type=quantization.QuantType.QInt8
    )
    return target


@pytest.mark.filterwarnings("ignore")
def test_a_network_with_quantised_weights_before_float_layers_is_taken(tmp_path):
    path = _quantised(tmp_path, quantization.QuantFormat.QDQ)
    network = loaded(path)
    assert len(prunable_weights(network.model)) == 3
    found, expected = (run(each, FACES[:1]) for each in (network.model.SerializeToString(), path))
    cosine = (found * expected).sum() / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 0.999  # values between layers are rounded to 256 steps, at times to the next


@pytest.mark.filterwarnings("ignore")
def test_a_network_with_integer_layers_is_refused_with_what_to_give(tmp_path):
    path = _quantised(tmp_path, quantization.QuantFormat.QOperator)
    wanted = r"quantised to integers \(QLinearConv\): give the float32 network.*QuantFormat\.QDQ"
    with pytest.raises(NetworkError, match=wanted):
        loaded(path)


@pytest.mark.filterwarnings("ignore")
def test_a_network_quantised_while_running_is_refused_with_what_to_give(tmp_path):
    source, target = write(face_network(TinyNetwork(opset=13)), tmp_path), tmp_path / "dynamic.onnx"
    quantization.quantize_dynamic(source, target)
    with pytest.raises(NetworkError, match=r"quantised to integers .*give the float32 network"):
        loaded(target)


def test_nodes_in_any_order_are_sorted(tmp_path):
    shipped = face_network(TinyNetwork(opset=13))
    turned = onnx.ModelProto()
    turned.CopyFrom(shipped)
    del turned.graph.node[:]
    turned.graph.node.extend(reversed(shipped.graph.node))
    network = loaded(write(turned, tmp_path))
    assert [n.output[0] for n in network.model.graph.node] == [
        n.output[0] for n in shipped.graph.node
    ]


def test_a_circle_of_nodes_is_refused_by_its_name(tmp_path):
    model = face_network()
    model.graph.node[0].input[0] = "depthwise"
    with pytest.raises(NetworkError, match=r"(?s)not a valid ONNX network.*sorted"):
        loaded(write(model, tmp_path))
