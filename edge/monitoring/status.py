"""
The status of a running gate: what `/status` answers and what is kept on a broker.

`edge/monitoring/status.schema.json` is its published JSON Schema, printed by
`python -m edge.monitoring.status`; a test compares the two. It holds no credentials and no face.
"""

import json
import sys
from typing import Any, Literal, Protocol

from pydantic import AwareDatetime, ConfigDict, Field

from edge import __version__
from edge.config.tracks import Mode
from edge.described import Described
from edge.sources.health import Trouble
from edge.sources.state import Availability, State

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a field changes its meaning or goes; a new field leaves it alone."""
SENT = ("forwarded", "best_of_track")
"""Reasons of faces that were sent."""


class _Model(Described):
    # Unknown fields are ignored, so that a reader of today accepts the fields of tomorrow.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class DriftStatus(_Model):
    """How far the scores of the last hour have moved from those of the tuned footage."""

    psi: float = Field(ge=0)
    """Population stability index; 0 is no change."""
    limit: float
    """From this PSI on it is an alarm."""
    alarm: bool
    """Somebody should look at the camera."""
    hint: str | None
    """What may have happened, in words; null without an alarm."""


class LastFace(_Model):
    """The face that a camera forwarded last; the face itself is never told here."""

    time: AwareDatetime
    """When it was seen, by the clock of the gate."""
    score: float | None
    """Its quality score; null when it was not scored."""


class CameraStatus(_Model):
    """One source; counts begin with the process and never go back."""

    name: str
    """Its name in the configuration."""
    state: State
    """What it is doing now."""
    availability: Availability
    """What is announced of it; changes late on purpose, so that a short gap stays unsaid."""
    error: str | None
    """Why it was lost last; null when it never was."""
    picture: Trouble | None
    """What is wrong with the picture while frames come; null when nothing is."""
    mode: Mode
    """In effect."""
    threshold: float | None = Field(ge=0, le=100)
    """Quality score at which faces pass, in effect; null where shift_at_most decides."""
    frames: dict[str, int]
    """
    Frames by what became of them: looked_at, followed (nothing new moved, and faces were sought
    where known ones were expected), rested (nobody was there, and nothing moved), replaced, late,
    unscheduled, failed, unread.
    """
    faces: dict[str, int]
    """Faces by the gate's reason; those of `forwarded` and `best_of_track` were sent."""
    looks: dict[str, int] = Field(default_factory=dict)
    """Faces to score: `scored`, and `spared` because a look could not change what is sent."""
    openings: int = Field(ge=0)
    """How often it was opened."""
    abandoned_calls: int = Field(ge=0)
    """Native calls that were given up."""
    frame_age_s: float | None
    """Age of the newest frame at its verdict, in seconds; null before the first."""
    age_p50_ms: float | None
    """Median age of frames at their verdict; null before the first, and of files."""
    age_p95_ms: float | None
    """Their 95th percentile."""
    age_p99_ms: float | None = None
    """Their 99th percentile."""
    age_p99_intervals: float | None = None
    """The same in frame intervals, of 1 / `max_fps` seconds each; above 2 is late."""
    drift: DriftStatus | None
    """Null without a baseline, or when too few people were seen."""
    last_face: LastFace | None = None
    """What it forwarded last; null before the first since the process began."""

    @property
    def forwarded(self) -> int:
        """Faces forwarded, also below the threshold."""
        return sum(self.faces.get(reason, 0) for reason in SENT)


class SinkStatus(_Model):
    """One sink; counts begin with the process."""

    name: str
    """Its name in the configuration."""
    delivered: int = Field(ge=0)
    """Faces it took."""
    failed: int = Field(ge=0)
    """Attempts that are repeated."""
    refused: int = Field(ge=0)
    """Faces it will never take: dead letters."""
    failing: bool
    """The newest attempt failed, or the connection is gone that it keeps."""
    error: str | None
    """Why; null while it works."""
    last_error: str | None
    """Why an attempt failed last, else why its connection was lost last; kept while it works."""
    losses: dict[str, int]
    """Times that its connection was lost, by cause: taken_over, ended, lost."""
    waiting: int | None
    """Faces that wait for it; null while the outbox cannot be read."""
    dead: int | None
    """Dead letters kept; null while the outbox cannot be read."""
    oldest_s: float | None
    """Age of the oldest waiting face; null when none waits, or the outbox cannot be read."""


