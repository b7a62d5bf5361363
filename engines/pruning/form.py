"""The form in which a pair is written: one lean graph, or two plain networks to compare it with."""

from dataclasses import dataclass
from typing import Literal

import onnx

from engines.graph.batch_norm import fold_batch_norm
from engines.graph.cost import multiply_adds
from engines.graph.cut import part_of
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.pruning.compact import compact
from engines.pruning.fuse import fuse
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
    """Empty when separate: there nothing but BatchNormalization was touched."""
    cost: Cost


def form_pair(network: Network, recipe: Recipe, form: Form) -> FormedPair:
    """
    Fold, prune and write a network down in one form.

    Raises:
        RecipeError: The recipe names layers that do not exist.
    """
    if form == "separate":
        folded = fold_batch_norm(network)
        pruned, layers = prune(folded, recipe)
        models: dict[Role, onnx.ModelProto] = {"dense": folded.model, "pruned": pruned.model}
        return _formed(network, models, layers, ())
    compacted, compaction = lean(network)
    pruned, layers = prune(compacted, recipe)
    fused = spell_out_prelu(fuse(compacted, pruned))
    return _formed(network, {"fused": fused}, layers, compaction)


def lean(network: Network) -> tuple[Network, tuple[CompactedLayer, ...]]:
    """Return what is pruned for a fused pair, BatchNormalization folded, and what was removed."""
    return compact(fold_batch_norm(network), CHANNEL_MULTIPLE)


def _formed(
    network: Network,
    models: dict[Role, onnx.ModelProto],
    layers: tuple[LayerSparsity, ...],
    compaction: tuple[CompactedLayer, ...],
) -> FormedPair:
    first = next(iter(models.values()))
    dense = part_of(first, network.input_name, network.output_name)
    counted = [
        multiply_adds(each, network.specification)
        for each in (network.model, dense, *models.values())
    ]
    cost = Cost(as_shipped=counted[0], dense=counted[1], pair=sum(counted[2:]))
    files = {role: each.SerializeToString(deterministic=True) for role, each in models.items()}
    return FormedPair(files, layers, compaction, cost)
