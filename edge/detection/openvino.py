"""The networks of a detector in OpenVINO, in float32: no golden photograph would judge less."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.detection.session import DetectorNetwork
from engines.openvino.backend import open_network
from engines.protocols import EmbeddingNetwork


def openvino_networks(
    networks: Sequence[DetectorNetwork], files: Sequence[Path], threads: int
) -> Mapping[str, EmbeddingNetwork]:
    """
    Return what runs each network of a detector, by its name.

    Args:
        networks: Of the detector, in the order of its files.
        files: As published: OpenVINO's own PRelu is quick.
        threads: For each network call.

    Raises:
        NoOpenVinoError: OpenVINO is not installed.
        BackendError: It does not open a file.
    """
    opened = [open_network(file, threads) for file in files]
    return {each.name: network for each, network in zip(networks, opened, strict=True)}