class OutboxStatus(_Model):
    """The outbox."""

    faces: int = Field(ge=0)
    """Waiting and dead."""
    bytes: int = Field(ge=0)
    """Of their records and face images."""
    oldest_s: float = Field(ge=0)
    """Age of the oldest waiting face; 0 when it is empty."""
    dead: int = Field(ge=0)
    """Faces that a sink will never take."""


class DesiredAnswer(_Model):
    """What became of the newest order to set a threshold (docs/protocol.md)."""

    serial: int | None
    """Of the order; null when it was no signed order, and nothing in it is believed."""
    answer: Literal["observed", "working", "applied", "objected"]
    """observed: it could be applied, and nothing was changed; working: not in effect yet."""
    words: str
    """What it changes or would change, or why the gate objects."""
    time: AwareDatetime
    """When the gate answered, by its clock."""


class Obeys(Protocol):
    """Who takes orders from a broker, and answers in the status."""

    def hear(self, payload: bytes) -> None:
        """Note an order; by the connection's thread, and quick."""

    def turn(self) -> DesiredAnswer | None:
        """Do what there is to do, and return the answer to the newest order."""


class GateStatus(_Model):
    """The whole gate at one moment."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this schema."""
    version: str = __version__
    """Release of the gate."""
    configuration_is_newest: bool
    """False after a configuration file that was refused: the one before is in effect."""
    not_alive: str | None
    """Why the process should be restarted; null while it works."""
    not_ready: str | None
    """Why no face could be forwarded now; null when all is well."""
    pair_id: str | None
    """The engine pair that scores; null while the gate is too busy to say."""
    engine: str | None = None
    """Library and precision that run it, as `OpenVINO 2026.4.1, bf16`; null while too busy."""
    detector_engine: str | None = None
    """The same of the face detector; says `instead of its plans` where those did not load."""
    config_hash: str | None
    """The same for configurations that say the same; null while the gate is too busy to say."""
    summary: str
    """One line for people."""
    overload: float | None
    """How many times less often cameras are looked at than configured; null without overload."""
    cameras: tuple[CameraStatus, ...]
    """Every source, in the order they were opened."""
    sinks: tuple[SinkStatus, ...]
    """Every sink."""
    outbox: OutboxStatus | None
    """Null while its file cannot be read."""
    outbox_problem: str | None
    """Why faces wait in memory only; null when all is well."""
    device: str | None = None
    """Who tells it; on a broker only."""
    time: AwareDatetime | None = None
    """When it was told; on a broker only."""
    desired: DesiredAnswer | None = None
    """The gate's answer to the newest order; on a broker only, and where orders are taken."""


def busy_status(words: str, *, configuration_is_newest: bool = True) -> GateStatus:
    """Return what is told of a gate that does not answer, and why."""
    return GateStatus(
        configuration_is_newest=configuration_is_newest,
        not_alive=None,
        not_ready=words,
        pair_id=None,
        config_hash=None,
        summary=words,
        overload=None,
        cameras=(),
        sinks=(),
        outbox=None,
        outbox_problem=None,
    )


def status_json(status: GateStatus) -> bytes:
    """Return UTF-8 JSON; without what is told on a broker only, where that is not given."""
    unsaid = {name for name in ("device", "time", "desired") if getattr(status, name) is None}
    return status.model_dump_json(exclude=unsaid).encode()


def status_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the status."""
    schema = GateStatus.model_json_schema(mode="serialization")
    schema["required"] = ["schema_version", "version", *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def schema_json() -> str:
    """Return the text of `edge/monitoring/status.schema.json`."""
    return json.dumps(status_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_json())
