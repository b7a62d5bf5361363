"""Recognisability of a network's own, learnt from the golden faces and judged on others of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.calibration.bench import Bench
from engines.calibration.faces import CalibrationFaces
from engines.graph.network import Network
from engines.pruning.form import lean
from engines.quality.recognisability import Recognisability, fitted
from engines.quality.specification import Embeddings

UNRECOGNISABLE_FROM = 4
"""Strength of a fault: 4 and 5 of 5."""
FOLDS = 6
"""Of people, each judged by what the others taught."""


def learnt(
    network: Network, faces: CalibrationFaces, threads: int, progress: Progress
) -> Recognisability:
    """Embed faces and learn from those as they are and from those that heavy faults spoilt."""
    some = np.flatnonzero(faces.clean | _unrecognisable(faces))
    bench = Bench(lean(network)[0], threads, progress)
    (embeddings,) = bench.embedded((), faces.images[some])
    return _fitted(embeddings, faces.of(some))


def held_out(embeddings: Embeddings, faces: CalibrationFaces) -> Embeddings:
    """
    Return the moved embeddings of faces, each by what people other than its own taught.

    Those that a measure was learnt from lie nearer to the centre than faces to come, and all alike:
    a score scale and a figure of merit made of them would be wrong.

    Args:
        embeddings: (N, D) float32, raw.
        faces: N of them.
    """
    moved = np.empty_like(embeddings)
    for chosen in _folds(faces):
        others = np.flatnonzero(~chosen)
        moved[chosen] = _fitted(embeddings[others], faces.of(others)).moved(embeddings[chosen])
    return moved


def held_out_of_first(embeddings: Embeddings, faces: CalibrationFaces) -> Embeddings:
    """
    Return moved embeddings of faces of which the first taught.

    Args:
        embeddings: (M, D) float32, raw: of N that taught, then of others.
        faces: Those N, each of which is moved by what people other than its own taught.
    """
    count = len(faces.images)
    first, rest = embeddings[:count], embeddings[count:]
    return np.concatenate((held_out(first, faces), _fitted(first, faces).moved(rest)))


def with_held_out(
    dense: Embeddings, pruned: Embeddings, faces: CalibrationFaces
) -> tuple[Embeddings, Embeddings]:
    """
    Return a pair's raw embeddings of faces with the moved ones held out.

    Args:
        dense: (N, D) float32.
        pruned: (N, D) of the moved alone; or (N, 2 * K * D), K masks' and as many moved.
        faces: N of them.
    """
    width = dense.shape[1]
    copies = max(pruned.shape[1] // width // 2, 1)
    masks = pruned[:, : pruned.shape[1] - copies * width]
    return dense, with_moved(masks, held_out(dense, faces))


def with_moved(masks: Embeddings, moved: Embeddings) -> Embeddings:
    """
    Return what a pair gives beside its dense embeddings.

    Args:
        masks: (N, K * D) embeddings by K masks; none for recognisability alone.
        moved: (N, D) float32 embeddings that recognisability moved.

    Returns:
        (N, 2 * K * D), so many moved as there are masks; or the moved alone.
    """
    copies = max(masks.shape[1] // moved.shape[1], 1)
    return np.concatenate([masks, *[moved] * copies], axis=1)


def _fitted(embeddings: Embeddings, faces: CalibrationFaces) -> Recognisability:
    return fitted(embeddings[_unrecognisable(faces)], embeddings[faces.clean])


def _unrecognisable(faces: CalibrationFaces) -> NDArray[np.bool_]:
    return faces.strength >= UNRECOGNISABLE_FROM


def _folds(faces: CalibrationFaces) -> Iterator[NDArray[np.bool_]]:
    for fold in range(FOLDS):
        yield faces.subject % FOLDS == fold
