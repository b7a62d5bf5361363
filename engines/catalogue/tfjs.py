"""
Read TensorFlow.js weights: a manifest in JSON and the binary shards it lists.

Format: the weights of a group lie one after the other in its shards, float32 or quantised to one
or two bytes with an affine scale for each tensor (tfjs-core, `io/types.ts`, WeightsManifestEntry).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from engines.errors import NetworkError

Weights = Mapping[str, NDArray[np.float32]]


class _Quantization(BaseModel):
    dtype: Literal["uint8", "uint16"]
    scale: Annotated[float, Field(allow_inf_nan=False)]
    min: Annotated[float, Field(allow_inf_nan=False)]


class _Weight(BaseModel):
    name: str
    shape: list[Annotated[int, Field(ge=1)]]
    dtype: Literal["float32"]
    quantization: _Quantization | None = None

    @property
    def stored(self) -> np.dtype[np.generic]:
        """How the shard stores a value; little-endian on every machine."""
        return np.dtype(self.quantization.dtype if self.quantization else "float32").newbyteorder(
            "<"
        )

    @property
    def stored_bytes(self) -> int:
        return math.prod(self.shape) * self.stored.itemsize


class _Group(BaseModel):
    weights: list[_Weight]
    paths: list[str]


_MANIFEST = TypeAdapter(list[_Group])


def read_weights(manifest: Path, shards: Mapping[str, Path]) -> Weights:
    """
    Return the weights that a manifest describes, by name.

    Args:
        manifest: The `*-weights_manifest.json` file.
        shards: Where each shard lies that the manifest lists, by the name it has there.

    Returns:
        Arrays in TensorFlow's axis order (convolutions: height, width, in, out).

    Raises:
        NetworkError: The manifest is none, a shard is missing, or they do not fit together.
    """
    try:
        groups = _MANIFEST.validate_json(manifest.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the whole file"
        raise NetworkError(
            f"{manifest}: not a TensorFlow.js weights manifest: {key}: {first['msg']}"
        ) from error
    weights: dict[str, NDArray[np.float32]] = {}
    for group in groups:
        weights |= _group_weights(group, manifest, shards)
    return weights


def _group_weights(group: _Group, manifest: Path, shards: Mapping[str, Path]) -> Weights:
    missing = [path for path in group.paths if path not in shards]
    if missing:
        raise NetworkError(f"{manifest}: shard {missing[0]} is missing: fetch it too")
    content = b"".join(shards[path].read_bytes() for path in group.paths)
    needed = sum(weight.stored_bytes for weight in group.weights)
    if len(content) != needed:
        raise NetworkError(
            f"{', '.join(group.paths)}: {len(content)} bytes where {manifest.name} describes "
            f"{needed}: the shard is cut or of another model"
        )
    weights, start = {}, 0
    for weight in group.weights:
        count = math.prod(weight.shape)
        stored = np.frombuffer(content, weight.stored, count, start)
        weights[weight.name] = _dequantized(stored, weight.quantization).reshape(weight.shape)
        start += weight.stored_bytes
    return weights


def _dequantized(
    stored: NDArray[np.generic], quantization: _Quantization | None
) -> NDArray[np.float32]:
    if quantization is None:
        return stored.astype(np.float32)
    # TensorFlow.js computes in doubles and stores single precision.
    return (stored.astype(np.float64) * quantization.scale + quantization.min).astype(np.float32)
