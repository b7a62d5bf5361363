"""
Pairs of images to compare, from a CSV file with the columns image_a, image_b and mated.

A column `fold` (any names) divides the pairs for the verification accuracy. Without it, a file laid
out as LFW's view 2 (equally long runs of mated and non-mated pairs in turn) has one fold for each
two runs; any other file has ten folds, filled in turn with mated and with non-mated pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.evaluation.csv_rows import csv_rows
from engines.errors import CalibrationError

COLUMNS = ("image_a", "image_b", "mated")
FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """P pairs of image names."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    mated: NDArray[np.bool_]
    """(P,) True where both images show the same subject."""
    fold: NDArray[np.intp]
    """(P,) fold of each pair, from 0."""

    def images(self) -> tuple[str, ...]:
        """Return every image named, once, in order of first appearance."""
        return tuple(dict.fromkeys(name for pair in self.pairs() for name in pair))

    def pairs(self) -> Sequence[tuple[str, str]]:
        """Return both names of each pair."""
        return tuple(zip(self.first, self.second, strict=True))

    def of(self, chosen: NDArray[np.bool_]) -> "PairList":
        """Return the pairs where the mask is True."""
        kept = np.flatnonzero(chosen)
        return PairList(
            tuple(self.first[i] for i in kept),
            tuple(self.second[i] for i in kept),
            self.mated[kept],
            self.fold[kept],
        )


def halves(pairs: PairList) -> tuple[PairList, PairList]:
    """
    Return pairs of the first half of the folds, and those of the others without an image of these.

    Raises:
        CalibrationError: There is only one fold, or one half has no pair left.
    """
    folds = np.unique(pairs.fold)
    tuning = np.isin(pairs.fold, folds[: len(folds) // 2])
    seen = set(pairs.of(tuning).images())
    fresh = ~tuning & np.array([seen.isdisjoint(pair) for pair in pairs.pairs()], bool)
    for half in (tuning, fresh):
        if not (pairs.mated[half].any() and (~pairs.mated[half]).any()):
            raise CalibrationError(
                "the pairs cannot be divided: give two folds or more (column `fold`), each with "
                "mated and non-mated pairs and with images of its own"
            )
    return pairs.of(tuning), pairs.of(fresh)


def read_pairs(path: Path, only: Sequence[str] = ()) -> PairList:
    """
    Read a list of pairs.

    Args:
        path: Of the CSV file.
        only: Names of the folds to keep, as the column `fold` has them, else 1, 2, 3 and so on;
            none keeps all.

    Raises:
        UsageError: Not readable, a column missing, a value of `mated` other than 0 and 1, no
            such fold, or no mated or no non-mated pair; the message starts with file and line.
    """
    rows = csv_rows(path)
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise UsageError(f"{path}:1: no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    mated = np.array([_mated(row, f"{path}:{line}") for line, row in enumerate(rows, 2)])
    first, second = (tuple(row[name] for row in rows) for name in COLUMNS[:2])
    pairs = _of_folds(PairList(first, second, mated, _folds(rows, mated)), rows, only, path)
    if pairs.mated.all() or not pairs.mated.any():
        raise UsageError(f"{path}: both mated and non-mated pairs are needed")
    return pairs


def _of_folds(
    pairs: PairList, rows: Sequence[dict[str, str]], only: Sequence[str], path: Path
) -> PairList:
    if not only:
        return pairs
    names = [row.get("fold", str(number + 1)) for row, number in zip(rows, pairs.fold, strict=True)]
    unknown = [name for name in only if name not in names]
    if unknown:
        known = ", ".join(dict.fromkeys(names))
        raise UsageError(f"{path}: no fold is named {unknown[0]!r}; there are {known}")
    return pairs.of(np.isin(names, only))


def _mated(row: dict[str, str], place: str) -> bool:
    if any(not row[name] for name in COLUMNS):
        raise UsageError(f"{place}: a value is missing")
    if row["mated"] not in {"0", "1"}:
        raise UsageError(f"{place}: mated is {row['mated']!r}; write 1 (same subject) or 0")
    return row["mated"] == "1"


def _folds(rows: Sequence[dict[str, str]], mated: NDArray[np.bool_]) -> NDArray[np.intp]:
    if "fold" in rows[0]:
        return np.unique([row["fold"] for row in rows], return_inverse=True)[1]
    starts = np.flatnonzero(np.diff(mated, prepend=~mated[:1]))
    lengths = np.diff(np.append(starts, mated.size))
    if lengths.size >= 4 and lengths.size % 2 == 0 and np.all(lengths == lengths[0]):
        return np.arange(mated.size) // (2 * lengths[0])
    fold = np.empty(mated.size, np.intp)
    for kind in (mated, ~mated):
        fold[kind] = np.arange(kind.sum()) % FOLDS
    return fold
