"""From a catalogue entry to a finished engine pair."""

from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

from rich.progress import Progress

from engines.biometrics.degrade import with_margin
from engines.build.build import BuildRequest, build_pair
from engines.build.golden_faces import golden_faces
from engines.build.judge import Judge, Recogniser
from engines.build.memory import free_bytes, memory_text, needed_bytes
from engines.build.reference_faces import reference_faces
from engines.calibration.bench import Bench
from engines.calibration.faces import CalibrationFaces, calibration_faces
from engines.calibration.several_masks import with_several_masks
from engines.calibration.sweep import choose, race
from engines.catalogue.catalogue import Catalogued, fetch, find_entry
from engines.catalogue.values import UNPRUNED, Quality
from engines.errors import NetworkError
from engines.graph.network import Network, load_network
from engines.pair.manifest import Manifest, NetworkRecord
from engines.pruning.candidates import candidates
from engines.pruning.form import lean
from engines.pruning.named_recipes import default_recipe
from engines.pruning.recipe import COST_AT_MOST, Recipe
from engines.quality.specification import Embeddings, InputSpecification

GATE_NETWORK = "mobilefacenet512"
"""
Beside recognisers whose own pair does not beat the norm: on the errors of four other networks its
shift was worth more than their own recipes and than their norms (docs/measured.md).
"""

WORDS = {"quality": "quality network", "photographs": "set of photographs"}
"""Kinds of entries that are called otherwise in a sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedEntry:
    """A network's entry whose file was read already."""

    entry: Catalogued
    network: Network


def build_request(
    entry: Catalogued,
    recipe: Recipe | Literal["calibrate"] | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    quality: Quality | None = None,
) -> BuildRequest:
    """
    Obtain what an engine pair is built from.

    Args:
        entry: Of a network.
        recipe: What to prune; None takes the network's default, where it was measured, and else
            calibrates.
        threads: For each network call while building.
        progress: A running display of the caller's, which also says what memory the build needs;
            None shows nothing.
        quality: What measures quality; None takes the entry's word, which is `own` unless
            written. With `gate` the pair is of the default network, judged by this one's errors.

    Raises:
        CatalogueError: A network or the golden faces cannot be obtained.
        NetworkError: The entry is no network, or its file is not usable.
        CalibrationError: No recipe is fit.
    """
    return loaded_request(load_entry(entry, progress), recipe, threads, progress, quality)


def loaded_request(
    known: LoadedEntry,
    recipe: Recipe | Literal["calibrate"] | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    quality: Quality | None = None,
) -> BuildRequest:
    """Do as `build_request` with a network that was read already."""
    request = unscaled_request(known, recipe, threads, progress, quality)
    specification = request.network.specification
    posed = request.judge.faces() if request.judge else known_faces(specification, progress)
    return replace(request, reference=reference_faces(posed, specification, progress))


def unscaled_request(
    entry: Catalogued | LoadedEntry,
    recipe: Recipe | Literal["calibrate"] | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    quality: Quality | None = None,
) -> BuildRequest:
    """Do as `build_request`, but without reference faces: for who brings some, or needs none."""
    known = entry if isinstance(entry, LoadedEntry) else load_entry(entry, progress)
    entry, network = known.entry, known.network
    chosen = quality or entry.quality
    if chosen == "gate":
        rows = _embeddings(network, threads, progress)
        return request_beside(known, rows, recipe, threads, progress)
    golden = golden_faces(network.specification, progress)
    if chosen in UNPRUNED:
        recipe = Recipe(sparsity=0)
    elif recipe is None:
        recipe = default_recipe(entry.name) or "calibrate"
    faces = cache(partial(known_faces, network.specification, progress))
    if recipe == "calibrate":
        recipe = _calibrated(network, faces(), threads, progress)
    return BuildRequest(
        entry.name,
        entry.licence,
        network,
        golden,
        recipe,
        threads,
        quality=chosen,
        judge=Judge(faces),
    )


def request_beside(
    known: LoadedEntry,
    embeddings: Embeddings,
    recipe: Recipe | Literal["calibrate"] | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> BuildRequest:
    """
    Return the request for the default network's pair, judged by another network's errors.

    Args:
        known: The other network, a recogniser.
        embeddings: (N, D) float32, raw, of `known_faces` by it.
        recipe: As of `build_request`, for the default network.
        threads: For each network call while building.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        CatalogueError: The default network cannot be obtained.
    """
    asked = unscaled_request(find_entry(GATE_NETWORK), recipe, threads, progress, "own")
    if asked.judge is None:
        return asked
    entry = known.entry
    record = NetworkRecord(
        name=entry.name, licence=entry.licence, source_sha256=known.network.source_sha256
    )
    judge = replace(asked.judge, recogniser=Recogniser(record, embeddings))
    return replace(asked, quality="gate", judge=judge)


def _embeddings(network: Network, threads: int, progress: Progress | None) -> Embeddings:
    faces = known_faces(network.specification, progress)
    bench = Bench(lean(network)[0], threads, progress or Progress(disable=True))
    (embeddings,) = bench.embedded((), faces.images)
    return embeddings


def load_entry(entry: Catalogued, progress: Progress | None = None) -> LoadedEntry:
    """
    Obtain a network and read it.

    Raises:
        CatalogueError: It cannot be obtained.
        NetworkError: The entry is no network, or its file is not usable.
    """
    if entry.kind != "network" or entry.specification is None:
        raise NetworkError(
            f"{entry.name} is a {WORDS.get(entry.kind, entry.kind)}, no face recognition network; "
            "'edge-gate models list' shows those"
        )
    (file,) = fetch(entry, progress)
    network = load_network(file, entry.specification, entry.embedding_length, entry.output)
    return loaded_entry(entry, network, progress)


def loaded_entry(entry: Catalogued, network: Network, progress: Progress | None) -> LoadedEntry:
    """Join both, and say on a display what memory building a pair of it takes."""
    if progress is not None:
        progress.console.print(memory_text(needed_bytes(network), free_bytes()), highlight=False)
    return LoadedEntry(entry, network)


def _calibrated(
    network: Network, faces: CalibrationFaces, threads: int, progress: Progress | None
) -> Recipe:
    slim, _ = lean(network)
    found = race(slim, candidates(slim), faces, threads, progress)
    found = with_several_masks(found, COST_AT_MOST)
    return choose(found.finished()).candidate.recipe


def known_faces(
    specification: InputSpecification, progress: Progress | None = None
) -> CalibrationFaces:
    """
    Return the golden faces, each as it is and with seeded camera faults.

    Raises:
        CatalogueError: They cannot be obtained.
    """
    golden = golden_faces(with_margin(specification), progress)
    return calibration_faces(golden.images, specification, subjects=golden.subjects)


def build_catalogued(entry: Catalogued, out: Path, threads: int, progress: Progress) -> Manifest:
    """
    Obtain a network and build its default pair into `out`; raises what both steps raise.

    Nobody judges it: the recipes of the catalogue were measured with labels, and who wants the
    figure builds the pair by name.
    """
    request = build_request(entry, None, threads, progress)
    return build_pair(replace(request, judge=None), out, progress)
