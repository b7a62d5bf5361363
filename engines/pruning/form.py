"""
The form in which a pair is written: one lean graph, or two plain networks to compare it with.

In both PRelu is spelled out, last of all steps: a plan gets it in the form that is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import onnx

from engines.errors import RecipeError
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.cost import multiply_adds, multiply_adds_by_node
from engines.graph.cut import nodes_between
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.pruning.compact import compact
from engines.pruning.fuse import fuse, with_pruned_embeddings_joined
from engines.pruning.prune import prune
from engines.pruning.recipe import CompactedLayer, Cost, LayerSparsity, Recipe, Role

Form = Literal["fused", "separate"]

CHANNEL_MULTIPLE = 8
"""
Channels that stay are rounded up to a multiple of this.

ONNX Runtime's blocked convolutions want it: MobileFaceNet-512, its PRelu left as it was, takes
0.93 of the time as shipped with 1, 0.78 with 4 and with 8, 0.80 with 16 (AVX2, processor time).
"""


@dataclass(frozen=True, slots=True, eq=False)
class FormedPair:
    """Both networks of a pair in their files' content, and what was done to get there."""

    files: dict[Role, bytes]
    """ONNX by role: `fused`, or `dense` and `pruned`; run in this order they give two outputs."""
    layers: tuple[LayerSparsity, ...]
    compaction: tuple[CompactedLayer, ...]
    """Empty when separate: there nothing but BatchNormalization and PRelu was touched."""
    cost: Cost


def form_pair(network: Network, recipe: Recipe, form: Form) -> FormedPair:
    """
    Fold, prune and write a network down in one form.

    Raises:
        RecipeError: The recipe names layers that do not exist, or has masks that need one graph.
    """
    if form == "separate":
        if recipe.masks:
            raise RecipeError("a recipe of several masks is one graph: leave out --form separate")
        models, layers = _two_copies(network, recipe)
        return formed(network, models, layers, ())
    fused, layers, compaction = pruned_copies(network, recipe)
    return formed(network, {"fused": spell_out_prelu(joined(fused))}, layers, compaction)


def _two_copies(
    network: Network, recipe: Recipe
) -> tuple[dict[Role, onnx.ModelProto], tuple[LayerSparsity, ...]]:
    """Return the dense and the pruned network; at no time are there more than four of them."""
    folded = fold_batch_norm(network)
    pruned, layers = prune(folded, recipe)
    spelled = spell_out_prelu(pruned.model)
    del pruned
    return {"dense": spell_out_prelu(folded.model), "pruned": spelled}, layers


def pruned_copies(
    network: Network, recipe: Recipe
) -> tuple[onnx.ModelProto, tuple[LayerSparsity, ...], tuple[CompactedLayer, ...]]:
    """
    Return one graph with the dense embedding and an output for each mask, and what was done.

    A function of its own: the networks between are released before the next step.
    """
    compacted, compaction = lean(network)
    pruned = [prune(compacted, each) for each in recipe.single]
    fused = fuse(compacted, *(each for each, _ in pruned))
    return fused, _rows([rows for _, rows in pruned]), compaction


def joined(fused: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with two outputs, as backends have it; itself where it has no more."""
    return fused if len(fused.graph.output) == 2 else with_pruned_embeddings_joined(fused)


def _rows(masks: Sequence[tuple[LayerSparsity, ...]]) -> tuple[LayerSparsity, ...]:
    """Return a row for each layer, and further rows for what further masks do to some."""
    first, *further = masks
    return (*first, *(row for rows in further for row in rows if row.masked))


def lean(network: Network) -> tuple[Network, tuple[CompactedLayer, ...]]:
    """Return what is pruned for a fused pair, BatchNormalization folded, and what was removed."""
    return compact(fold_batch_norm(network), CHANNEL_MULTIPLE)


def formed(
    network: Network,
    models: dict[Role, onnx.ModelProto],
    layers: tuple[LayerSparsity, ...],
    compaction: tuple[CompactedLayer, ...],
) -> FormedPair:
    """Return finished models as files, and what they cost."""
    first = next(iter(models.values()))
    specification = network.specification
    counts = multiply_adds_by_node(first, specification)
    dense = {
        node.output[0] for node in nodes_between(first, network.input_name, network.output_name)
    }
    cost = Cost(
        as_shipped=multiply_adds(network.model, specification),
        dense=sum(
            count
            for node, count in zip(first.graph.node, counts, strict=True)
            if node.output[0] in dense
        ),
        pair=sum(multiply_adds(each, specification) for each in models.values()),
    )
    files = {role: each.SerializeToString(deterministic=True) for role, each in models.items()}
    return FormedPair(files, layers, compaction, cost)
