"""Whatever convolutions, pools and heads a network is put together of, its quick form agrees."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engines.graph.quick.form import quick_form
from engines.graph.trial import tried

IMAGE = np.random.default_rng(5).normal(0, 1, (2, 3, 13, 11)).astype(np.float32)
WIDTHS = (1, 2, 5, 11, 14, 15, 16, 17, 28, 32)
"""Channels: about one block and two."""
SLOPES = (-0.5, 0.0, 0.25, 1.0, 1.5)


@dataclass
class Drawn:
    """A network that grows by drawing, its tensors being named by numbers."""

    draw: Any
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    flat: set[str] = field(default_factory=set)
    """Tensors of two axes; the others have four."""
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def node(self, kind: str, inputs: list[str], **written: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"n{name}", **written))
        is_flat = kind in ("Flatten", "Gemm") or inputs[0] in self.flat
        if is_flat:
            self.flat.add(name)
        return name

    def weight(self, values: object) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(values, np.float32)
        is_made = not self.draw(st.integers(0, 20))
        return self.node("Identity", [name]) if is_made else name

    def convolution(self, source: str, channels: int, made: int, kernels: tuple[int, ...]) -> str:
        kernel, pad = self.draw(st.sampled_from(kernels)), self.draw(st.integers(0, 1))
        is_depthwise = made == channels and self.draw(st.booleans())
        shape = (made, 1 if is_depthwise else channels, kernel, kernel)
        names = [source, self.weight(self.random.normal(0, 0.3, shape))]
        if self.draw(st.integers(0, 3)):
            names.append(self.weight(self.random.normal(0, 0.3, made)))
        group = channels if is_depthwise else 1
        return self.node("Conv", names, group=group, pads=[pad] * 4)

    def prelu(self, source: str, channels: int) -> str:
        count = self.draw(st.sampled_from([1, channels]))
        slopes = np.array([self.draw(st.sampled_from(SLOPES)) for _ in range(count)])
        is_across = not self.draw(st.integers(0, 9))  # one for each column: another thing
        return self.node(
            "PRelu", [source, self.weight(slopes if is_across else slopes[:, None, None])]
        )

    def pool(self, source: str) -> str:
        size = self.draw(st.integers(1, 2))
        pooled = self.node("MaxPool", [source], kernel_shape=[2, 2], strides=[size, size])
        if not self.draw(st.integers(0, 5)):
            self.nodes[-1].output.append(f"{pooled}places")  # there, and not read
        return pooled

    def activation(self, source: str, channels: int) -> str:
        kind = self.draw(st.sampled_from(["both", "both", "PRelu", "MaxPool", "Relu", "Tanh"]))
        if kind == "both":
            return self.pool(self.prelu(source, channels))
        if kind == "MaxPool":
            return self.pool(source)
        return self.prelu(source, channels) if kind == "PRelu" else self.node(kind, [source])

    def trunk(self) -> tuple[str, int]:
        source, channels = "x", 3
        if not self.draw(st.integers(0, 9)):
            source = self.activation(source, channels)
        for _ in range(self.draw(st.integers(0, 2))):
            made = self.draw(st.sampled_from(WIDTHS))
            source, channels = self.convolution(source, channels, made, (1, 3)), made
            for _ in range(self.draw(st.integers(0, 3))):
                source = self.activation(source, channels)
        return source, channels

    def flat_head(self, source: str, channels: int) -> str:
        pooled = self.node("Flatten", [self.node("GlobalAveragePool", [source])])
        made, turned = self.draw(st.sampled_from([2, 2, 3])), self.draw(st.integers(0, 1))
        shape = (made, channels) if turned else (channels, made)
        names = [pooled, self.weight(self.random.normal(0, 0.3, shape))]
        biases = self.draw(st.sampled_from([(made,), (made,), (1,), (1, made)]))
        names.append(self.weight(self.random.normal(0, 0.3, biases)))
        scales = st.sampled_from([1.0, 1.0, 0.5])
        alpha, beta = self.draw(scales), self.draw(scales)
        end = self.node("Gemm", names, transB=turned, alpha=alpha, beta=beta)
        axis = self.draw(st.sampled_from([1, 1, -1, 0]))
        return self.node("Softmax", [end], axis=axis) if self.draw(st.integers(0, 3)) else end

    def head(self, source: str, channels: int) -> str:
        if not self.draw(st.integers(0, 3)):
            return self.flat_head(source, channels)
        made = self.draw(st.sampled_from([1, 2, 2, 5, channels]))
        end = self.convolution(source, channels, made, (1, 1, 3))
        after = self.draw(st.sampled_from(["nothing", "convolution", "softmax"]))
        if after == "convolution":
            return self.convolution(end, made, made, (1, 3))
        return self.chances(end) if after == "softmax" else end

    def chances(self, end: str) -> str:
        turns = [[0, 2, 3, 1], [0, 3, 2, 1], [0, 1, 2, 3]]
        turn, back = self.draw(st.sampled_from(turns)), self.draw(st.sampled_from(turns))
        if self.draw(st.integers(0, 3)):
            back = [turn.index(axis) for axis in range(4)]
        turned = self.node("Transpose", [end], perm=turn)
        soft = self.node("Softmax", [turned], axis=self.draw(st.sampled_from([3, 3, 3, 1])))
        return self.node("Transpose", [soft], perm=back)


@st.composite
def networks(draw):
    drawn = Drawn(draw)
    source, channels = drawn.trunk()
    ends = [drawn.head(source, channels) for _ in range(draw(st.integers(1, 3)))]
    made = [node.output[0] for node in drawn.nodes if node.op_type != "Identity"]
    within = [name for name in made if name not in ends]
    told = [name for name in within if draw(st.integers(0, 5)) == 0]
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        drawn.nodes,
        "drawn",
        [values("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [
            values(name, TensorProto.FLOAT, [None] * (2 if name in drawn.flat else 4))
            for name in [*ends, *told]
        ],
        [numpy_helper.from_array(each, name) for name, each in drawn.weights.items()],
    )
    opsets = [helper.make_opsetid("", draw(st.sampled_from([9, 10, 11, 13])))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_the_quick_form_of_any_network_computes_what_the_network_does(model):
    expected = tried(model, [{"x": IMAGE}])
    assume(expected)
    assert expected
    quick = quick_form(model)
    onnx.checker.check_model(quick, full_check=True)
    got = tried(quick, [{"x": IMAGE}])
    assert got is not None
    for one, other in zip(expected[0], got[0], strict=True):
        assert other == pytest.approx(one, abs=1e-4 * max(1.0, float(np.abs(one).max())))
