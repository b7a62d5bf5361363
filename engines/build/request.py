"""From a catalogue entry to a finished engine pair."""

from pathlib import Path

from rich.progress import Progress

from engines.biometrics.degrade import with_margin
from engines.build.build import BuildRequest, build_pair
from engines.build.golden_faces import golden_faces
from engines.build.memory import free_bytes, memory_text, needed_bytes
from engines.calibration.faces import CalibrationFaces, calibration_faces
from engines.calibration.sweep import choose, race
from engines.catalogue.catalogue import Catalogued, fetch
from engines.errors import NetworkError
from engines.graph.network import Network, load_network
from engines.pair.manifest import Manifest
from engines.pruning.candidates import candidates
from engines.pruning.form import lean
from engines.pruning.named_recipes import DEFAULT, find_recipe, named_recipes
from engines.pruning.recipe import Recipe
from engines.quality.specification import InputSpecification


def build_request(
    entry: Catalogued,
    recipe: Recipe | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> BuildRequest:
    """
    Obtain what an engine pair is built from.

    Args:
        entry: Of a network.
        recipe: What to prune; None takes the one named `fast`, where the network has one, and
            else calibrates.
        threads: For each network call while building.
        progress: A running display of the caller's, which also says what memory the build needs;
            None shows nothing.

    Raises:
        CatalogueError: The network or the golden faces cannot be obtained.
        NetworkError: The entry is no network, or its file is not usable.
        CalibrationError: No recipe is fit.
    """
    if entry.kind != "network" or entry.specification is None:
        raise NetworkError(
            f"{entry.name} is {entry.kind}, no recognition network; see 'edge-gate models list'"
        )
    (file,) = fetch(entry, progress)
    network = load_network(file, entry.specification, entry.embedding_length, entry.output)
    if progress is not None:
        progress.console.print(memory_text(needed_bytes(network), free_bytes()), highlight=False)
    golden = golden_faces(entry.specification, progress)
    if recipe is None and DEFAULT in named_recipes(entry.name):
        recipe = find_recipe(entry.name)
    if recipe is None:
        recipe = calibrated_recipe(network, threads, progress)
    return BuildRequest(entry.name, entry.licence, network, golden, recipe, threads)


def calibrated_recipe(
    network: Network, threads: int = 1, progress: Progress | None = None
) -> Recipe:
    """
    Return the recipe that calibration without labels finds on the golden faces.

    Raises:
        CatalogueError: The golden faces cannot be obtained.
        CalibrationError: No recipe is fit.
    """
    slim, _ = lean(network)
    faces = known_faces(network.specification, progress)
    found = race(slim, candidates(slim), faces, threads, progress)
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
    """Obtain a network and build its default pair into `out`; raises what both steps raise."""
    return build_pair(build_request(entry, None, threads, progress), out, progress)
