"""
The JSON record of one face: what the commands print and what leaves the device.

`edge/delivery/record.schema.json` is its published JSON Schema, printed by
`python -m edge.delivery.record`; a test compares the two. The embedding is a biometric template and
is included only when asked for.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from edge import __version__
from edge.described import Described
from edge.errors import SinkRefusedError
from edge.samples import Assessment, Delivery, DetectedFace, Frame, QualityScore, Reason
from engines.quality.component import Component
from engines.quality.specification import Embeddings

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a field changes its meaning or goes; a new optional field leaves it alone."""

OPTIONAL = ("gate_version", "embedding", "test", "components")
"""Fields that are absent where they hold nothing."""
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._]+")
NAME_FORM = re.compile(r"(\d{5,8}T\d{6}Z-)?[A-Za-z0-9._]{1,64}(-\d{6,})?-\d+-(?P<key>[0-9a-f]{16})")
"""What `record_name` returns."""


@dataclass(frozen=True, slots=True)
class Capture:
    """When and on which track a live camera saw a face; a file has none of these."""

    camera: str
    """Name of the camera in the configuration."""
    captured_at: datetime
    """Wall clock, with its time zone."""
    clock_synced: bool
    """False when the device's clock was not yet set: `captured_at` may be decades off."""
    track_id: str | None = None
    """Unique over restarts; None when faces are not tracked."""
    revision: int = 0
    """0 for the first face forwarded of a track, higher for each better one sent later."""
    replaces: str | None = None
    """Key of the record of the same person that this better one makes superfluous."""


class _Model(Described):
    # Unknown fields are ignored, so that a reader of today accepts the optional fields of tomorrow.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class BoxRecord(_Model):
    """Rectangle of the face in source pixels; may reach over the frame's border."""

    left: float
    top: float
    right: float
    bottom: float


PointRecord = tuple[float, float]


class ComponentRecord(_Model):
    """One quality component of ISO/IEC 29794-5; docs/protocol.md says what each value is."""

    value: float
    """Native: its unit and direction are the component's."""
    quality: float = Field(ge=0, le=100)
    """Higher is better."""


class FaceRecord(_Model):
    """One face and the gate's decision about it."""

    schema_version: Literal[1]
    """Version of this schema."""
    gate_version: str | None = None
    """Release of the gate that decided, as `edge-gate --version` says."""
    key: str = Field(pattern="^[0-9a-f]{32}$")
    """Idempotency key: the same face sent twice carries the same key."""
    source: str
    """Path of the file, or name of the camera."""
    path: str | None
    """Path of a still image; null for a frame of a video or a camera."""
    frame: int | None = Field(ge=0)
    """Position in the video or since the camera was opened, from 0; null for a still image."""
    time_s: float | None
    """Presentation time in seconds from the start of the source; null for a still image."""
    camera: str | None
    """Name of the camera; null for a file."""
    captured_at: AwareDatetime | None
    """Wall clock at capture, UTC; null for a file."""
    clock_synced: bool | None
    """False: the device's clock was not yet set and captured_at may be decades off."""
    track_id: str | None
    """One person before one camera: who comes back soon has it again; null when not tracked."""
    revision: int | None = Field(ge=0)
    """0 for the first face sent of a track, higher for a better one; null without a camera."""
    replaces: str | None = Field(default=None, pattern="^[0-9a-f]{32}$")
    """Key of an earlier record of the same person that this better face makes superfluous."""
    face_index: int = Field(ge=0)
    """Position among the faces of the frame, from 0, left to right."""
    box: BoxRecord
    """Where the face is."""
    landmarks: tuple[PointRecord, PointRecord, PointRecord, PointRecord, PointRecord]
    """(x, y) source pixels: eyes (image left first), nose tip, mouth corners (left first)."""
    detector_score: float
    """0 to 1, higher is surer; comparable only within one detector."""
    inter_eye_distance: float = Field(ge=0)
    """Source pixels between the eye centres (ISO/IEC 29794-5)."""
    shift: float | None = Field(ge=0, le=2)
    """Embedding shift under pruning; lower is better; null when the face was not scored."""
    quality: float | None = Field(ge=0, le=1)
    """1 - shift/2; higher is better; null when the face was not scored."""
    score: float | None = Field(ge=0, le=100)
    """Quality score by the engine pair's mapping; higher is better; null when not scored."""
    verdict: Literal["forward", "discard"]
    """What the gate decided."""
    reason: Reason
    """Why, from a closed list."""
    detail: str
    """The decision in words, with the figures that decided it."""
    pair_id: str
    """The engine pair that scored; scores of different pairs are not comparable."""
    embedding: tuple[float, ...] | None = None
    """Unit vector of the dense network; present only when the configuration asks for it."""
    test: Literal[True] | None = None
    """Present, and true, only in a test delivery of `edge-gate check --connect`: it is no face."""
    components: dict[str, ComponentRecord] | None = None
    """Quality components by name; present only when the configuration asks for them."""


def idempotency_key(assessment: Assessment, capture: Capture | None = None) -> str:
    """
    Return 32 hexadecimal digits that name this face of this frame.

    The same file scored again gives the same key. A camera's frames count from 0 after every
    start and an unset clock starts in 1970 each time, so the face image's pixels are hashed too.
    """
    frame = assessment.frame
    parts = [frame.source, frame.index, frame.time_s, assessment.face_index, assessment.pair_id]
    if capture is not None:
        parts += [capture.captured_at.isoformat(), capture.track_id, capture.revision]
    digest = hashlib.sha256(json.dumps(parts).encode())
    if assessment.face_image is not None:
        digest.update(np.ascontiguousarray(assessment.face_image).tobytes())
    return digest.hexdigest()[:32]


