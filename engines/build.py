"""Build an engine pair: fold, prune, try it on known faces, write it, open it as the gate will."""

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from rich.progress import Progress

from engines.acceptance import Acceptance, assess_pair, require_fit
from engines.batch_norm import fold_batch_norm
from engines.errors import BackendError, NetworkError
from engines.golden import GoldenFaces
from engines.golden_vectors import GoldenVectors, Tolerance, golden_vectors, write_vectors
from engines.manifest import (
    FileRecord,
    GoldenRecord,
    Manifest,
    NetworkRecord,
    identified,
    write_manifest,
)
from engines.network import Network
from engines.onnxruntime_backend import open_network
from engines.pair import LARGEST_BATCH, open_pair
from engines.pair_folder import replaced_at_once, require_destination
from engines.preprocess import prepare
from engines.prune import prune
from engines.recipe import LayerSparsity, Recipe
from engines.score_mapping import fit_score_mapping
from engines.shift import embedding_shift, unit_rows
from engines.specification import Embeddings

GOLDEN_FACES = 8
"""Faces replayed whenever the pair is opened: enough to notice a fault, a fraction of a second."""

SAME_COSINE = 0.99999
"""Between embeddings that differ only in the order of float32 sums."""


@dataclass(frozen=True, slots=True, eq=False)
class BuildRequest:
    """What to build an engine pair from."""

    name: str
    """Of the network."""
    licence: str
    """Of the network, as its publisher declares it."""
    network: Network
    golden: GoldenFaces
    """Known faces, aligned to the network's template."""
    recipe: Recipe = Recipe()  # noqa: RUF009 -- frozen
    threads: int = 1
    """For each network call while building."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A pair in memory, not yet accepted."""

    dense: bytes
    pruned: bytes
    layers: tuple[LayerSparsity, ...]
    dense_rows: Embeddings
    pruned_rows: Embeddings


def build_pair(request: BuildRequest, out: Path, progress: Progress | None = None) -> Manifest:
    """
    Build an engine pair into the folder `out` and return its manifest.

    A pair already there is replaced at once when the new one has been opened and proved; on any
    error, or Ctrl-C, it stays as it was and nothing half-written remains.

    Args:
        request: Network, golden faces and recipe.
        out: The pair's folder: a new one, an empty one, or one that holds a pair.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        PairError: `out` holds something else or cannot be written.
        NetworkError: The network cannot run batches, or folding changed its embeddings.
        RecipeError: The recipe names layers that do not exist.
        PairRefusedError: The pair collapsed or did not move; see `require_fit`.
        EmbeddingError: The networks give embeddings without direction.
    """
    require_destination(out)
    candidate = _candidate(request, progress or Progress(disable=True))
    acceptance = assess_pair(candidate.dense_rows, candidate.pruned_rows, request.golden.subjects)
    require_fit(acceptance)
    with replaced_at_once(out) as folder:
        manifest = _write(folder, request, candidate, acceptance)
        open_pair(folder, request.threads).close()
    return manifest


def _candidate(request: BuildRequest, progress: Progress) -> _Candidate:
    folded = fold_batch_norm(request.network)
    pruned, layers = prune(folded, request.recipe)
    contents = [each.model.SerializeToString(deterministic=True) for each in (folded, pruned)]
    _require_sound(request, contents[0])
    rows = [
        _embedded(content, request, progress, f"embedding golden faces, {role} network")
        for content, role in zip(contents, ("dense", "pruned"), strict=True)
    ]
    return _Candidate(contents[0], contents[1], layers, rows[0], rows[1])


def _require_sound(request: BuildRequest, dense: bytes) -> None:
    """Run a few faces one by one through the file as it came, and in a batch through ours."""
    few = prepare(request.golden.images[:3], request.network.specification)
    original = open_network(request.network.model.SerializeToString(), request.threads)
    singly = np.concatenate([original.run(face[None])[0] for face in few])
    advice = "export the network with an open batch size"
    try:
        (together,) = open_network(dense, request.threads).run(few)
    except BackendError as error:
        raise NetworkError(f"it does not run a batch of {len(few)}: {advice} ({error})") from error
    if together.shape != singly.shape:
        raise NetworkError(f"a batch of {len(few)} gives {together.shape} embeddings: {advice}")
    cosine = (unit_rows(singly) * unit_rows(together)).sum(axis=1).min()
    if cosine < SAME_COSINE:
        raise NetworkError(
            f"faces in a batch get other embeddings than one by one (cosine {cosine:.6f}): {advice}"
        )


def _embedded(content: bytes, request: BuildRequest, progress: Progress, what: str) -> Embeddings:
    network = open_network(content, request.threads)
    faces, specification = request.golden.images, request.network.specification
    starts = range(0, len(faces), LARGEST_BATCH)
    parts = [
        network.run(prepare(faces[start : start + LARGEST_BATCH], specification))[0]
        for start in progress.track(starts, description=what)
    ]
    return np.concatenate(parts)


def _write(
    folder: Path, request: BuildRequest, candidate: _Candidate, acceptance: Acceptance
) -> Manifest:
    (folder / "dense.onnx").write_bytes(candidate.dense)
    (folder / "pruned.onnx").write_bytes(candidate.pruned)
    write_vectors(folder / "golden.npz", _golden(request, candidate))
    shift = embedding_shift(candidate.dense_rows, candidate.pruned_rows)
    network = request.network
    manifest = identified(
        Manifest(
            schema=1,
            pair_id="0" * 12,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            backend="onnxruntime",
            network=NetworkRecord(
                name=request.name, licence=request.licence, source_sha256=network.source_sha256
            ),
            specification=network.specification,
            embedding_length=network.embedding_length,
            recipe=request.recipe,
            files={
                "dense": FileRecord.of(folder / "dense.onnx"),
                "pruned": FileRecord.of(folder / "pruned.onnx"),
            },
            golden=GoldenRecord(file=FileRecord.of(folder / "golden.npz"), tolerance=Tolerance()),
            mapping=fit_score_mapping(shift),
            acceptance=acceptance,
            versions=library_versions(),
            layers=candidate.layers,
        )
    )
    write_manifest(folder, manifest)
    return manifest


def _golden(request: BuildRequest, candidate: _Candidate) -> GoldenVectors:
    """Choose golden faces evenly over all of them, so that they are of different subjects."""
    some = np.unique(np.linspace(0, len(request.golden.images) - 1, GOLDEN_FACES).astype(int))
    return golden_vectors(
        request.golden.images[some], candidate.dense_rows[some], candidate.pruned_rows[some]
    )


def library_versions(names: Sequence[str] = ("onnx", "onnxruntime", "numpy")) -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide what a pair computes."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
