"""Networks that are no pair come to TensorRT with open axes, and compute what their files do."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from engines.errors import NetworkError, PrecisionError
from engines.graph import graph
from engines.onnxruntime.backend import open_network
from engines.plans.options import PlanOptions
from engines.plans.planned_detector import SetNetwork
from engines.plans.set_networks import half_set, prepare_set, read_set_network
from engines.tensorrt.profile import ShapeProfile

OPTIONS = PlanOptions(flavour="rtx")
IMAGES = ShapeProfile(smallest=(1, 3, 8, 8), usual=(1, 3, 16, 24), largest=(1, 3, 40, 32))
BATCHES = ShapeProfile(smallest=(1, 3, 8, 8), usual=(2, 3, 8, 8), largest=(5, 3, 8, 8))


def written(folder, axes, nodes, outputs, weights):
    """Write a small network of float32 with outputs of these ranks, named after the first."""
    float_, random = onnx.TensorProto.FLOAT, np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(random.normal(0, scale, shape).astype(np.float32), name)
        for name, shape, scale in weights
    ]
    body = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", float_, axes)],
        [helper.make_tensor_value_info(n, float_, list("abcd")[:r]) for n, r in outputs.items()],
        tensors,
    )
    path = folder / f"{next(iter(outputs))}.onnx"
    opsets = [helper.make_opsetid("", 11)]
    onnx.save(helper.make_model(body, opset_imports=opsets, ir_version=6), path)
    return path


@pytest.fixture
def convolutional(tmp_path):
    """Two outputs that grow with the image, one from behind a PRelu."""
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["wide"], kernel_shape=[3, 3]),
        helper.make_node("PRelu", ["wide", "slopes"], ["active"]),
        helper.make_node("Conv", ["active", "v"], ["chances"], kernel_shape=[1, 1]),
    ]
    weights = [("w", (4, 3, 3, 3), 0.1), ("slopes", (4, 1, 1), 0.1), ("v", (2, 4, 1, 1), 0.1)]
    axes = [1, 3, "height", "width"]
    return written(tmp_path, axes, nodes, {"wide": 4, "chances": 4}, weights)


@pytest.fixture
def frozen(tmp_path):
    """A batch of one, stated and in the target of a Reshape."""
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["wide"], kernel_shape=[3, 3]),
        helper.make_node("Constant", [], ["target"], value=shape_of(1, 2, 72)),
        helper.make_node("Reshape", ["wide", "target"], ["rows"]),
    ]
    return written(tmp_path, [1, 3, 8, 8], nodes, {"rows": 3}, [("w", (4, 3, 3, 3), 0.1)])


def shape_of(*axes):
    return numpy_helper.from_array(np.array(axes, np.int64), "axes")


def images(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", IMAGES.all)
def test_images_of_every_size_give_what_the_file_gives(convolutional, shape):
    read = read_set_network(SetNetwork("net", convolutional, IMAGES), OPTIONS)
    ours = open_network(read.file.model.SerializeToString()).run(images(*shape))
    for one, other in zip(ours, open_network(convolutional).run(images(*shape)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_axes_that_vary_are_open_and_the_others_stay(convolutional):
    read = read_set_network(SetNetwork("net", convolutional, IMAGES), OPTIONS)
    assert graph.dimensions(read.file.model.graph.input[0]) == (1, 3, None, None)
    wide, chances = read.sizes.outputs
    assert (wide.name, wide.shape, wide.largest) == ("wide", (4, -1, -1), (1, 4, 38, 30))
    assert (chances.shape, chances.largest) == ((2, -1, -1), (1, 2, 38, 30))


def test_prelu_comes_in_the_form_asked_for(convolutional):
    for options, expected in ((OPTIONS, 0), (replace(OPTIONS, prelu="joined"), 1)):
        read = read_set_network(SetNetwork("net", convolutional, IMAGES), options)
        kinds = [node.op_type for node in read.file.model.graph.node]
        assert kinds.count("PRelu") == expected


def test_a_batch_frozen_to_one_is_opened_and_each_row_is_as_alone(frozen):
    read = read_set_network(SetNetwork("net", frozen, BATCHES), OPTIONS)
    inputs, alone = images(5, 3, 8, 8), open_network(frozen)
    (together,) = open_network(read.file.model.SerializeToString()).run(inputs)
    for image, row in zip(inputs, together, strict=True):
        np.testing.assert_allclose(row, alone.run(image[None])[0][0], atol=1e-5)
    assert read.sizes.outputs[0].shape == (2, 72)
    assert read.sizes.outputs[0].largest is None


def test_shapes_that_the_network_does_not_take_are_an_error_naming_file_and_shapes(frozen):
    with pytest.raises(NetworkError, match=r"rows\.onnx: does not take inputs of"):
        read_set_network(SetNetwork("net", frozen, IMAGES), OPTIONS)


def test_outputs_without_a_row_for_each_input_are_an_error(tmp_path):
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["wide"], kernel_shape=[3, 3]),
        helper.make_node("ReduceMax", ["wide"], ["most"], axes=[0], keepdims=1),
    ]
    axes = ["batch", 3, 8, 8]
    path = written(tmp_path, axes, nodes, {"most": 4}, [("w", (4, 3, 3, 3), 0.1)])
    with pytest.raises(NetworkError, match="output 'most' has no row for each input"):
        read_set_network(SetNetwork("net", path, BATCHES), OPTIONS)


def test_a_network_to_be_kept_in_fp32_is_the_rest_is_not(convolutional, frozen):
    networks = [SetNetwork("net", convolutional, IMAGES), SetNetwork("other", frozen, BATCHES)]
    found = {
        each.source.role: each for each in prepare_set(networks, OPTIONS, "strong", {"net": ""})
    }
    assert {name: each.source.precision for name, each in found.items()} == {
        "net": "fp32",
        "other": "fp16",
    }
    assert found["net"].source.half_weights == 0
    assert found["net"].shapes == IMAGES
    assert found["other"].shapes == BATCHES


def test_nodes_kept_in_fp32_are_those_of_the_pair_alone(convolutional):
    options = PlanOptions(flavour="rtx", keep_fp32=("of another network",))
    networks = [SetNetwork("net", convolutional, IMAGES)]
    assert [name for name, _ in half_set(networks, options)] == ["net"]
    assert len(list(prepare_set(networks, options, "strong"))) == 1


def test_weights_that_fp16_does_not_hold_are_refused(tmp_path):
    nodes = [helper.make_node("Conv", ["image", "w"], ["wide"], kernel_shape=[3, 3])]
    nodes.append(helper.make_node("Conv", ["wide", "v"], ["most"], kernel_shape=[1, 1]))
    weights = [("w", (4, 3, 3, 3), 1e6), ("v", (2, 4, 1, 1), 0.1)]
    path = written(tmp_path, [1, 3, "height", "width"], nodes, {"most": 4}, weights)
    with pytest.raises(PrecisionError, match="exceed 65504"):
        list(half_set([SetNetwork("net", path, IMAGES)], OPTIONS))