def face_record(
    assessment: Assessment, capture: Capture | None = None, *, include_embedding: bool = False
) -> FaceRecord:
    """
    Return the record of one face.

    Args:
        assessment: A face and the gate's decision.
        capture: When and where a camera saw it; None for a file.
        include_embedding: Also give the dense network's embedding, a biometric template.

    Raises:
        ValueError: A number is not finite or out of its range.
    """
    verdict = assessment.verdict
    embedding = assessment.embedding if include_embedding else None
    fields = {
        "schema_version": SCHEMA_VERSION,
        "gate_version": __version__,
        "key": idempotency_key(assessment, capture),
        "face_index": assessment.face_index,
        "inter_eye_distance": assessment.inter_eye_distance,
        "verdict": "forward" if verdict.forward else "discard",
        "reason": verdict.reason,
        "detail": assessment.detail,
        "pair_id": assessment.pair_id,
        "embedding": None if embedding is None else _short(embedding),
    }
    return FaceRecord.model_validate(
        fields
        | _place(assessment.frame)
        | _capture(capture)
        | _face(assessment.face)
        | _quality(assessment.quality)
        | _components(assessment.components)
    )


def record_json(record: FaceRecord) -> bytes:
    """Return one line of UTF-8 JSON without its line end, and without what it may lack."""
    without = {name for name in OPTIONAL if getattr(record, name) is None}
    return record.model_dump_json(exclude=without).encode()


def record_of(delivery: Delivery) -> FaceRecord:
    """
    Return the record that a delivery carries.

    Raises:
        SinkRefusedError: It cannot be read, or is of another face; that will not change.
    """
    try:
        record = FaceRecord.model_validate_json(delivery.record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "as a whole"
        raise SinkRefusedError(f"its record cannot be read ({place}: {first['msg']})") from error
    if record.key != delivery.key:
        raise SinkRefusedError(f"its record is of another face, {record.key}")
    return record


def record_name(record: FaceRecord) -> str:
    """
    Return a file name without extension: sortable, deterministic, and different for each key.

    `20260102T030405Z-door-000120-0-1f2e3d4c5b6a7988`: capture time (cameras only), source,
    frame, face index, and the first 16 digits of the key.
    """
    when = "" if record.captured_at is None else f"{_utc(record.captured_at):%Y%m%dT%H%M%SZ}-"
    frame = "" if record.frame is None else f"-{record.frame:06d}"
    return f"{when}{origin(record)}{frame}-{record.face_index}-{record.key[:16]}"


def key_in_name(name: str) -> str | None:
    """Return the digits of the key that a name of `record_name`'s form ends with; else None."""
    form = NAME_FORM.fullmatch(name)
    return None if form is None else form["key"]


def origin(record: FaceRecord) -> str:
    """Return the camera's name, or the file's without folder, safe in a file name and a topic."""
    name = record.camera or PurePath(record.source).stem
    return NOT_IN_NAMES.sub("_", name).strip("._")[:64] or "face"


def record_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the records."""
    schema = FaceRecord.model_json_schema(mode="serialization")
    schema["required"] = [name for name in schema["required"] if name not in OPTIONAL]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def schema_json() -> str:
    """Return the text of `edge/delivery/record.schema.json`."""
    return json.dumps(record_schema(), indent=2) + "\n"


def _place(frame: Frame) -> dict[str, object]:
    still = frame.time_s is None
    return {
        "source": frame.source_text,
        "path": frame.source_text if still else None,
        "frame": None if still else frame.index,
        "time_s": frame.time_s,
    }


_OF_CAPTURE = ("camera", "captured_at", "clock_synced", "track_id", "revision", "replaces")


def _capture(capture: Capture | None) -> dict[str, object]:
    if capture is None:
        return dict.fromkeys(_OF_CAPTURE)
    return {
        "camera": capture.camera,
        "captured_at": _utc(capture.captured_at),
        "clock_synced": capture.clock_synced,
        "track_id": capture.track_id,
        "revision": capture.revision,
        "replaces": capture.replaces,
    }


def _face(face: DetectedFace) -> dict[str, object]:
    box = face.box
    left, top, right, bottom = _short((box.left, box.top, box.right, box.bottom))
    return {
        "box": {"left": left, "top": top, "right": right, "bottom": bottom},
        "landmarks": [_short(point) for point in face.landmarks],
        "detector_score": _short((face.detector_score,))[0],
    }


def _quality(quality: QualityScore | None) -> dict[str, object]:
    if quality is None:
        return dict.fromkeys(("shift", "quality", "score"))
    return {"shift": quality.shift, "quality": quality.quality, "score": quality.score}


def _components(found: Mapping[str, Component] | None) -> dict[str, object]:
    if found is None:
        return {}
    # Six digits say more than a picture does.
    return {
        "components": {
            name: {"value": float(f"{each.value:.6g}"), "quality": each.quality}
            for name, each in found.items()
        }
    }


def _short(values: Embeddings | Iterable[float]) -> list[float]:
    # The shortest decimals that give the same float32 back: 512 of them are 6 kB, not 11 kB.
    return [float(str(np.float32(value))) for value in values]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc)


if __name__ == "__main__":
    sys.stdout.write(schema_json())
