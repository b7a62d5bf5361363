"""
An engine pair at work: aligned face images in, embeddings and their shift out.

    with open_pair(Path("pairs/default")) as pair:
        scored = pair.assess(face_images)
        score = pair.mapping.score(scored.shift)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.biometrics.identity_scale import IdentityScale, identity_scale
from engines.closing import Closing
from engines.errors import PairIntegrityError
from engines.onnxruntime.heap import trim_heap
from engines.pair.acceptance import compare_all, estimated_match_score
from engines.pair.execution import Execution, open_beside, open_networks
from engines.pair.folder import checked_content
from engines.pair.golden_vectors import GoldenVectors, Replay, compare, read_vectors
from engines.pair.manifest import Manifest, without_second_opinion
from engines.pair.quality_network import QualityNetwork
from engines.pair.second_opinion import SecondOpinion
from engines.pair.signature import trusted_manifest
from engines.protocols import EmbeddingNetwork
from engines.quality.preprocess import prepare
from engines.quality.score_mapping import ScoreMapping
from engines.quality.shift import embedding_shift, unit_rows
from engines.quality.specification import Embeddings, FaceImages, InputSpecification

LARGEST_BATCH = 16
"""Faces given to the networks at once; a CPU takes them in smaller batches."""

REPLAY_BATCH = 2
"""Golden faces at once: a batch is proved too, and libraries keep the memory of the largest one."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What the pair made of N face images."""

    embeddings: Embeddings
    """(N, D) float32 unit rows of the dense network."""
    shift: NDArray[np.float32]
    """
    (N,) embedding shifts in [0, 2]; lower is better (arXiv 2605.13396). Of a pair with a second
    opinion: the shifts that have the fused scores.
    """


class EnginePair(Closing):
    """A dense and a pruned network that passed their golden vectors; made by `open_pair`."""

    def __init__(
        self,
        manifest: Manifest,
        networks: Sequence[EmbeddingNetwork],
        golden: GoldenVectors | None = None,
    ) -> None:
        self.manifest = manifest
        self._networks = tuple(networks)
        self._golden = golden

    @property
    def pair_id(self) -> str:
        """Scores of different pair ids are not comparable."""
        return self.manifest.pair_id

    @property
    def engine(self) -> str:
        """What runs the networks, for people: library, version and precision."""
        return self._networks[0].engine

    @property
    def specification(self) -> InputSpecification:
        """What `assess` expects of its face images."""
        return self.manifest.specification

    @property
    def mapping(self) -> ScoreMapping:
        """From shift to the score of 0 to 100."""
        return self.manifest.mapping

    @property
    def match_score(self) -> float:
        """
        Comparison score (cosine of dense embeddings) from which two faces are one person's.

        As the golden faces have it when the pair was built; for a pair of the first release, which
        does not say, an estimate from its golden vectors.
        """
        known = self.manifest.acceptance.match_score
        if known is not None:
            return known
        if self._golden is None:
            raise ValueError("a pair opened without its golden vectors knows no comparison scores")
        return estimated_match_score(self._golden.dense)

    @property
    def identity(self) -> IdentityScale:
        """From comparison scores to who is who; for a pair of the first release an estimate."""
        return identity_of(self.manifest, self._golden)

    def assess(self, face_images: FaceImages) -> Scored:
        """
        Embed face images with both networks.

        Args:
            face_images: (N, height, width, 3) uint8 BGR, aligned to the specification's template.

        Raises:
            ValueError: Another size or type.
            EmbeddingError: An embedding is zero, NaN or infinite.
            BackendError: The inference library refused.
        """
        dense, pruned = self.embed(face_images)
        return Scored(unit_rows(dense).astype(np.float32), embedding_shift(dense, pruned))

    def embed(self, face_images: FaceImages) -> tuple[Embeddings, Embeddings]:
        """
        Return the raw (N, D) float32 embeddings of the dense and of the pruned network.

        Of a recipe of K masks the latter are (N, K * D), see `engines.quality.shift`, and of the
        quality `both` (N, 2 * K * D), see `engines.pruning.recognisability_output`.
        """
        inputs = prepare(face_images, self.specification)
        length, beside = self.manifest.embedding_length, self.manifest.pruned_length
        dense = np.empty((len(inputs), length), np.float32)
        pruned = np.empty((len(inputs), beside), np.float32)
        for start in range(0, len(inputs), LARGEST_BATCH):
            batch = slice(start, start + LARGEST_BATCH)
            dense[batch], pruned[batch] = (
                output for network in self._networks for output in network.run(inputs[batch])
            )
        return dense, pruned

    def close(self) -> None:
        """Release both networks; safe to call twice."""
        for network in self._networks:
            network.close()

    def require_second_opinion(self, golden: GoldenVectors) -> None:
        """
        Compare the second opinion on golden faces, where there is one, with when it was built.

        Raises:
            PairIntegrityError: It says something else here.
        """


