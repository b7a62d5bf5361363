import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.catalogue.tfjs import read_weights
from engines.errors import NetworkError


def manifest(folder: Path, weights: list[dict[str, Any]], paths: tuple[str, ...] = ("a",)) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps([{"weights": weights, "paths": list(paths)}]))
    return path


def shard(folder: Path, content: bytes, name: str = "a") -> dict[str, Path]:
    (folder / name).write_bytes(content)
    return {name: folder / name}


def quantized(dtype: str = "uint8", **more: Any) -> dict[str, Any]:
    how = {"dtype": dtype, "scale": 0.5, "min": -1.0}
    return {"name": "w", "shape": [2], "dtype": "float32", "quantization": how, **more}


PLAIN = {"name": "p", "shape": [1, 2], "dtype": "float32"}


def test_plain_weights_are_little_endian_float32(tmp_path: Path):
    content = shard(tmp_path, bytes.fromhex("0000803f 000000c0"))
    weights = read_weights(manifest(tmp_path, [PLAIN]), content)
    assert weights["p"].tolist() == [[1.0, -2.0]]


def test_bytes_become_values_by_the_tensors_scale_and_minimum(tmp_path: Path):
    weights = read_weights(manifest(tmp_path, [quantized()]), shard(tmp_path, bytes([0, 255])))
    assert weights["w"].tolist() == [-1.0, 126.5]


def test_two_byte_quantisation_is_little_endian(tmp_path: Path):
    content = shard(tmp_path, bytes([1, 0, 0, 1]))
    weights = read_weights(manifest(tmp_path, [quantized("uint16")]), content)
    assert weights["w"].tolist() == [-0.5, 127.0]


@given(
    values=st.lists(st.integers(0, 255), min_size=1, max_size=9),
    scale=st.floats(1e-9, 10),
    least=st.floats(-10, 10),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_value_is_what_a_double_rounded_once_gives(
    tmp_path: Path, values: list[int], scale: float, least: float
):
    how = {"dtype": "uint8", "scale": scale, "min": least}
    entry = quantized(shape=[len(values)], quantization=how)
    weights = read_weights(manifest(tmp_path, [entry]), shard(tmp_path, bytes(values)))
    assert weights["w"].tolist() == [float(np.float32(v * scale + least)) for v in values]


def test_a_tensor_may_lie_across_two_shards(tmp_path: Path):
    shards = shard(tmp_path, bytes([2]), "a") | shard(tmp_path, bytes([4]), "b")
    weights = read_weights(manifest(tmp_path, [quantized()], ("a", "b")), shards)
    assert weights["w"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("content", [b"", b"\1", b"\1\2\3"])
def test_a_shard_of_another_size_is_refused_with_both_sizes(tmp_path: Path, content: bytes):
    with pytest.raises(NetworkError, match=f"a: {len(content)} bytes where .* 2: the shard is cut"):
        read_weights(manifest(tmp_path, [quantized()]), shard(tmp_path, content))


def test_a_missing_shard_is_named(tmp_path: Path):
    with pytest.raises(NetworkError, match="shard a is missing"):
        read_weights(manifest(tmp_path, [quantized()]), {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not JSON", "Invalid JSON"),
        ("{}", "valid array"),
        ('[{"paths": []}]', r"0\.weights: Field required"),
        (json.dumps([{"paths": [], "weights": [quantized("int4")]}]), r"quantization\.dtype"),
        (json.dumps([{"paths": [], "weights": [quantized(shape=[0])]}]), r"shape\.0"),
        (
            json.dumps([{"paths": [], "weights": [{**PLAIN, "dtype": "string"}]}]),
            r"weights\.0\.dtype",
        ),
    ],
)
def test_what_is_no_manifest_is_named_with_the_key(tmp_path: Path, text: str, message: str):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(NetworkError, match=f"manifest.json: not a TensorFlow.js.*{message}"):
        read_weights(path, {})
