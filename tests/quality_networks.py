"""A quality network of one convolution whose quality is known: the mean of its input."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ENTRY = """\
name: brightness
kind: quality
licence: none needed
direction: {direction}
specification: {{width: 32, height: 24, colour: rgb, mean: 0, scale: 255, layout: nhwc,
  template: [[10, 8], [22, 8], [16, 18]]}}
files:
  - {{name: brightness.onnx, file: brightness.onnx}}
"""
"""Width and height differ, and so does every other value from those of tests/networks.py."""


def brightness_network(ending: str = "Identity", values: int = 1) -> onnx.ModelProto:
    """Return (N, 24, 32, 3) -> (N, 1), the mean of all values, behind an ending; or more values."""
    weights = np.full((values, 3, 24, 32), 1 / (3 * 24 * 32), np.float32)
    nodes = [
        helper.make_node("Transpose", ["image"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["channels_first", "weights"], ["map"]),
        helper.make_node("Flatten", ["map"], ["value"]),
        helper.make_node(ending, ["value"], ["quality"]),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "brightness",
        [tensor("image", TensorProto.FLOAT, ["n", 24, 32, 3])],
        [tensor("quality", TensorProto.FLOAT, ["n", values])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opsets = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write_brightness(folder: Path, direction: str = "higher", ending: str = "Identity") -> Path:
    """Write the network and its entry; return the entry's path."""
    (folder / "brightness.onnx").write_bytes(brightness_network(ending).SerializeToString())
    entry = folder / "brightness.yaml"
    entry.write_text(ENTRY.format(direction=direction))
    return entry
