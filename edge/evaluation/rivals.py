"""Quality networks of the user's as measures beside PreFIQs and the baselines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.errors import UsageError
from edge.evaluation.measure_names import MEASURES
from edge.evaluation.measures import Measure, Sample
from engines.catalogue.catalogue import find_entry
from engines.catalogue.values import Catalogued
from engines.errors import EntryError
from engines.onnxruntime.backend import open_network
from engines.pair.quality_network import QualityNetwork, load_quality_network
from engines.quality.align import align


def rival_entries(files: Sequence[Path]) -> Mapping[str, Catalogued]:
    """
    Return the entries of quality networks by their names.

    Raises:
        UsageError: A file is missing or wrong, or two measures would have one name.
    """
    found: dict[str, Catalogued] = {}
    for file in files:
        entry = _entry(file)
        if entry.name in MEASURES or entry.name in found:
            raise UsageError(f"{file}: a measure is named {entry.name!r} already: choose another")
        found[entry.name] = entry
    return found


def _entry(file: Path) -> Catalogued:
    try:
        return find_entry(str(file.absolute()))
    except EntryError as error:
        raise UsageError(str(error)) from error


def open_rivals(entries: Mapping[str, Catalogued], threads: int = 1) -> Mapping[str, Measure]:
    """
    Return a measure of each quality network, aligned afresh from the photograph.

    Args:
        entries: By name.
        threads: For each network call.

    Raises:
        EntryError: An entry is of another kind.
        CatalogueError, NetworkError, BackendError: A file cannot be obtained or is none.
    """
    return {name: _measure(entry, threads) for name, entry in entries.items()}


def _measure(entry: Catalogued, threads: int) -> Measure:
    network = load_quality_network(entry)
    running = open_network(network.model.SerializeToString(), threads)
    opened = QualityNetwork(running, network.specification, entry.direction or "higher")

    def quality(sample: Sample) -> float:
        face_image = align(sample.pixels, sample.face.landmarks, opened.specification)
        return float(opened.quality(face_image[None])[0])

    decides = (network.source_sha256, network.output_name, repr(network.specification))
    return Measure(quality, "none", (*decides, entry.direction or "higher"))
