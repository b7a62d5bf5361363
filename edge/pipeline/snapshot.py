"""The running gate at one moment, as plain values. Called by the worker's thread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edge.delivery.outbox_ledger import LedgerRow
from edge.delivery.sender import SenderStatus
from edge.monitoring.drift import HINTS, Drift
from edge.monitoring.metrics import CameraSnapshot, OutboxSnapshot, Snapshot
from edge.monitoring.status import (
    CameraStatus,
    DriftStatus,
    GateStatus,
    LastFace,
    OutboxStatus,
    SinkStatus,
)
from edge.pipeline.daemon import Daemon
from edge.pipeline.forwarding import Delivered
from edge.pipeline.latency import PERCENTS, by_percent
from edge.pipeline.ledger import Counts
from edge.pipeline.stream import Stream
from edge.sources.state import State

OUTCOMES = (
    *("looked_at", "followed", "rested"),
    *("replaced", "late", "unscheduled", "failed", "unread"),
)
"""What becomes of a frame, as `edge.pipeline.ledger` counts it."""


@dataclass(frozen=True, slots=True)
class About:
    """What the daemon does not know of itself."""

    config_hash: str
    drifts: Mapping[str, Drift]
    """By camera; one that cannot be told is missing."""
    is_newest: bool
    """Whether the newest configuration is in use."""
    not_alive: str | None
    not_ready: str | None
    summary: str
    """One line for people."""


def snapshot_of(
    daemon: Daemon, config_hash: str, drifts: Mapping[str, Drift], *, reloaded: bool
) -> Snapshot:
    """Return what Prometheus is told; without the outbox's telemetry while its file fails."""
    streams, delivered = daemon.streams(), daemon.delivered()
    return Snapshot(
        pair_id=daemon.pair_id,
        config_hash=config_hash,
        reloaded=reloaded,
        overload=daemon.load.stretch,
        cameras=[_camera(stream, drifts.get(stream.settings.name)) for stream in streams],
        outbox=_outbox(delivered),
        deliveries=dict(_deliveries(delivered.sinks)),
        losses={
            (sink.sink, cause): count
            for sink in delivered.sinks
            for cause, count in sink.connection.losses.items()
        },
        drops=_drops([stream.counts for stream in streams], delivered.rows),
    )


def status_of(daemon: Daemon, about: About) -> GateStatus:
    """Return what people and programs are told."""
    delivered, load = daemon.delivered(), daemon.load
    return GateStatus(
        configuration_is_newest=about.is_newest,
        not_alive=about.not_alive,
        not_ready=about.not_ready,
        pair_id=daemon.pair_id,
        engine=daemon.engine,
        detector_engine=daemon.detector_engine,
        config_hash=about.config_hash,
        summary=about.summary,
        overload=load.stretch if load.is_over else None,
        cameras=tuple(
            _camera_status(stream, about.drifts.get(stream.settings.name))
            for stream in daemon.streams()
        ),
        sinks=tuple(_sink_status(each, delivered.rows) for each in delivered.sinks),
        outbox=_outbox_status(_outbox(delivered)),
        outbox_problem=delivered.problem,
    )


def _camera(stream: Stream, drift: Drift | None) -> CameraSnapshot:
    status = stream.source.status()
    ledger = stream.ledger()
    ended_well = status.state is State.DISABLED and status.error is None
    return CameraSnapshot(
        name=status.name,
        up=status.state is State.STREAMING or ended_well,
        frames={name: getattr(ledger.counts, name) for name in OUTCOMES}
        | {"damaged": status.picture.damaged},
        faces={**ledger.counts.discarded, **ledger.counts.forwarded_by_reason()},
        openings=status.openings,
        looks={name: getattr(ledger.counts, name) for name in ("scored", "spared")},
        frame_age_s=stream.latency.newest_s,
        ages_ms=by_percent(ledger.ages_ms),
        drift=drift,
    )


def _camera_status(stream: Stream, drift: Drift | None) -> CameraStatus:
    status, reading = stream.source.status(), _camera(stream, drift)
    p50, p95, p99 = map(reading.ages_ms.get, PERCENTS)
    return CameraStatus(
        name=status.name,
        state=status.state,
        availability=status.availability,
        error=status.error,
        picture=status.picture.trouble,
        mode=stream.decides.mode,
        threshold=stream.decides.threshold,
        frames=dict(reading.frames),
        faces=dict(reading.faces),
        looks=dict(reading.looks),
        openings=status.openings,
        abandoned_calls=status.abandoned,
        frame_age_s=reading.frame_age_s,
        age_p50_ms=p50,
        age_p95_ms=p95,
        age_p99_ms=p99,
        age_p99_intervals=None if p99 is None else _intervals(stream, p99),
        drift=None if drift is None else _drift_status(drift),
        last_face=None if stream.last_sent is None else _last_face(*stream.last_sent),
    )


def _intervals(stream: Stream, age_ms: float) -> float:
    return round(age_ms / 1000 * stream.settings.max_fps, 2)


def _last_face(seen: datetime, score: float | None) -> LastFace:
    return LastFace(time=seen.astimezone(timezone.utc), score=score)


def _drift_status(drift: Drift) -> DriftStatus:
    hint = HINTS[drift.direction] if drift.alarm else None
    return DriftStatus(psi=drift.psi, limit=drift.limit, alarm=drift.alarm, hint=hint)


def _sink_status(status: SenderStatus, rows: Sequence[LedgerRow]) -> SinkStatus:
    row = next((row for row in rows if row.sink == status.sink), None)
    connection = status.connection
    error = status.last_error if status.failures_in_a_row else connection.problem
    return SinkStatus(
        name=status.sink,
        delivered=status.delivered,
        failed=status.failed,
        refused=status.refused,
        failing=error is not None,
        error=error,
        last_error=status.last_error or connection.last_loss,
        losses=dict(connection.losses),
        waiting=None if row is None else row.waiting,
        dead=None if row is None else row.dead,
        oldest_s=None if row is None else row.oldest_s,
    )


def _outbox(delivered: Delivered) -> OutboxSnapshot | None:
    stock, rows = delivered.stock, delivered.rows
    if stock is None:
        return None
    return OutboxSnapshot(
        faces=stock.faces,
        bytes=stock.bytes,
        oldest_s=max((row.oldest_s for row in rows if row.oldest_s is not None), default=0.0),
        dead=sum(row.dead for row in rows),
    )


def _outbox_status(outbox: OutboxSnapshot | None) -> OutboxStatus | None:
    if outbox is None:
        return None
    return OutboxStatus(
        faces=outbox.faces, bytes=outbox.bytes, oldest_s=outbox.oldest_s, dead=outbox.dead
    )


def _deliveries(sinks: Sequence[SenderStatus]) -> Iterator[tuple[tuple[str, str], int]]:
    for sink in sinks:
        for result in ("delivered", "failed", "refused"):
            yield (sink.sink, result), getattr(sink, result)


def _drops(counts: Sequence[Counts], rows: Sequence[LedgerRow]) -> dict[str, int]:
    """Each face counts once for each sink that misses it; those lost before the outbox once."""
    return {
        "quota": sum(row.evicted for row in rows),
        "expired": sum(row.expired for row in rows),
        "purged": sum(row.purged for row in rows),
        "lost": sum(row.lost for row in rows),
        "unkept": sum(each.lost for each in counts),
    }
