"""
A pair whose shift is the norm of the embedding: one pass, nothing pruned.

The second embedding is the first plus one constant vector v. The shift is then about |v| / |e|:
short embeddings move far, long ones hardly. v lies where embeddings vary least, so that it is all
but perpendicular to each, and the order of shifts is that of the norms. So the free norm takes part
in all that pairs have: score mapping, golden vectors, plans, records.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.graph.draft import Draft
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.pruning.form import FormedPair, formed, lean
from engines.quality.recognisability import LENGTH, quiet_direction
from engines.quality.shift import embedding_norms, unit_rows
from engines.quality.specification import Embeddings


def norm_pair(network: Network, embeddings: Embeddings) -> FormedPair:
    """
    Write a network down with a second output that only its norm moves.

    Args:
        network: As loaded.
        embeddings: (N, D) float32, raw, of known faces.
    """
    compacted, compaction = lean(network)
    draft = Draft(compacted.model)
    model = draft.model
    vector = draft.add("norm_vector", quiet_vector(embeddings).astype(np.float32)[None])
    name = f"{compacted.output_name}_moved"
    node = onnx.helper.make_node("Add", [compacted.output_name, vector], [name], name=name)
    model.graph.node.append(node)
    output = model.graph.output.add()
    output.CopyFrom(model.graph.output[0])
    output.name = name
    return formed(network, {"fused": spell_out_prelu(draft.finished())}, (), compaction)


def quiet_vector(embeddings: Embeddings) -> NDArray[np.float64]:
    """Return (D,) the vector along which unit embeddings vary least, a share of the median norm."""
    length = LENGTH * float(np.median(embedding_norms(embeddings)))
    return length * quiet_direction(unit_rows(embeddings))
