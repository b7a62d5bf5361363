"""
Golden vectors: a few faces with the embeddings they had when the pair was built.

They are replayed whenever a pair is opened, so that a wrong library, processor path, colour order
or file is found before a face is scored.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from engines.errors import PairIntegrityError
from engines.quality.shift import embedding_shift, unit_rows
from engines.quality.specification import Embeddings, FaceImages


@dataclass(frozen=True, slots=True)
class Tolerance:
    """
    How far a replay may be from the golden vectors.

    Processors sum in different orders, so bits may differ: float32 moves a cosine by about 1e-6,
    FP16 by about 1e-5. A wrong file or colour order moves it by 1e-3 and more.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    minimum_cosine: float = 0.9999
    """Between an embedding and its golden one; a shift of 0.014 between them."""
    shift_absolute: float = 1e-3
    """Difference of embedding shifts that is always allowed."""
    shift_relative: float = 0.02
    """Or this share of the golden shift, where it is more."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldenVectors:
    """N face images and what the pair made of them."""

    images: FaceImages
    """(N, height, width, 3) uint8 BGR."""
    dense: Embeddings
    """(N, D) float32 unit rows."""
    pruned: Embeddings
    """(N, D) float32 unit rows."""
    shift: NDArray[np.float32]
    """(N,) embedding shifts."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How near a pair came to its golden vectors."""

    faces: int
    dense_cosine: float
    """The lowest one; 1 is the same direction."""
    pruned_cosine: float
    shift_difference: float
    """The largest one, absolute."""
    passed: bool
    """Whether all of them are within the tolerance."""


def golden_vectors(images: FaceImages, dense: Embeddings, pruned: Embeddings) -> GoldenVectors:
    """Return the golden vectors of raw embeddings (any scale)."""
    shift = embedding_shift(dense, pruned)
    dense_rows, pruned_rows = (unit_rows(each).astype(np.float32) for each in (dense, pruned))
    return GoldenVectors(images, dense_rows, pruned_rows, shift)


def compare(
    golden: GoldenVectors, dense: Embeddings, pruned: Embeddings, tolerance: Tolerance
) -> Replay:
    """
    Return how near raw embeddings of the golden images come to the golden ones.

    Raises:
        EmbeddingError: A row is zero, NaN or infinite.
    """
    again = golden_vectors(golden.images, dense, pruned)
    dense_cosine = _lowest_cosine(golden.dense, again.dense)
    pruned_cosine = _lowest_cosine(golden.pruned, again.pruned)
    difference = np.abs(golden.shift - again.shift)
    allowed = np.maximum(tolerance.shift_absolute, tolerance.shift_relative * golden.shift)
    near = min(dense_cosine, pruned_cosine) >= tolerance.minimum_cosine
    passed = bool(near and (difference <= allowed).all())
    return Replay(len(golden.images), dense_cosine, pruned_cosine, float(difference.max()), passed)


def _lowest_cosine(first: Embeddings, second: Embeddings) -> float:
    return float((unit_rows(first) * unit_rows(second)).sum(axis=1).min())


def write_vectors(path: Path, golden: GoldenVectors) -> None:
    """Write an .npz file; the same vectors give the same bytes."""
    with path.open("wb") as file:
        np.savez(
            file,
            images=golden.images,
            dense=golden.dense,
            pruned=golden.pruned,
            shift=golden.shift,
        )


def require_as_large_as_it_looks(content: bytes) -> None:
    """
    Refuse an .npz that would grow when it is read: what is written here is not compressed.

    Raises:
        ValueError: It would.
        BadZipFile: It is no such file.
    """
    with ZipFile(io.BytesIO(content)) as members:
        sizes = [member.file_size for member in members.infolist()]
    if sum(sizes) > len(content):
        raise ValueError(f"{sum(sizes):,} bytes would come out of {len(content):,}")


def read_vectors(content: bytes, name: str) -> GoldenVectors:
    """
    Read the content of a file that `write_vectors` wrote.

    Raises:
        PairIntegrityError: Another kind of file, or one array is missing; `name` says which.
    """
    try:
        require_as_large_as_it_looks(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            names = ("images", "dense", "pruned", "shift")
            golden = GoldenVectors(*(arrays[each] for each in names))
    except Exception as error:  # of whatever kind: neither zipfile nor NumPy promises one
        raise PairIntegrityError(f"{name}: no golden vectors: {error}; build it again") from error
    if not golden.images.size:
        raise PairIntegrityError(f"{name}: no golden vectors in it; build it again")
    return golden
