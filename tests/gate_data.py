"""Where the data lies that only some machines have."""

import os
from pathlib import Path

import pytest


def gate_data(*parts: str) -> Path:
    """Return a path below GATE_DATA, or below ../shared/data; skip the test where it is absent."""
    beside = Path(__file__).absolute().parents[2] / "shared" / "data"
    path = Path(os.environ.get("GATE_DATA") or beside).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {path}: set GATE_DATA")
    return path
