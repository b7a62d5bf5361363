"""The dense network of an engine pair, for those who want to run or change it alone."""

from pathlib import Path

import onnx

from engines.graph.cut import part_of
from engines.graph.network import Network
from engines.pair.folder import checked_content
from engines.pair.manifest import FileRecord, Manifest


def dense_network(folder: Path, manifest: Manifest) -> Network:
    """
    Return the pair's dense network; from a fused graph, the part that makes its first output.

    Args:
        folder: Of the engine pair.
        manifest: Read from it.

    Raises:
        PairIntegrityError: The file is missing or not the promised one.
    """
    record = manifest.files.get("dense") or manifest.files["fused"]
    return _network(folder, manifest, record)


def _network(folder: Path, manifest: Manifest, record: FileRecord) -> Network:
    model = onnx.load_model_from_string(checked_content(folder, record))
    source, target = model.graph.input[0].name, model.graph.output[0].name
    if len(model.graph.output) > 1:
        model = part_of(model, source, target)
    return Network(
        model,
        source,
        target,
        manifest.specification,
        manifest.embedding_length,
        manifest.network.source_sha256,
    )
