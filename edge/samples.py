"""The values that flow through the gate, one way: frame, detected face, assessment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.quality.component import Component
from engines.quality.specification import Embeddings, FaceImages, Landmarks

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) uint8 in B, G, R order."""

PIXEL_BUDGET = 64_000_000
"""
Width times height of any picture: above the largest common sensor, 192 MB as BGR. What is larger is
refused before it is decoded, wherever it comes in.
"""
CAMERA_PIXELS = 20_000_000
"""
The same for live cameras, of which several frames are held at a time: above 4K (8.3 million) and
the usual fisheye cameras (12 million), 60 MB as BGR.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of a source."""

    pixels: Pixels
    source: str
    """Name of the source: a file's path, or a camera's name."""
    index: int
    """Position in the source, from 0."""
    time_s: float | None
    """Presentation time in seconds from the start of the source; None for a still image."""

    @property
    def source_text(self) -> str:
        r"""`source` for people and records; file name bytes that are no UTF-8 as \xe9."""
        return self.source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A picture of a camera that came damaged, or refers to one that did: it is left out."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A whole picture of a camera that nobody was about to look at: counted, and not made."""


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """A frame of a running source, with the moment this device received it."""

    frame: Frame
    monotonic_s: float
    """Monotonic clock: for ages and timeouts, comparable within one run of the process."""
    wall: datetime
    """Wall clock in UTC, as far as the device knows it: for records only."""
    clock_synced: bool
    """False while the wall clock has never been set since the start, as without a battery."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in source pixels; may reach over the frame's border."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top


def iou(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes; 0 to 1."""
    width = min(first.right, second.right) - max(first.left, second.left)
    if width <= 0:
        return 0.0
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if height <= 0:
        return 0.0
    common = width * height
    return common / (first.width * first.height + second.width * second.height - common)


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """What a detector found."""

    box: Box
    landmarks: Landmarks
    """(5, 2) float32 in source pixels: eyes (image left first), nose tip, mouth corners."""
    detector_score: float
    """0 to 1, higher is surer; comparable only within one detector."""


class Reason(str, Enum):
    """Why a face was forwarded or discarded; exactly one for each decision."""

    FORWARDED = "forwarded"
    BEST_OF_TRACK = "best_of_track"
    """Forwarded below the threshold, because no face of its person reached it."""
    LOW_DETECTION = "low_detection"
    TOO_SMALL = "too_small"
    TRUNCATED = "truncated"
    POSE = "pose"
    TOO_DARK = "too_dark"
    OVEREXPOSED = "overexposed"
    MASKED = "masked"
    """Between the eyes lies a part of the picture that the operator masked."""
    LOW_QUALITY = "low_quality"
    ASSESSMENT_FAILED = "assessment_failed"
    NOT_BEST = "not_best"
    """Good, but its track has a better one, or could not be expected to win."""
    DUPLICATE = "duplicate"
    """Good, but much like one forwarded a short while ago."""
    RATE_LIMITED = "rate_limited"
    """Good, but another face of its track was forwarded just before (mode `every`)."""
    OBSERVED = "observed"
    """Would have been forwarded; mode `observe` forwards nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's decision about one face."""

    forward: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class QualityScore:
    """How useful a face image is for recognition."""

    shift: float
    """Embedding shift D in [0, 2]; lower is better (arXiv 2605.13396)."""
    quality: float
    """Q = 1 - D/2 in [0, 1]; higher is better."""
    score: float
    """Unified quality score in [0, 100] by the pair's score mapping; higher is better."""


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Everything known about one face when the gate has decided."""

    frame: Frame
    face_index: int
    """Position among the faces of its frame, from 0, left to right."""
    face: DetectedFace
    inter_eye_distance: float
    """Source pixels between the eye centres (ISO/IEC 29794-5)."""
    quality: QualityScore | None
    """None when a pre-check discarded the face or the assessment failed."""
    face_image: FaceImages | None
    """(height, width, 3) uint8 BGR aligned to the network's template; None when not aligned."""
    embedding: Embeddings | None
    """(D,) float32 unit vector of the dense network; None when not scored."""
    verdict: Verdict
    detail: str
    """The decision in words, with the figures that decided it."""
    pair_id: str
    """Identifies the engine pair that scored; scores of different pairs are not comparable."""
    components: Mapping[str, Component] | None = None
    """Quality components of ISO/IEC 29794-5 by name; None when they were not asked for."""


MediaType = Literal["image/png", "image/jpeg"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One forwarded face as it leaves the device: finished bytes, so that an outbox can keep it."""

    key: str
    """Idempotency key; a receiver that knows it already has this face."""
    record: bytes
    """One line of UTF-8 JSON obeying edge/delivery/record.schema.json."""
    face_image: bytes
    """The aligned face image, encoded as `media_type` says."""
    media_type: MediaType
    quality: float
    """Q in [0, 1], higher is better: what a full outbox keeps."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How the connection of a sink is doing that keeps one."""

    problem: str | None = None
    """Why there is none; None while there is one, or none was needed yet."""
    last_loss: str | None = None
    """Why it was lost last, with the other side's reason; None when it never was."""
    losses: Mapping[str, int] = field(default_factory=dict)
    """Times it was lost, by cause: taken_over, ended (by the other side, with a reason), lost."""
