"""Put a quality network beside a pair's own: its file, its ranks, what golden faces are to it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.build.judge import Heard, Judge
from engines.catalogue.values import Catalogued
from engines.errors import PairRefusedError
from engines.onnxruntime.backend import open_network
from engines.pair.manifest import FileRecord, Manifest, SecondOpinionRecord
from engines.pair.merit import Merit, of_quality
from engines.pair.quality_network import QualityNetwork, load_quality_network
from engines.pair.second_opinion import fused_shift, qualities, second_opinion_file
from engines.quality.fusion import fit_ranking
from engines.quality.score_mapping import ScoreMapping, fit_score_mapping
from engines.quality.shift import embedding_shift
from engines.quality.specification import Embeddings, FaceImages, InputSpecification

TOLERANCE = 0.01
"""Share of the spread of reference faces (5 to 95 %) that golden faces may be off."""


@dataclass(frozen=True, slots=True, eq=False)
class AddedOpinion:
    """A network that was put beside a pair."""

    record: SecondOpinionRecord
    reference: NDArray[np.float64]
    """(N,) what it says of the reference faces, higher being better."""


def add_second_opinion(
    folder: Path,
    entry: Catalogued,
    reference: FaceImages,
    measured: tuple[NDArray[np.float32], ScoreMapping],
    golden: tuple[FaceImages, InputSpecification],
) -> AddedOpinion:
    """
    Write the network into the pair's folder and return its record.

    Args:
        folder: Of the pair.
        entry: Of the quality network.
        reference: (N, height, width, 3) uint8 BGR, the faces that scores are shares of.
        measured: Their embedding shifts, and the pair's mapping.
        golden: Face images of the golden vectors, and the pair's input.

    Raises:
        EntryError, CatalogueError, NetworkError: The entry or its file is not usable.
        PairError: The templates do not fit each other.
        PairRefusedError: It says the same of all reference faces.
    """
    network = load_quality_network(entry)
    content = network.model.SerializeToString()
    second_opinion_file(folder).write_bytes(content)
    images, seen = golden
    direction = entry.direction or "higher"
    with QualityNetwork(open_network(content), network.specification, direction) as opened:
        found = qualities(opened, reference, seen)
        known = qualities(opened, images, seen)
    shift, mapping = measured
    try:
        shares = fit_ranking(found)
        means = (mapping.score(shift) / 100 + shares.share(found)) / 2
        fused = fit_ranking(means, ends=(0.0, 1.0))
    except ValueError as error:
        raise PairRefusedError(
            f"the second opinion {entry.name} tells no reference faces apart: {error}"
        ) from error
    low, high = np.quantile(found, (0.05, 0.95))
    record = SecondOpinionRecord(
        name=entry.name,
        licence=entry.licence,
        source_sha256=network.source_sha256,
        file=FileRecord.of(second_opinion_file(folder)),
        specification=network.specification,
        direction=direction,
        shares=shares,
        fused=fused,
        golden=tuple(float(each) for each in known),
        tolerance=TOLERANCE * float(high - low) or TOLERANCE,
    )
    return AddedOpinion(record, found)


def fused_merit(
    folder: Path,
    manifest: Manifest,
    judge: Judge,
    rows: tuple[Embeddings, Embeddings],
    known: NDArray[np.float64] | None = None,
) -> Merit | None:
    """
    Return what shift and second opinion together are worth; None where nothing can be said.

    Args:
        folder: Of the pair, where `add_second_opinion` wrote the network.
        manifest: Of the pair.
        judge: Whose faces and errors count.
        rows: Raw embeddings of its faces by both networks of the pair.
        known: What the second opinion said of its faces; None asks it.
    """
    record = manifest.second_opinion
    if record is None:
        return None
    if known is None:
        opened = open_network(second_opinion_file(folder).read_bytes())
        with QualityNetwork(opened, record.specification, record.direction) as network:
            known = qualities(network, judge.faces().images, manifest.specification)
    shift = fused_shift(embedding_shift(*rows), known, record, manifest.mapping)
    found = judge.merit_of(-shift, rows[0])
    return None if found is None else of_quality(found, manifest.quality)


def merit_beside(judge: Judge, heard: Heard, pruned: Embeddings) -> Merit | None:
    """
    Return what another measure of the pair would be worth with the same second opinion.

    Args:
        judge: Whose faces and errors count.
        heard: What it said.
        pruned: (N, K * D) raw embeddings of the reference faces, as the second output of a pair
            with that measure gives them.
    """
    dense, _ = heard.rows
    shift = embedding_shift(dense, pruned)
    own = fit_score_mapping(shift).score(shift) / 100
    both = own + fit_ranking(heard.said).share(heard.said)
    count = len(judge.faces().images)
    return judge.merit_of(both[:count], dense[:count])
