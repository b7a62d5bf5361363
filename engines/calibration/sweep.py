"""
Find a recipe for a network without knowing who is on the pictures.

Each candidate is judged by what needs no labels:

* separation: how well its shift tells faces with seeded camera faults from the same faces as they
  are (AUROC);
* agreement: whether the pruned network still orders pairs of faces as the dense one does (Spearman
  correlation of their cosines), so that it has not collapsed;
* median shift: it must be above the rounding floor.

Separation alone misleads: over all recipes of MobileFaceNet-512 the one with the highest AUROC
ranked faces worse for verification than the embedding norm does. Therefore only cheap families are
tried (`engines.pruning.candidates`), in which the two went together on three networks; and where
candidates are near each other in separation, the cheapest is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.ranks import ranks, spearman
from engines.calibration.faces import CalibrationFaces
from engines.errors import CalibrationError
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.onnxruntime.backend import open_network
from engines.pair.acceptance import MEDIAN_SHIFT_AT_LEAST
from engines.pair.pair import LARGEST_BATCH
from engines.pruning.candidates import Candidate
from engines.pruning.fuse import fuse
from engines.pruning.prune import prune
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift, unit_rows
from engines.quality.specification import Embeddings

AGREEMENT_AT_LEAST = 0.9
"""Spearman correlation of dense and pruned cosines below which a network counts as collapsed."""

AGREEMENT_FACES = 200
"""Clean faces that it is computed over: 19,900 pairs."""

ALIKE = 0.01
"""Separations no further apart are not told apart by a few hundred faces."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What a candidate did, without labels."""

    candidate: Candidate
    separation: float
    """AUROC of degraded against clean faces by shift, 0 to 1; higher is better, 0.5 is chance."""
    agreement: float
    """Spearman correlation of dense and pruned cosines of clean faces; 1 is the same order."""
    shift: NDArray[np.float32]
    """(N,) of every face."""
    median_shift: float
    """Of clean faces, in [0, 2]."""

    @property
    def fault(self) -> str | None:
        """Why the candidate may not be taken; None if it may."""
        if self.median_shift < MEDIAN_SHIFT_AT_LEAST:
            return "did not move"
        if self.agreement < AGREEMENT_AT_LEAST:
            return "collapsed"
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Every candidate on the same N faces."""

    embeddings: NDArray[np.float64]
    """(N, D) unit rows of the dense network."""
    norms: NDArray[np.float64]
    """(N,) norms of the raw dense embeddings: the free opponent; higher is better."""
    norm_separation: float
    """The AUROC by these."""
    signals: tuple[Signals, ...]


def sweep(
    network: Network,
    tried: Sequence[Candidate],
    faces: CalibrationFaces,
    threads: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """
    Judge every candidate on the same faces, in one pass over them.

    Args:
        network: Compacted, as it will run.
        tried: From `candidates`.
        faces: Clean and degraded.
        threads: Of each network call.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        CalibrationError: There is no candidate.
        EmbeddingError: A network gives an embedding without direction.
    """
    dense, *pruned = _embedded(network, tried, faces, threads, progress or Progress(disable=True))
    norms = np.linalg.norm(dense.astype(np.float64), axis=1)
    signals = [
        _signals(each, dense, rows, faces.clean) for each, rows in zip(tried, pruned, strict=True)
    ]
    return Sweep(unit_rows(dense), norms, separation(-norms, faces.clean), tuple(signals))


def choose(found: Sequence[Signals]) -> Signals:
    """
    Return the one to take: near the best separation the cheapest, then the one that moves most.

    Raises:
        CalibrationError: None may be taken.
    """
    fit = [each for each in found if each.fault is None]
    if not fit:
        raise CalibrationError(
            "no candidate is fit: pruned networks collapsed or did not move. Allow a second "
            "embedding with --cost 2.1, or give a recipe of your own to 'build'"
        )
    best = max(each.separation for each in fit)
    near = [each for each in fit if each.separation >= best - ALIKE]
    return min(near, key=lambda each: (round(each.candidate.cost, 2), -each.median_shift))


def separation(shift: NDArray[np.floating], clean: NDArray[np.bool_]) -> float:
    """
    Return the share of (degraded, clean) pairs of faces in which the degraded one shifts more.

    Args:
        shift: (N,) higher is worse.
        clean: (N,) True for faces as they are.

    Returns:
        AUROC in [0, 1]; ties count half.
    """
    degraded = int((~clean).sum())
    above = ranks(shift.astype(np.float64))[~clean].sum() - degraded * (degraded + 1) / 2
    return float(above / (degraded * int(clean.sum())))


def _embedded(
    network: Network,
    tried: Sequence[Candidate],
    faces: CalibrationFaces,
    threads: int,
    progress: Progress,
) -> tuple[Embeddings, ...]:
    """One graph of all candidates computes what they share with the dense network once."""
    if not tried:
        raise CalibrationError("no recipe is cheap enough: allow more with --cost")
    copies = [prune(network, each.recipe)[0] for each in tried]
    fused = open_network(spell_out_prelu(fuse(network, *copies)).SerializeToString(), threads)
    starts = range(0, len(faces.images), LARGEST_BATCH)
    what = f"trying {len(tried)} recipes on {len(faces.images)} faces"
    parts = [
        fused.run(prepare(faces.images[start : start + LARGEST_BATCH], network.specification))
        for start in progress.track(starts, description=what)
    ]
    return tuple(np.concatenate(rows) for rows in zip(*parts, strict=True))


def _signals(
    candidate: Candidate, dense: Embeddings, pruned: Embeddings, clean: NDArray[np.bool_]
) -> Signals:
    shift = embedding_shift(dense, pruned)
    some = np.flatnonzero(clean)[:AGREEMENT_FACES]
    return Signals(
        candidate,
        separation(shift, clean),
        spearman(_cosines(dense[some]), _cosines(pruned[some])),
        shift,
        float(np.median(shift[clean])),
    )


def _cosines(embeddings: Embeddings) -> NDArray[np.float64]:
    rows = unit_rows(embeddings)
    return (rows @ rows.T)[np.triu_indices(len(rows), 1)]
