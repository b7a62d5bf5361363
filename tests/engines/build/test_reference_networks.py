import hashlib

import onnx
import pytest
from onnx import helper

from engines.build.reference_networks import reference_networks
from engines.catalogue.catalogue import fetch, find_entry
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from engines.pair.manifest import FileRecord, identified, read_manifest
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from tests.pairs import put_pair, synthetic_faces


def test_a_pair_of_two_files_offers_them_and_says_that_its_source_is_unknown(tmp_path):
    manifest = put_pair(tmp_path)
    offered = reference_networks(tmp_path / "pair", manifest)
    assert {name: len(row) for name, row in offered.rows.items()} == {"dense": 1, "two_pass": 2}
    assert "tiny" in offered.notes[0]


def fused_pair(folder):
    """Turn the pair's dense network into one graph of two outputs, as a fused pair has."""
    manifest = put_pair(folder)
    model = onnx.load(folder / "pair" / "dense.onnx")
    source = model.graph.output[0].name
    model.graph.node.append(helper.make_node("Neg", [source], ["pruned"]))
    model.graph.output.append(helper.make_tensor_value_info("pruned", 1, ["batch", 8]))
    content = model.SerializeToString()
    (folder / "pair" / "fused.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    record = FileRecord(name="fused.onnx", sha256=digest, bytes=len(content))
    return identified(manifest.model_copy(update={"files": {"fused": record}}))


def test_a_fused_pair_offers_itself_and_the_part_that_makes_the_embedding(tmp_path):
    offered = reference_networks(tmp_path / "pair", fused_pair(tmp_path))
    assert set(offered.rows) == {"fused", "dense_compacted"}
    manifest = read_manifest(tmp_path / "pair")
    inputs = prepare(synthetic_faces(subjects=2, each=1).images, manifest.specification)
    both = open_network(offered.rows["fused"][0]).run(inputs)
    (alone,) = open_network(offered.rows["dense_compacted"][0]).run(inputs)
    assert len(both) == 2
    assert alone == pytest.approx(both[0], abs=1e-6)


@pytest.mark.registry
def test_a_network_of_the_catalogue_is_offered_as_shipped_and_pruned_anew(tmp_path):
    entry = find_entry("mobilefacenet512")
    assert entry.specification is not None
    network = load_network(fetch(entry)[0], entry.specification, entry.embedding_length)
    manifest = fused_pair(tmp_path)
    named = manifest.network.model_copy(
        update={"name": entry.name, "source_sha256": network.source_sha256}
    )
    changes = {
        "network": named,
        "specification": entry.specification,
        "embedding_length": 512,
        "recipe": Recipe(sparsity=0.1),
    }
    offered = reference_networks(tmp_path / "pair", manifest.model_copy(update=changes))
    assert offered.notes == ()
    assert {name: len(row) for name, row in offered.rows.items()} == {
        "dense_compacted": 1,
        "fused": 1,
        "dense_as_shipped": 1,
        "two_pass": 2,
    }


@pytest.mark.registry
def test_a_pair_of_another_file_of_that_name_is_not_compared_with_the_catalogue(tmp_path):
    manifest = put_pair(tmp_path)
    fetch(find_entry("mobilefacenet512"))
    named = manifest.network.model_copy(update={"name": "mobilefacenet512"})
    specification = find_entry("mobilefacenet512").specification
    changes = {"network": named, "specification": specification, "embedding_length": 512}
    offered = reference_networks(tmp_path / "pair", manifest.model_copy(update=changes))
    assert "another file" in offered.notes[0]


def test_the_user_may_say_where_the_network_as_shipped_is(tmp_path):
    manifest = put_pair(tmp_path)
    entry = tmp_path / "mine.yaml"
    template = [list(point) for point in manifest.specification.template]
    entry.write_text(
        "{name: tiny, kind: network, licence: none needed, embedding_length: 8, specification: "
        f"{{width: 16, height: 20, colour: bgr, mean: 127.5, scale: 128, template: {template}}}, "
        "files: [{name: network.onnx, file: sources/network.onnx}]}"
    )
    offered = reference_networks(tmp_path / "pair", manifest, str(entry))
    assert offered.notes == ()
    assert "dense_as_shipped" in offered.rows
