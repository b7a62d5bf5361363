"""The form in which a pair is written: one lean graph, or two plain networks to compare it with."""

from dataclasses import dataclass
from typing import Literal

import onnx

from engines.batch_norm import fold_batch_norm
from engines.compact import compact
from engines.fuse import fuse
from engines.network import Network
from engines.plain_prelu import spell_out_prelu
from engines.prune import prune
from engines.recipe import CompactedLayer, LayerSparsity, Recipe, Role

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


def form_pair(network: Network, recipe: Recipe, form: Form) -> FormedPair:
    """
    Fold, prune and write a network down in one form.

    Raises:
        RecipeError: The recipe names layers that do not exist.
    """
    folded = fold_batch_norm(network)
    if form == "separate":
        pruned, layers = prune(folded, recipe)
        return FormedPair(
            {"dense": _content(folded.model), "pruned": _content(pruned.model)}, layers, ()
        )
    compacted, compaction = compact(folded, CHANNEL_MULTIPLE)
    pruned, layers = prune(compacted, recipe)
    fused = spell_out_prelu(fuse(compacted, pruned))
    return FormedPair({"fused": _content(fused)}, layers, compaction)


def _content(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)
