"""What the real CUDA bindings offer, from the committed table that `make_cuda_api` writes."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "cuda_api.json").read_text()
)
PYCUDA = TABLE["pycuda==2026.1"]
RUNTIMES = {package: names for package, names in TABLE.items() if "pycuda" not in package}


@dataclass(frozen=True)
class Takes:
    """The arguments of a real function."""

    names: tuple[str, ...]
    required: int


def takes(signature: str) -> Takes:
    """
    Read `cudaMalloc(size_t size)` of Cython, or Boost.Python's

    `record( (Event)arg1 [, (object)stream=None]) -> Event`, whose first argument is the object.
    """
    inside = signature[signature.index("(") + 1 : _closing(signature)]
    optional = inside.count("[")
    words = [each for each in re.split(r"[\[\],]", inside) if each.strip()]
    names = tuple(re.sub(r"^\s*\([^)]*\)|=.*$|:.*$", "", each).split()[-1] for each in words)
    return Takes(names, len(names) - optional)


def _closing(text: str) -> int:
    depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == ")" and depth == 0:
            return at
    raise ValueError(text)
