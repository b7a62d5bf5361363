"""Which networks can be timed next to an engine pair: its own, and those it was made from."""

from dataclasses import dataclass
from pathlib import Path

from engines.catalogue.catalogue import find_entry, located
from engines.errors import CatalogueError
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.network import Network, load_network
from engines.pair.dense import dense_network
from engines.pair.folder import checked_content
from engines.pair.manifest import Manifest
from engines.pruning.prune import prune


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceNetworks:
    """Networks by what they are; a row of several is run one after the other."""

    rows: dict[str, tuple[bytes, ...]]
    """
    ONNX files: `dense_as_shipped` by its publisher, `two_pass` (dense, then pruned), `dense` of
    such a pair, `fused` (one graph, two outputs), `dense_compacted` (what makes the first of them).
    """
    notes: tuple[str, ...]
    """Why one is absent."""


def reference_networks(
    folder: Path, manifest: Manifest, entry: str | None = None
) -> ReferenceNetworks:
    """
    Return what can be timed.

    Args:
        folder: Of the engine pair.
        manifest: Read from it.
        entry: Catalogue name or entry file of the network it was built from; None looks for the
            name in the manifest.

    Raises:
        PairIntegrityError: A file of the pair is missing or not the promised one.
    """
    rows = _own(folder, manifest)
    try:
        shipped = _as_shipped(manifest, entry or manifest.network.name)
    except CatalogueError as error:
        return ReferenceNetworks(rows, (f"the network as shipped was not timed: {error}",))
    rows["dense_as_shipped"] = (_content(shipped),)
    if "two_pass" not in rows:
        folded = fold_batch_norm(shipped)
        rows["two_pass"] = (_content(folded), _content(prune(folded, manifest.recipe)[0]))
    return ReferenceNetworks(rows, ())


def _own(folder: Path, manifest: Manifest) -> dict[str, tuple[bytes, ...]]:
    files = {role: checked_content(folder, record) for role, record in manifest.files.items()}
    alone = (_content(dense_network(folder, manifest)),)
    if "fused" in files:
        return {"dense_compacted": alone, "fused": (files["fused"],)}
    return {"dense": alone, "two_pass": (files["dense"], files["pruned"])}


def _as_shipped(manifest: Manifest, name: str) -> Network:
    entry = find_entry(name)
    (file,) = located(entry)
    network = load_network(file, manifest.specification, manifest.embedding_length, entry.output)
    if network.source_sha256 != manifest.network.source_sha256:
        raise CatalogueError(f"{entry.name}: the pair was built from another file of that name")
    return network


def _content(network: Network) -> bytes:
    return network.model.SerializeToString()
