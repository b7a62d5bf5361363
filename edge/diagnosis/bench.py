"""What to time on a device, and the figures made of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.config.model import GateSettings
from edge.errors import NoFaceError
from edge.gate.assess import assess_frame
from edge.protocols import FaceDetector
from edge.samples import Frame
from engines.pair.pair import EnginePair
from engines.protocols import EmbeddingNetwork
from engines.quality.align import align
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages, InputSpecification

BATCHES = (1, 4, 16)

RATIOS = (
    ("fused", "dense_compacted"),
    ("fused", "dense_as_shipped"),
    ("two_pass", "dense_as_shipped"),
    ("two_pass", "dense"),
    ("fused", "two_pass"),
    ("dense_compacted", "dense_as_shipped"),
)
"""Which cases are divided, at batch 1; a ratio appears only where both were timed."""

Run: TypeAlias = Callable[[NDArray[np.float32]], object]
Seconds: TypeAlias = Mapping[str, NDArray[np.float64]]
"""(rounds,) for each case."""


@dataclass(frozen=True, slots=True)
class NetworkTime:
    """One network, or two in a row, at one batch size."""

    name: str
    batch: int
    milliseconds: float
    """For the whole batch; median."""
    faces_per_second_per_core: float


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Everything one run of `edge bench` measured."""

    pair_id: str
    network: str
    threads: int
    rounds: int
    networks: Sequence[NetworkTime]
    frame_milliseconds: Mapping[str, float]
    """`detector`, `alignment` (one face) and `whole_frame` (detection to verdict); medians."""
    frame_width: int
    frame_height: int
    frame_faces: int
    ratios: Mapping[str, float]
    """Median over the rounds of the ratio within each round; below 1 the first one is faster."""
    peak_memory_mib: float
    """Of the whole process, with every network that was timed open."""
    processor: str
    notes: Sequence[str]
    """Why something was not timed."""


def in_a_row(networks: Sequence[EmbeddingNetwork]) -> Run:
    """Return what runs one network, or several on the same input one after the other."""

    def run(inputs: NDArray[np.float32]) -> object:
        return [network.run(inputs) for network in networks]

    return run


def network_cases(
    runs: Mapping[str, Run], face_images: FaceImages, specification: InputSpecification
) -> dict[str, Callable[[], object]]:
    """
    Return what to time of the networks: every one at every batch size, preparation excluded.

    Args:
        runs: By name.
        face_images: At least one face; repeated to fill a batch.
        specification: Of the pair.
    """
    inputs = prepare(np.resize(face_images, (max(BATCHES), *face_images.shape[1:])), specification)
    return {
        f"{name} {batch}": partial(run, np.ascontiguousarray(inputs[:batch]))
        for batch in BATCHES
        for name, run in runs.items()
    }


def frame_cases(
    frame: Frame, detector: FaceDetector, pair: EnginePair
) -> tuple[dict[str, Callable[[], object]], int]:
    """
    Return what to time of a frame, and how many faces it shows.

    Raises:
        NoFaceError: The detector finds none, so there is nothing to align.
    """
    faces = detector.detect(frame.pixels)
    if not faces:
        raise NoFaceError(f"{frame.source}: no face found; name another picture with --image")
    gate = GateSettings()
    cases: dict[str, Callable[[], object]] = {
        "detector": lambda: detector.detect(frame.pixels),
        "alignment": lambda: align(frame.pixels, faces[0].landmarks, pair.specification),
        "whole_frame": lambda: assess_frame(frame, detector, pair, gate),
    }
    return cases, len(faces)


def network_times(seconds: Seconds, threads: int) -> tuple[NetworkTime, ...]:
    """Return the medians of the cases that `network_cases` named."""
    times = []
    for case, taken in seconds.items():
        name, batch = case.split(" ")
        median = float(np.median(taken))
        rate = int(batch) / median / threads
        times.append(NetworkTime(name, int(batch), 1000 * median, rate))
    return tuple(times)


def ratios(seconds: Seconds) -> dict[str, float]:
    """Return every ratio of `RATIOS` that was measured, under the name `first_over_second`."""
    return {
        f"{above}_over_{below}": float(np.median(seconds[f"{above} 1"] / seconds[f"{below} 1"]))
        for above, below in RATIOS
        if f"{above} 1" in seconds and f"{below} 1" in seconds
    }
