"""
What PyTorch's two exporters and tf2onnx write, through everything that is done to a network.

Eight networks of the shapes that people have; `make_zoo.py` made the files.
"""

from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.emulation import emulate_half, run_graph
from engines.graph.half_precision import half_precision
from engines.graph.network import Network, load_network
from engines.onnxruntime.backend import open_network
from engines.pruning.form import FormedPair, form_pair, lean
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from engines.quality.shift import unit_rows
from tests.engines.zoo.zoo import LENGTH, UNOPENABLE, Export, names, unpacked

RECIPE = Recipe(sparsity=0.3)
FACE_BY_FACE = {"swin-dynamo-frozen", "swin-torchscript-open"}
"""Their batch is part of what they compute: places taken out of it, numbers of windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An export, what it gives face by face, and what became of it."""

    export: Export
    expected: NDArray[np.float32]
    network: Network
    pair: FormedPair


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Export]:
    return unpacked(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module", params=[name for name in names() if name != UNOPENABLE])
def loaded(request: pytest.FixtureRequest, exports: dict[str, Export]) -> Loaded:
    export = exports[request.param]
    session = open_network(export.path)
    singly = [session.run(face[None])[0].reshape(1, LENGTH) for face in export.inputs()]
    network = load_network(export.path, export.specification, LENGTH)
    return Loaded(export, np.concatenate(singly), network, form_pair(network, RECIPE, "fused"))


def cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    return (unit_rows(first) * unit_rows(second)).sum(axis=1)


def run(content: bytes, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    return open_network(content).run(inputs)


def test_a_loaded_network_gives_the_exports_embeddings_in_a_batch(loaded):
    (found,) = run(loaded.network.model.SerializeToString(), loaded.export.inputs())
    assert cosines(found, loaded.expected) == pytest.approx(1, abs=1e-6)  # float32 sums


def test_all_but_those_that_compute_with_the_batch_take_any(loaded):
    batch = (graph.dimensions(loaded.network.model.graph.input[0]) or (0,))[0]
    assert batch == (1 if loaded.export.name in FACE_BY_FACE else None)


def test_folding_compacting_and_fusing_change_no_embedding(loaded):
    dense, _ = run(loaded.pair.files["fused"], loaded.export.inputs())
    assert cosines(dense, loaded.expected) == pytest.approx(1, abs=1e-6)


def test_pruning_reaches_each_layer_and_the_fused_half_is_the_pruned_network(loaded):
    pruned, counts = prune(lean(loaded.network)[0], RECIPE)
    assert all(each.masked > 0 for each in counts)
    assert len(counts) == len(prunable_weights(loaded.network.model))
    (alone,) = run(pruned.model.SerializeToString(), loaded.export.inputs())
    dense, fused = run(loaded.pair.files["fused"], loaded.export.inputs())
    assert cosines(fused, alone) == pytest.approx(1, abs=1e-6)
    assert cosines(fused, dense).max() < 1 - 1e-5


def test_half_precision_keeps_the_embeddings(loaded):
    half = half_precision(onnx.load_model_from_string(loaded.pair.files["fused"])).model
    dense, _ = run_graph(emulate_half(half), loaded.export.inputs())
    assert cosines(dense, loaded.expected).min() > 0.9999


def test_an_export_that_froze_two_faces_in_its_windows_is_refused_with_the_command(exports):
    export = exports[UNOPENABLE]
    with pytest.raises(NetworkError, match=r"frozen to 2 faces.*torch\.onnx\.export"):
        load_network(export.path, export.specification, LENGTH)


def test_the_zoo_is_whole(exports):
    made = {(network, exporter) for network, exporter, _ in (n.rsplit("-", 2) for n in exports)}
    torch = {network for network, exporter in made if exporter == "dynamo"}
    assert len(torch) == 8
    assert {network for network, exporter in made if exporter == "torchscript"} == torch
    assert {network for network, exporter in made if exporter == "tf2onnx"} < torch
