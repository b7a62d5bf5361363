"""From a catalogue entry to a finished engine pair."""

from pathlib import Path

from rich.progress import Progress

from engines.build import BuildRequest, build_pair
from engines.catalogue import Catalogued, fetch
from engines.errors import NetworkError
from engines.golden import golden_faces
from engines.manifest import Manifest
from engines.named_recipes import DEFAULT, named_recipes
from engines.network import load_network
from engines.recipe import Recipe


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
        recipe: What to prune; None takes the one named `fast`, where the network has one.
        threads: For each network call while building.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        CatalogueError: The network or the golden faces cannot be obtained.
        NetworkError: The entry is no network, or its file is not usable.
    """
    if entry.specification is None:
        raise NetworkError(
            f"{entry.name} is a {entry.kind}, not a network; 'edge-gate models list' shows those"
        )
    (file,) = fetch(entry, progress)
    network = load_network(file, entry.specification, entry.embedding_length)
    golden = golden_faces(entry.specification, progress)
    chosen = recipe or default_recipe(entry.name)
    return BuildRequest(entry.name, entry.licence, network, golden, chosen, threads)


def default_recipe(network: str) -> Recipe:
    """Return the network's recipe named `fast`, or a cautious one for networks never measured."""
    known = named_recipes(network)
    return known[DEFAULT].recipe if DEFAULT in known else Recipe()


def build_catalogued(entry: Catalogued, out: Path, threads: int, progress: Progress) -> Manifest:
    """Obtain a network and build its default pair into `out`; raises what both steps raise."""
    return build_pair(build_request(entry, None, threads, progress), out, progress)
