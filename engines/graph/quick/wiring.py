"""Who makes which tensor and who reads it, for rewrites of a few nodes in a row."""

from collections import defaultdict

import onnx

from engines.graph import graph


class Wiring:
    """The nodes of a graph by what they read and make."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._readers = defaultdict[str, list[onnx.NodeProto]](list)
        self._counts = graph.readers(model)
        for node in model.graph.node:
            for name in node.input:
                self._readers[name].append(node)

    def maker(self, name: str) -> onnx.NodeProto | None:
        """Return the node that makes a tensor; None for inputs and constants."""
        return self._makers.get(name)

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """Return the node that alone reads a tensor; None where there are more, or of an output."""
        readers = self._readers[name]
        return readers[0] if self._counts[name] == len(readers) == 1 else None
