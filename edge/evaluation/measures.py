"""
Quality measures of one face: PreFIQs and the baselines of the field that need no other weights.

Each is a plain function of a found and aligned face; higher is better in all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.evaluation.measure_names import VERIFYING_NORM
from edge.samples import DetectedFace, Pixels
from engines.graph.network import Network
from engines.onnxruntime.backend import open_network
from engines.pair.dense import dense_network
from engines.pair.pair import EnginePair
from engines.pruning.stochastic import (
    consistency,
    disturbed_copies,
    dropout_masks,
    response_lengths,
    signal_to_noise,
    split_before_last_layer,
    stochastic_quality,
)
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift, quality_from_shift
from engines.quality.specification import Embeddings, FaceImages

SEED = 0
"""Of dropout masks and disturbed copies: the same for every run, so that figures repeat."""

Passes = Literal["none", "dense", "pair"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One face with what the engine pair made of it."""

    pixels: Pixels
    """The photograph, for measures that align the face in their own way."""
    face: DetectedFace
    face_image: FaceImages
    """(1, height, width, 3) uint8 BGR, aligned."""
    dense: Embeddings
    """(1, D) float32, raw."""
    pruned: Embeddings
    """(1, D) float32, raw."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A quality measure ready for use."""

    quality: Callable[[Sample], float]
    """Higher is better."""
    passes: Passes
    """Of the engine pair's networks that `quality` reads the results of; they cost as well."""
    settings: tuple[float | str, ...] = ()
    """What else decides the value: a change makes values kept earlier useless."""


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """How much the costly measures may compute."""

    passes: int = 100
    """Stochastic passes of `serfiq`; the paper's number."""
    copies: int = 3
    """Randomly pruned copies of `agreement` and `spread`; at least 2."""
    threads: int = 1
    """For each network call."""
    last_layers: int | None = None
    """Layers at the end that the copies are pruned in, behind one trunk; None for every layer."""


def open_measures(
    names: Sequence[str], folder: Path, pair: EnginePair, settings: MeasureSettings
) -> Mapping[str, Measure]:
    """
    Return the named measures, with the networks they need opened.

    Args:
        names: Keys of `MEASURES`.
        folder: Of the engine pair.
        pair: Opened from it.
        settings: Counts and threads.

    Raises:
        EnginesError: The dense network cannot be disturbed as a measure needs it.
    """
    simple = {
        "prefiqs": Measure(_prefiqs, "pair"),
        "shift_over_norm": Measure(_shift_over_norm, "pair"),
        "norm": Measure(_norm, "dense"),
        "detector": Measure(lambda sample: sample.face.detector_score, "none"),
        "inter_eye": Measure(_inter_eye, "none"),
        "laplacian": Measure(_laplacian, "none"),
    }
    simple["fused"] = _fused(pair)
    chosen = {name: simple[name] for name in names if name in simple}
    if len(chosen) < len(names):
        dense = dense_network(folder, pair.manifest)
        if {"serfiq", "snr"} & set(names):
            chosen |= _dropout(dense, settings)
        if {"agreement", "spread"} & set(names):
            chosen |= _copies(dense, settings)
    return {name: chosen[name] for name in names}


def verifying_measures(names: Sequence[str]) -> Mapping[str, Measure]:
    """Return what another network that compares is asked for its own quality, beside `names`."""
    return {VERIFYING_NORM: Measure(_norm, "dense")} if "norm" in names else {}


def _fused(pair: EnginePair) -> Measure:
    record = pair.manifest.second_opinion
    if record is None:
        return Measure(_prefiqs, "pair")

    def quality(sample: Sample) -> float:
        return float(quality_from_shift(pair.assess(sample.face_image).shift)[0])

    return Measure(quality, "none", ("quality", record.file.sha256, pair.pair_id))


def _prefiqs(sample: Sample) -> float:
    return float(quality_from_shift(embedding_shift(sample.dense, sample.pruned))[0])


def _shift_over_norm(sample: Sample) -> float:
    return -float(embedding_shift(sample.dense, sample.pruned)[0]) / _norm(sample)


def _norm(sample: Sample) -> float:
    return float(np.linalg.norm(sample.dense.astype(np.float64)))


def _inter_eye(sample: Sample) -> float:
    left, right = sample.face.landmarks[:2].astype(np.float64)
    return float(np.linalg.norm(right - left))


def _laplacian(sample: Sample) -> float:
    grey = cv2.cvtColor(sample.face_image[0], cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _dropout(dense: Network, settings: MeasureSettings) -> dict[str, Measure]:
    spec = dense.specification
    black = np.zeros((1, spec.height, spec.width, 3), np.uint8)
    parts = split_before_last_layer(dense)
    trunk, head = (
        open_network(part.SerializeToString(), settings.threads)
        for part in (parts.trunk, parts.head)
    )
    masks = lru_cache(partial(dropout_masks, passes=settings.passes, seed=SEED))
    lengths = lru_cache(lambda: response_lengths(head, trunk.run(prepare(black, spec))[0]))

    def features(sample: Sample) -> NDArray[np.float32]:
        return trunk.run(prepare(sample.face_image, spec))[0]

    def serfiq(sample: Sample) -> float:
        inputs = features(sample)
        return float(stochastic_quality(inputs, head, masks(inputs.shape[1]))[0])

    def snr(sample: Sample) -> float:
        inputs = features(sample)
        return float(signal_to_noise(inputs, head.run(inputs)[0], lengths())[0])

    return {"serfiq": Measure(serfiq, "none", (settings.passes,)), "snr": Measure(snr, "none")}


def _copies(dense: Network, settings: MeasureSettings) -> dict[str, Measure]:
    networks = [
        open_network(copy.model.SerializeToString(), settings.threads)
        for copy in disturbed_copies(dense, settings.copies, SEED, settings.last_layers)
    ]

    @lru_cache(maxsize=1)  # both measures ask about the same sample in turn
    def embeddings(sample: Sample) -> Embeddings:
        inputs = prepare(sample.face_image, dense.specification)
        return np.concatenate([network.run(inputs)[0] for network in networks])

    def agreement(sample: Sample) -> float:
        copies = embeddings(sample)
        repeated = np.repeat(sample.dense, len(copies), axis=0)
        return float(quality_from_shift(embedding_shift(repeated, copies)).mean())

    def spread(sample: Sample) -> float:
        return consistency(embeddings(sample))

    decides = (settings.copies, *filter(None, [settings.last_layers]))
    return {
        "agreement": Measure(agreement, "dense", decides),
        "spread": Measure(spread, "none", decides),
    }
