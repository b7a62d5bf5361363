"""The converted ResNet against face-api itself, run by Node.js on the same weights."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.progress import Progress

from engines.build.golden_faces import golden_faces
from engines.catalogue.cache import cache_folder
from engines.catalogue.catalogue import Converted, RegistryMember, fetch, find_entry
from engines.catalogue.dlib_resnet import BLOCKS, dlib_resnet, dlib_resnet_from_tfjs
from engines.catalogue.registry import obtain_members
from engines.catalogue.tfjs import Weights
from engines.errors import NetworkError
from engines.graph.network import load_network
from engines.onnxruntime.backend import open_network
from engines.quality.preprocess import prepare

FACE_API_SHA256 = "0160f7af3a8c78cece45c7ecc765383bad74becfd438bb787cdd627b2d6f2cf6"
HERE = Path(__file__).parent


@cache
def random_weights(seed: int) -> Mapping[str, NDArray[np.float32]]:
    """Return weights of the right names and shapes, scaled so that values neither die nor grow."""
    generator = np.random.default_rng(seed)
    layers = {"conv32_down": (7, 3, 32)}
    channels = 32
    for block in BLOCKS:
        width = int(block.removeprefix("conv").split("_")[0])
        layers[f"{block}/conv1"] = (3, channels, width)
        layers[f"{block}/conv2"] = (3, width, width)
        channels = width
    weights = {"fc": generator.normal(0, 0.1, (256, 128))}
    for name, (kernel, source, target) in layers.items():
        spread = 1 / np.sqrt(kernel * kernel * source)
        weights[f"{name}/conv/filters"] = generator.normal(
            0, spread, (kernel, kernel, source, target)
        )
        weights[f"{name}/conv/bias"] = generator.normal(0, 0.1, target)
        weights[f"{name}/scale/weights"] = generator.uniform(0.5, 1.5, target)
        weights[f"{name}/scale/biases"] = generator.normal(0, 0.1, target)
    drawn = {name: values.astype(np.float32) for name, values in weights.items()}
    for values in drawn.values():
        values.setflags(write=False)  # they are for everybody
    return MappingProxyType(drawn)


def run(content: bytes, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    network = open_network(content)
    try:
        (embeddings,) = network.run(inputs)
    finally:
        network.close()
    return embeddings


def images(count: int, seed: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return generator.uniform(0, 255, (count, 3, 150, 150)).astype(np.float32)


def test_a_batch_gives_what_its_images_give_alone():
    content = dlib_resnet(random_weights(1)).SerializeToString()
    inputs = images(3, 2)
    alone = np.concatenate([run(content, inputs[i : i + 1]) for i in range(3)])
    assert run(content, inputs) == pytest.approx(alone, abs=1e-5)  # float32 sums of another order


def test_the_embedding_has_128_values():
    assert run(dlib_resnet(random_weights(1)).SerializeToString(), images(2, 2)).shape == (2, 128)


def without(weights: Weights, name: str) -> Weights:
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize("name", ["fc", "conv32_down/conv/filters", "conv256_2/conv2/scale/biases"])
def test_a_missing_weight_is_named(name: str):
    with pytest.raises(NetworkError, match=f"weight {name} is missing"):
        dlib_resnet(without(random_weights(1), name))


def test_a_weight_of_another_shape_is_named_with_both_shapes():
    weights = {**random_weights(1), "fc": np.zeros((128, 256), np.float32)}
    with pytest.raises(NetworkError, match=r"fc has shape \(128, 256\), not \(256, 128\)"):
        dlib_resnet(weights)


def shards() -> list[Path]:
    source = find_entry("dlib-resnet").files[0].source
    assert isinstance(source, Converted)
    paths: list[Path] = []
    for file in source.files:
        assert isinstance(file.source, RegistryMember)
        assert file.sha256
        paths += obtain_members(file.source, file.sha256, Progress(disable=True))
    return paths


def face_api() -> Path:
    source = find_entry("dlib-resnet").files[0].source
    assert isinstance(source, Converted)
    assert isinstance(source.files[0].source, RegistryMember)
    member = RegistryMember(source.files[0].source.archive, "package/dist/face-api.js")
    return obtain_members(member, FACE_API_SHA256, Progress(disable=True))[0]


def face_api_embeddings(
    inputs: NDArray[np.float32], manifest: Path, shard: Path, folder: Path
) -> NDArray[np.float64]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js to run face-api")
    pixels = folder / "pixels"
    pixels.write_bytes(inputs.transpose(0, 2, 3, 1).astype("<f4").tobytes())
    words = [node, *map(str, (HERE / "face_api.cjs", face_api(), manifest, shard, pixels))]
    printed = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return np.array(json.loads(printed.stdout.splitlines()[-1]))


@pytest.mark.registry
def test_embeddings_are_those_of_face_api(tmp_path: Path):
    manifest, shard = shards()
    specification = find_entry("dlib-resnet").specification
    assert specification is not None
    faces = prepare(golden_faces(specification).images[[0, -1]], specification)
    inputs = np.concatenate([faces, images(1, 3)])
    expected = face_api_embeddings(inputs, manifest, shard, tmp_path)
    embeddings = run(dlib_resnet_from_tfjs([manifest, shard]), inputs)
    assert embeddings == pytest.approx(expected, abs=2e-6)  # float32 sums of values below 0.5


@pytest.mark.registry
def test_random_weights_give_what_face_api_makes_of_them(tmp_path: Path):
    weights = random_weights(5)
    entries = [
        {"name": name, "shape": values.shape, "dtype": "float32"}
        for name, values in weights.items()
    ]
    manifest, shard = tmp_path / "manifest.json", tmp_path / "shard"
    manifest.write_text(json.dumps([{"weights": entries, "paths": ["shard"]}]))
    shard.write_bytes(b"".join(values.astype("<f4").tobytes() for values in weights.values()))
    inputs = images(1, 6)
    expected = face_api_embeddings(inputs, manifest, shard, tmp_path)
    embeddings = run(dlib_resnet_from_tfjs([manifest, shard]), inputs)
    assert embeddings == pytest.approx(expected, rel=1e-3, abs=1e-4 * np.abs(expected).max())


@pytest.mark.registry
def test_the_catalogued_file_is_a_network_of_its_specification():
    entry = find_entry("dlib-resnet")
    assert entry.specification is not None
    (path,) = fetch(entry)
    network = load_network(path, entry.specification, entry.embedding_length)
    assert network.embedding_length == 128


@pytest.mark.registry
def test_a_tampered_conversion_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shards()
    own = tmp_path / "cache"
    own.mkdir()
    (own / "members").symlink_to(cache_folder() / "members")
    monkeypatch.setenv("EDGE_GATE_CACHE", str(own))
    entry = find_entry("dlib-resnet")
    (path,) = fetch(entry)
    assert path.is_relative_to(own)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    (again,) = fetch(entry)
    assert again.read_bytes() == content


@pytest.mark.registry
def test_the_manifest_is_told_from_the_shard():
    manifest, shard = shards()
    with pytest.raises(NetworkError, match="not a TensorFlow"):
        dlib_resnet_from_tfjs([shard, manifest])
