"""Verify an engine pair on the machine that shall run it, with figures instead of a refusal."""

from dataclasses import dataclass
from pathlib import Path

from engines.build.golden_faces import GoldenFaces
from engines.errors import PairIntegrityError, PairRefusedError
from engines.pair.acceptance import Acceptance, assess_pair, require_fit
from engines.pair.execution import Execution
from engines.pair.golden_vectors import GoldenVectors, Replay
from engines.pair.manifest import Manifest
from engines.pair.pair import EnginePair, missed, open_unproved, replay


@dataclass(frozen=True, slots=True)
class Verification:
    """What a pair does here; its manifest holds what it did where it was built."""

    manifest: Manifest
    replay: Replay
    """Of the golden vectors."""
    acceptance: Acceptance | None
    """On the golden faces, computed here; None when they were not given."""
    faults: tuple[str, ...]
    """What is wrong, in words; empty when the pair may be used."""


def verify_pair(
    folder: str | Path,
    threads: int = 1,
    golden: GoldenFaces | None = None,
    execution: Execution | None = None,
) -> Verification:
    """
    Check the files, replay the golden vectors and, where faces are given, accept the pair afresh.

    Args:
        folder: The pair's.
        threads: For each network call.
        golden: Known faces aligned to the pair's specification.
        execution: Which library runs the pair; None takes the pair's own.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: A file is not the promised one, so there is nothing to measure.
        EmbeddingError: An embedding is zero, NaN or infinite.
    """
    pair, vectors = open_unproved(Path(folder), threads, execution)
    with pair:
        replayed = replay(pair, vectors)
        faults = [] if replayed.passed else [missed(replayed)]
        faults += _second_opinion_faults(pair, vectors)
        acceptance = None
        if golden is not None:
            dense, pruned = pair.embed(golden.images)
            by_masks = pruned[:, : pair.manifest.masks_length]
            acceptance = assess_pair(dense, by_masks, golden.subjects)
            faults += _unfit(acceptance)
    return Verification(pair.manifest, replayed, acceptance, tuple(faults))


def _second_opinion_faults(pair: EnginePair, vectors: GoldenVectors) -> list[str]:
    try:
        pair.require_second_opinion(vectors)
    except PairIntegrityError as error:
        return [str(error)]
    return []


def _unfit(acceptance: Acceptance) -> list[str]:
    try:
        require_fit(acceptance)
    except PairRefusedError as error:
        return [str(error)]
    return []
