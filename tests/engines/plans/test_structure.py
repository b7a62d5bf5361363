"""What a graph says about speed: 2:4 layers and channel counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper

from engines.plans.memory import LARGEST, MIB, SMALLEST, available_bytes, default_workspace
from engines.plans.structure import two_four_layers, uneven_layers
from engines.tensorrt.errors import BuildError


def one_convolution(weights):
    channels, inputs = weights.shape[:2]
    body = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, channels, None, None])],
        [numpy_helper.from_array(weights.astype(np.float32), "w")],
    )
    return helper.make_model(body)


def obeys_two_four(weights) -> bool:
    """Brute force: walk every group of four input channels."""
    channels, inputs, height, width = weights.shape
    if inputs % 4 or not weights.any():
        return False
    return all(
        sum(weights[o, i + k, y, x] != 0 for k in range(4)) <= 2
        for o in range(channels)
        for i in range(0, inputs, 4)
        for y in range(height)
        for x in range(width)
    )


shapes = st.tuples(st.integers(1, 3), st.sampled_from([3, 4, 8]), st.just(1), st.integers(1, 2))


@given(hnp.arrays(np.float32, shapes, elements=st.sampled_from([0.0, 0.0, 0.0, 1.0])))
def test_two_four_layers_are_those_of_the_definition(weights):
    assert bool(two_four_layers(one_convolution(weights))) == obeys_two_four(weights)


@pytest.mark.parametrize(("channels", "uneven"), [(8, ()), (64, ()), (25, (("conv", 25),))])
def test_channels_that_are_no_multiple_of_eight_are_named(channels, uneven):
    assert uneven_layers(one_convolution(np.ones((channels, 4, 1, 1)))) == uneven


@pytest.mark.parametrize(
    ("available", "workspace"),
    [(100 * MIB, SMALLEST), (4096 * MIB, 1024 * MIB), (64 << 30, LARGEST)],
)
def test_the_workspace_is_a_quarter_of_free_memory_between_its_bounds(available, workspace):
    assert default_workspace(available) == workspace


def test_free_memory_is_read_from_meminfo(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 8000 kB\nMemAvailable:    1234 kB\n")
    assert available_bytes(tmp_path / "meminfo") == 1234 * 1024


@pytest.mark.parametrize("text", [None, "MemTotal: 1 kB\n"])
def test_a_sandbox_that_hides_meminfo_is_told_to_give_the_workspace(tmp_path, text):
    if text is not None:
        (tmp_path / "meminfo").write_text(text)
    with pytest.raises(BuildError, match="give --workspace"):
        available_bytes(tmp_path / "meminfo")