class _FusedPair(EnginePair):
    """A pair whose quality network has a say in the score."""

    def __init__(
        self,
        manifest: Manifest,
        networks: Sequence[EmbeddingNetwork],
        golden: GoldenVectors,
        second: SecondOpinion,
    ) -> None:
        super().__init__(manifest, networks, golden)
        self._second = second

    def assess(self, face_images: FaceImages) -> Scored:
        """Embed face images and ask the second opinion; see `EnginePair.assess`."""
        alone = super().assess(face_images)
        return Scored(alone.embeddings, self._second.shift(alone.shift, face_images, self.mapping))

    def close(self) -> None:
        """Release all networks; safe to call twice."""
        super().close()
        self._second.close()

    def require_second_opinion(self, golden: GoldenVectors) -> None:
        """Compare the second opinion with when it was built; see `EnginePair`."""
        self._second.require_golden(golden.images)


def open_pair(
    folder: str | Path, threads: int = 1, execution: Execution | None = None
) -> EnginePair:
    """
    Open an engine pair and prove it before it may score a face.

    Args:
        folder: What `edge-gate pair build --out` made.
        threads: For each network call; both networks share one configuration.
        execution: Which library runs it; None takes the pair's own.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: A file is missing, swapped or edited, or the golden vectors are missed.
        PairSignatureError: `execution` insists on a key, and the pair is not signed with it.
        BackendError: The inference library refused a network.
    """
    folder = Path(folder)
    pair, golden = open_unproved(folder, threads, execution)
    try:
        found = replay(pair, golden)
        pair.require_second_opinion(golden)
    except BaseException:
        pair.close()
        raise
    if not found.passed:
        pair.close()
        raise PairIntegrityError(f"{folder}: {missed(found)}")
    trim_heap()
    return pair


def open_unproved(
    folder: Path, threads: int = 1, execution: Execution | None = None
) -> tuple[EnginePair, GoldenVectors]:
    """Open a pair whose files are the promised ones, and its golden vectors, without replay."""
    how = execution or Execution()
    manifest = trusted_manifest(folder, how.pair_key)
    golden = golden_vectors_of(folder, manifest)
    networks = open_networks(folder, manifest, threads, how)
    second = _second_opinion(folder, manifest, threads, how) if how.second_opinion else None
    if second is None:
        return EnginePair(without_second_opinion(manifest), networks, golden), golden
    return _FusedPair(manifest, networks, golden, second), golden


def _second_opinion(
    folder: Path, manifest: Manifest, threads: int, how: Execution
) -> SecondOpinion | None:
    record = manifest.second_opinion
    if record is None:
        return None
    running = open_beside(folder, manifest, record, threads, how)
    network = QualityNetwork(running, record.specification, record.direction)
    return SecondOpinion(network, record, manifest.specification)


@dataclass(frozen=True, slots=True)
class KnownPair:
    """What must be known of a pair that is not opened, to decide once more about its scores."""

    pair_id: str
    identity: IdentityScale


def known_pair(folder: Path, execution: Execution | None = None) -> KnownPair:
    """
    Return what a pair's folder says, without opening its networks.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: The manifest or the golden vectors are missing, swapped or edited.
        PairSignatureError: `execution` insists on a key, and the pair is not signed with it.
    """
    how = execution or Execution()
    manifest = trusted_manifest(folder, how.pair_key)
    if not how.second_opinion:
        manifest = without_second_opinion(manifest)
    golden = None if manifest.identity else golden_vectors_of(folder, manifest)
    return KnownPair(manifest.pair_id, identity_of(manifest, golden))


def identity_of(manifest: Manifest, golden: GoldenVectors | None) -> IdentityScale:
    """
    Return what the manifest says of identity, or else the golden vectors, of different people.

    Raises:
        ValueError: Neither is there.
    """
    if manifest.identity is not None:
        return manifest.identity
    if golden is None:
        raise ValueError("a pair opened without its golden vectors knows no comparison scores")
    people = [str(number) for number in range(len(golden.dense))]
    return identity_scale(compare_all(golden.dense, people))


def golden_vectors_of(folder: Path, manifest: Manifest) -> GoldenVectors:
    """Return a pair's golden vectors after comparing their hash with the manifest."""
    file = manifest.golden.file
    return read_vectors(checked_content(folder, file), str(folder / file.name))


def replay(pair: EnginePair, golden: GoldenVectors) -> Replay:
    """
    Run the golden images through the pair and compare.

    Raises:
        EmbeddingError: An embedding is zero, NaN or infinite.
    """
    starts = range(0, len(golden.images), REPLAY_BATCH)
    parts = [pair.embed(golden.images[start : start + REPLAY_BATCH]) for start in starts]
    dense, pruned = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    return compare(golden, dense, pruned, pair.manifest.golden.tolerance)


def missed(found: Replay) -> str:
    """Return in words how a replay missed the golden vectors."""
    return (
        f"golden vectors missed: lowest cosine {found.dense_cosine:.6f} dense, "
        f"{found.pruned_cosine:.6f} pruned, shift off by {found.shift_difference:.2e}; "
        "this machine computes other embeddings, so build the pair on it"
    )
