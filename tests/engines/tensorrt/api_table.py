"""Which public names each TensorRT version has, from the committed table."""

import json
from functools import cache
from pathlib import Path

_TABLE = json.loads((Path(__file__).parents[2] / "data" / "tensorrt_api.json").read_text())

VERSIONS: tuple[str, ...] = tuple(_TABLE["versions"])
"""Bindings wheels whose names were read, oldest first, TensorRT-RTX last."""


@cache
def names_of(version: str) -> frozenset[str]:
    """Return `Class` and `Class.member` names."""
    column = VERSIONS.index(version)
    return frozenset(name for name, marks in _TABLE["names"].items() if marks[column] == "1")


@cache
def members(owner: str, version: str) -> frozenset[str]:
    """Return what a class of this version has."""
    prefix = f"{owner}."
    return frozenset(n.removeprefix(prefix) for n in names_of(version) if n.startswith(prefix))
