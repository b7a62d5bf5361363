"""Read an ONNX file that may be anything: size before content, weights only from its own folder."""

import hashlib
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper

from engines.errors import NetworkError
from engines.graph import graph
from engines.graph.draft import skeleton

MAXIMUM_BYTES = 1 << 30
"""Larger files are not read: the largest face recognition networks in use are below 0.5 GB."""

_PART_BYTES = 1 << 20


def read_onnx(path: Path) -> tuple[onnx.ModelProto, str]:
    """
    Read an ONNX file with all its weights.

    Returns:
        The model, and the SHA-256 (hexadecimal) of the file; where weights lie in external files,
        of the file followed by them in order of their names.

    Raises:
        NetworkError: Missing, empty, too large, truncated, not ONNX, or reaching out of its folder.
    """
    content = _content(path)
    model, digest = _parsed(content, path), hashlib.sha256(content)
    del content  # as large as the model
    external = _external_files(model, path)
    for each in external:
        with each.open("rb") as file:
            while part := file.read(_PART_BYTES):
                digest.update(part)
    if external:
        _load_external(model, path)
    graph.sort_nodes(model)
    _check_format(model, path)
    return model, digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAXIMUM_BYTES:
            raise NetworkError(
                f"{path}: {size:,} bytes; networks above {MAXIMUM_BYTES:,} are not read. "
                "Is this the right file?"
            )
        content = path.read_bytes()
    except OSError as error:
        raise NetworkError(f"{path}: {error.strerror}; give the path of an ONNX file") from error
    if not content:
        raise NetworkError(f"{path}: the file is empty; obtain it again")
    return content


def _parsed(content: bytes, path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise NetworkError(f"{path}: not an ONNX file, or cut short; obtain it again") from error
    if not model.graph.node:
        raise NetworkError(f"{path}: holds no graph, so it is not an ONNX network")
    return model


def _external_files(model: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    """Return the files that hold weights, sorted; refuse those outside the network's folder."""
    folder = path.parent.resolve()
    names = sorted({_location(each) for each in graph.tensors(model) if _is_external(each)})
    files = tuple((folder / name).resolve() for name in names)
    for name, file in zip(names, files, strict=True):
        if not file.is_relative_to(folder):
            raise NetworkError(f"{path}: external data {name!r} lies outside {folder}; refused")
        if not file.is_file():
            raise NetworkError(f"{path}: external data {name!r} is missing; put it into {folder}")
    if sum(file.stat().st_size for file in files) > MAXIMUM_BYTES:
        raise NetworkError(f"{path}: external data is larger than {MAXIMUM_BYTES:,} bytes")
    return files


def _is_external(tensor: onnx.TensorProto) -> bool:
    return tensor.data_location == onnx.TensorProto.EXTERNAL


def _location(tensor: onnx.TensorProto) -> str:
    return next((each.value for each in tensor.external_data if each.key == "location"), "")


def _load_external(model: onnx.ModelProto, path: Path) -> None:
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (ValueError, OSError, onnx.checker.ValidationError) as error:
        raise NetworkError(f"{path}: external data cannot be read: {error}") from error


def _described(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose weights are inputs: the checker copies several times what it is given."""
    described = skeleton(model)
    listed = {each.name for each in model.graph.input}
    described.graph.input.extend(
        onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims)
        for each in model.graph.initializer
        if each.name not in listed
    )
    return described


def _check_format(model: onnx.ModelProto, path: Path) -> None:
    try:
        for tensor in model.graph.initializer:
            onnx.checker.check_tensor(tensor)
        onnx.checker.check_model(_described(model))
    except (onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NetworkError(f"{path}: not a valid ONNX network, or cut short: {reason}") from error
