"""The status of a gate as it is when all is well; a test changes what it is about."""

from edge.monitoring.status import CameraStatus, GateStatus, OutboxStatus, SinkStatus
from edge.sources.state import Availability, State


def camera_status(name: str = "door", **keys: object) -> CameraStatus:
    ordinary = CameraStatus(
        name=name,
        state=State.STREAMING,
        availability=Availability.ONLINE,
        error=None,
        picture=None,
        mode="best_shot",
        threshold=40,
        frames={"looked_at": 8, "late": 2},
        faces={"forwarded": 3, "low_quality": 4},
        openings=1,
        abandoned_calls=0,
        frame_age_s=0.1,
        age_p50_ms=90.0,
        age_p95_ms=120.0,
        age_p99_ms=150.0,
        age_p99_intervals=1.5,
        drift=None,
    )
    return CameraStatus.model_validate(ordinary.model_dump() | keys)


def gate_status(**keys: object) -> GateStatus:
    ordinary = GateStatus(
        configuration_is_newest=True,
        not_alive=None,
        not_ready=None,
        pair_id="pair",
        config_hash="0a1b",
        summary="1/1 source up",
        overload=None,
        cameras=(camera_status(),),
        sinks=(
            SinkStatus(
                name="stdout",
                delivered=3,
                failed=0,
                refused=0,
                failing=False,
                error=None,
                last_error=None,
                losses={},
                waiting=0,
                dead=0,
                oldest_s=None,
            ),
        ),
        outbox=OutboxStatus(faces=5, bytes=1, oldest_s=2.5, dead=1),
        outbox_problem=None,
    )
    return GateStatus.model_validate(ordinary.model_dump() | keys)
