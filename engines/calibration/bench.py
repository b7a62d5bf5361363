"""Where candidates run: many pruned copies in one graph that computes once what they share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.progress import Progress, TaskID

from engines.amounts import amount
from engines.graph.network import Network
from engines.graph.prelu import spell_out_prelu
from engines.onnxruntime.backend import OnnxRuntimeNetwork, open_for_build
from engines.onnxruntime.heap import trim_heap
from engines.pair.pair import LARGEST_BATCH
from engines.pruning.candidates import Candidate
from engines.pruning.fuse import fuse_each
from engines.pruning.prune import prunable_weights, prune
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from engines.quality.specification import Embeddings, FaceImages

GROUP_BYTES = 64 << 20
"""Pruned weights in one graph of candidates, or as many as the network's own if these are more."""


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Where candidates run."""

    network: Network
    threads: int
    progress: Progress

    def embedded(self, tried: Sequence[Candidate], images: FaceImages) -> tuple[Embeddings, ...]:
        """Return the embeddings of the dense network and of each candidate, in order."""
        pruned: dict[int, Embeddings] = {}
        together = groups(self.network, [each.recipe for each in tried])
        task = self.progress.add_task(
            f"trying {amount(len(tried), 'recipe')} on {amount(len(images), 'face')}",
            total=len(together) * len(images),
        )
        for group in together:
            recipes = [tried[index].recipe for index in group]
            with _opened(self.network, recipes, self.threads) as fused:
                dense, *rows = _run(fused, images, self.network, partial(self._done, task))
            pruned.update(zip(group, rows, strict=True))
        self.progress.remove_task(task)
        return (dense, *(pruned[index] for index in range(len(tried))))

    def _done(self, task: TaskID, faces: int) -> None:
        self.progress.advance(task, faces)


def groups(network: Network, recipes: Sequence[Recipe]) -> tuple[tuple[int, ...], ...]:
    """
    Return which recipes to try in one graph: all of them, unless their weights are too many.

    One graph computes what its candidates share with the dense network once. Layers pruned alike
    are stored once, so that large networks' recipes go together by importance and sparsity.
    """
    sizes = {each.layer: 4 * each.size for each in prunable_weights(network.model)}
    limit = max(GROUP_BYTES, sum(sizes.values()))
    order = sorted(range(len(recipes)), key=lambda n: (recipes[n].importance, recipes[n].sparsity))
    parts: list[list[int]] = [[]]
    held: set[tuple[str, str, float]] = set()
    for index in order:
        recipe = recipes[index]
        layers = recipe.layers or tuple(sizes)
        new: set[tuple[str, str, float]] = {
            (layer, recipe.importance, recipe.sparsity) for layer in layers
        }
        held |= new
        if parts[-1] and sum(sizes[layer] for layer, _, _ in held) > limit:
            parts.append([])
            held = new
        parts[-1].append(index)
    return (tuple(range(len(recipes))),) if len(parts) == 1 else tuple(map(tuple, parts))


@contextmanager
def _opened(
    network: Network, recipes: Sequence[Recipe], threads: int
) -> Iterator[OnnxRuntimeNetwork]:
    with TemporaryDirectory(prefix="edge-gate-") as scratch:
        file = Path(scratch) / "candidates.onnx"
        copies = (prune(network, each)[0] for each in recipes)
        file.write_bytes(spell_out_prelu(fuse_each(network, copies)).SerializeToString())
        trim_heap()
        with open_for_build(file, threads) as opened:
            yield opened


def _run(
    fused: OnnxRuntimeNetwork,
    images: FaceImages,
    network: Network,
    done: Callable[[int], None],
) -> tuple[Embeddings, ...]:
    parts = []
    for start in range(0, len(images), LARGEST_BATCH):
        batch = images[start : start + LARGEST_BATCH]
        parts.append(fused.run(prepare(batch, network.specification)))
        done(len(batch))
    return tuple(np.concatenate(rows) for rows in zip(*parts, strict=True))
