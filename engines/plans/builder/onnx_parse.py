"""Give an ONNX graph to TensorRT's parser, and believe nothing it only implies."""

from collections.abc import Sequence
from typing import Any

import onnx

from engines.plans.builder.request import PlanRequest
from engines.tensorrt.api import Api
from engines.tensorrt.errors import ParseError
from engines.tensorrt.logger import last_words


def parse_onnx(api: Api, network: Any, request: PlanRequest, logger: Any) -> None:
    """
    Fill a TensorRT network from the request's ONNX graph.

    Raises:
        ParseError: TensorRT does not understand it: every complaint, each with its node; or what
            was parsed has other inputs and outputs. The parser accepts five letters of text as an
            empty network, so its True alone says nothing.
    """
    parser = api.module.OnnxParser(network, logger)
    if not parser.parse(request.onnx):
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        lines = _complaints(api, errors, request.onnx) or [last_words(logger)]
        raise ParseError(
            f"TensorRT {api.version} does not understand the network:\n  " + "\n  ".join(lines)
        )
    inputs = tuple(network.get_input(index).name for index in range(network.num_inputs))
    outputs = tuple(network.get_output(index).name for index in range(network.num_outputs))
    if inputs != (request.input_name,) or outputs != request.outputs:
        raise ParseError(
            f"TensorRT parsed inputs {_listed(inputs)} and outputs {_listed(outputs)}, expected "
            f"{request.input_name} and {_listed(request.outputs)}: the ONNX file is damaged"
        )


def _complaints(api: Api, errors: Sequence[Any], content: bytes) -> list[str]:
    nodes = onnx.load_model_from_string(content).graph.node if errors else ()
    return [f"{_node_name(api, error, nodes)}: {error.desc()}" for error in errors]


def _node_name(api: Api, error: Any, nodes: Sequence[onnx.NodeProto]) -> str:
    """TensorRT 8.x knows only the node's number; later ones also its name."""
    number = error.node()
    if "node_names" in api.features and error.node_name():
        return f"node {error.node_name()}"
    if 0 <= number < len(nodes):
        node = nodes[number]
        return f"node {node.name or number} ({node.op_type})"
    return "graph"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
