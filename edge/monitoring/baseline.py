"""The baseline of a camera's scores as a file: written by `edge-gate tune`, read by the gate."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.delivery.face_output import whole_text
from edge.errors import ConfigError
from edge.monitoring.drift import Baseline


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    schema_version: Literal[2]
    """1 counted faces, not tracks."""
    pair_id: str
    enough: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def write_baseline(baseline: Baseline, path: Path) -> None:
    """
    Write a baseline, whole or not at all.

    Raises:
        SinkError: The folder cannot be written.
    """
    file = _File(
        schema_version=2,
        pair_id=baseline.pair_id,
        enough=baseline.enough,
        edges=baseline.edges,
        counts=baseline.counts,
    )
    with whole_text(path) as opened:
        opened.write(json.dumps(file.model_dump()) + "\n")


def read_baseline(path: Path, pair_id: str) -> Baseline:
    """
    Read a baseline for the scores of one engine pair.

    Raises:
        ConfigError: It cannot be read, is damaged, or was made with another pair.
    """
    try:
        file = _File.model_validate_json(path.read_bytes())
        baseline = Baseline(file.edges, file.counts, file.enough, file.pair_id)
    except (OSError, ValidationError, ValueError) as error:
        raise ConfigError(
            f"{path}: not a baseline of scores; write it anew with edge-gate tune: {_words(error)}"
        ) from error
    if baseline.pair_id != pair_id:
        raise ConfigError(
            f"{path}: was made with engine pair {baseline.pair_id}, and scores of {pair_id} cannot "
            "be compared with it: run edge-gate tune again"
        )
    return baseline


def _words(error: Exception) -> str:
    """Return an error in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
