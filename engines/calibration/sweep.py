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

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.ranks import ranks, spearman
from engines.calibration.faces import CalibrationFaces
from engines.errors import CalibrationError
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.onnxruntime.backend import OnnxRuntimeNetwork, open_for_build
from engines.onnxruntime.heap import trim_heap
from engines.pair.acceptance import MEDIAN_SHIFT_AT_LEAST
from engines.pair.pair import LARGEST_BATCH
from engines.pruning.candidates import Candidate
from engines.pruning.fuse import fuse_each
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift, unit_rows
from engines.quality.specification import Embeddings, FaceImages

AGREEMENT_AT_LEAST = 0.9
"""Spearman correlation of dense and pruned cosines below which a network counts as collapsed."""

AGREEMENT_FACES = 200
"""Clean faces that it is computed over: 19,900 pairs."""

ALIKE = 0.01
"""Separations no further apart are not told apart by a few hundred faces."""

GROUP_BYTES = 64 << 20
"""Pruned weights in one graph of candidates, or as many as the network's own if these are more."""


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
    """Return the embeddings of the dense network and of each candidate, in order."""
    if not tried:
        raise CalibrationError(
            "no recipe is cheap enough: allow more with 'edge-gate pair calibrate --cost 2', or "
            "give one of your own, such as --sparsity 0.1"
        )
    pruned: dict[int, Embeddings] = {}
    together = groups(network, [each.recipe for each in tried])
    task = progress.add_task(
        f"trying {len(tried)} recipes on {len(faces.images)} faces",
        total=len(together) * len(faces.images),
    )
    for group in together:
        recipes = [tried[index].recipe for index in group]
        with _opened(network, recipes, threads) as fused:
            dense, *rows = _run(fused, faces.images, network, lambda n: progress.advance(task, n))
        pruned.update(zip(group, rows, strict=True))
    progress.remove_task(task)
    return (dense, *(pruned[index] for index in range(len(tried))))


def groups(network: Network, recipes: Sequence[Recipe]) -> tuple[tuple[int, ...], ...]:
    """
    Return which recipes to try in one graph: all of them, unless their weights are too many.

    One graph computes what its candidates share with the dense network once. Layers pruned alike
    are stored once, so that large networks' recipes go together by importance and sparsity.
    """
    sizes = {each.layer: 4 * each.size for each in prunable_weights(network.model)}
    limit = max(GROUP_BYTES, sum(sizes.values()))
    order = sorted(range(len(recipes)), key=lambda n: (recipes[n].importance, recipes[n].sparsity))
    parts: list[list[int]] = [[]]
    held: set[tuple[str, str, float]] = set()
    for index in order:
        recipe = recipes[index]
        layers = recipe.layers or tuple(sizes)
        new: set[tuple[str, str, float]] = {
            (layer, recipe.importance, recipe.sparsity) for layer in layers
        }
        held |= new
        if parts[-1] and sum(sizes[layer] for layer, _, _ in held) > limit:
            parts.append([])
            held = new
        parts[-1].append(index)
    return (tuple(range(len(recipes))),) if len(parts) == 1 else tuple(map(tuple, parts))


@contextmanager
def _opened(
    network: Network, recipes: Sequence[Recipe], threads: int
) -> Iterator[OnnxRuntimeNetwork]:
    with TemporaryDirectory(prefix="edge-gate-") as scratch:
        file = Path(scratch) / "candidates.onnx"
        copies = (prune(network, each)[0] for each in recipes)
        file.write_bytes(spell_out_prelu(fuse_each(network, copies)).SerializeToString())
        trim_heap()
        with open_for_build(file, threads) as opened:
            yield opened


def _run(
    fused: OnnxRuntimeNetwork,
    images: FaceImages,
    network: Network,
    done: Callable[[int], None],
) -> tuple[Embeddings, ...]:
    parts = []
    for start in range(0, len(images), LARGEST_BATCH):
        batch = images[start : start + LARGEST_BATCH]
        parts.append(fused.run(prepare(batch, network.specification)))
        done(len(batch))
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
