"""
What would a second pass cost that has fewer channels, instead of channels of zeros?

    python -m tests.bench.fewer_channels NETWORK ...

Whole channels are pruned in some places of the depth; the pruned copy is compacted as the dense
network is, and both are put into one graph. Prints Markdown: multiply-adds of embedding and score
over those of the embedding, with fewer channels / with channels of zeros.
"""

import argparse
from collections.abc import Iterator

from engines.catalogue.catalogue import fetch, find_entry
from engines.graph.cost import multiply_adds
from engines.graph.network import Network, load_network
from engines.pruning.candidates import _window
from engines.pruning.compact import compact
from engines.pruning.form import CHANNEL_MULTIPLE, lean
from engines.pruning.fuse import fuse
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from tests.bench.lines import show

SPARSITIES = (0.1, 0.2, 0.35, 0.5)


def slim(name: str) -> Network:
    """Return a network as it is pruned."""
    entry = find_entry(name)
    if entry.specification is None:
        raise ValueError(f"{name} is no network")
    (file,) = fetch(entry)
    network = load_network(file, entry.specification, entry.embedding_length, entry.output)
    return lean(network)[0]


def prices(network: Network, layers: tuple[str, ...]) -> Iterator[str]:
    """Yield both prices for each sparsity."""
    alone = multiply_adds(network.model, network.specification)
    for sparsity in SPARSITIES:
        recipe = Recipe(
            sparsity=sparsity, layers=layers, importance="channel", structure="channels"
        )
        zeros, _ = prune(network, recipe)
        fewer, _ = compact(zeros, CHANNEL_MULTIPLE)
        paid = (
            multiply_adds(fuse(network, each), network.specification) / alone
            for each in (fewer, zeros)
        )
        yield " / ".join(f"{each:.2f}" for each in paid)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    show("| network | channels of | " + " | ".join(map(str, SPARSITIES)) + " |")
    show("|---|---|" + "---|" * len(SPARSITIES))
    for name in parser.parse_args().networks:
        network = slim(name)
        names = tuple(each.layer for each in prunable_weights(network.model))
        places = [_window(names, 3, 0.8), _window(names, 8, 0.5), ("last 12", names[-13:-1])]
        for place, layers in (*places, ("all but the last", names[:-1])):
            cells = " | ".join(prices(network, layers))
            show(f"| `{find_entry(name).name}` | {place} | {cells} |")


if __name__ == "__main__":
    main()
