"""The running gate at one moment, as plain values. Called by the worker's thread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edge.delivery.outbox_tables import LedgerRow
from edge.delivery.sender import SenderStatus
from edge.errors import OutboxError
from edge.monitoring.drift import HINTS, Drift
from edge.monitoring.metrics import CameraSnapshot, OutboxSnapshot, Snapshot
from edge.pipeline.daemon import Daemon
from edge.pipeline.ledger import Counts
from edge.pipeline.stream import Stream
from edge.sources.state import State

OUTCOMES = ("looked_at", "replaced", "late", "unscheduled", "failed", "unread")
"""What becomes of a frame, as `edge.pipeline.ledger` counts it."""


def snapshot_of(
    daemon: Daemon, config_hash: str, drifts: Mapping[str, Drift], *, reloaded: bool
) -> Snapshot:
    """Return what Prometheus is told; without the outbox's telemetry while its file fails."""
    streams = list(daemon.worker.streams.values())
    rows = _rows(daemon)
    return Snapshot(
        pair_id=daemon.pair_id,
        config_hash=config_hash,
        reloaded=reloaded,
        cameras=[_camera(stream, drifts.get(stream.settings.name)) for stream in streams],
        outbox=_outbox(daemon, rows),
        deliveries=dict(_deliveries(daemon.worker.forwarding.dispatcher.status())),
        drops=_drops([stream.counts for stream in streams], rows),
    )


def status_of(daemon: Daemon, config_hash: str, drifts: Mapping[str, Drift]) -> dict[str, Any]:
    """Return what people and programs are told, ready for JSON."""
    dispatcher, load = daemon.worker.forwarding.dispatcher, daemon.worker.load
    rows = _rows(daemon)
    outbox = _outbox(daemon, rows)
    streams = list(daemon.worker.streams.values())
    return {
        "pair_id": daemon.pair_id,
        "config_hash": config_hash,
        "summary": daemon.status_words(),
        "overload": load.stretch if load.is_over else None,
        "cameras": [_camera_status(stream, drifts.get(stream.settings.name)) for stream in streams],
        "sinks": [_sink_status(each, rows) for each in dispatcher.status()],
        "outbox": None if outbox is None else asdict(outbox),
        "outbox_problem": dispatcher.problem,
    }


def _rows(daemon: Daemon) -> Sequence[LedgerRow]:
    """Return the ledger of each sink; nothing while the outbox's file fails."""
    try:
        return daemon.worker.forwarding.dispatcher.ledger()
    except OutboxError:
        return ()


def _camera(stream: Stream, drift: Drift | None) -> CameraSnapshot:
    status = stream.source.status()
    ledger = stream.ledger()
    ended_well = status.state is State.DISABLED and status.error is None
    return CameraSnapshot(
        name=status.name,
        up=status.state is State.STREAMING or ended_well,
        frames={name: getattr(ledger.counts, name) for name in OUTCOMES}
        | {"damaged": status.picture.damaged},
        faces={**ledger.counts.discarded, "forwarded": ledger.counts.forwarded},
        openings=status.openings,
        frame_age_s=stream.latency.newest_s,
        drift=drift,
    )


def _camera_status(stream: Stream, drift: Drift | None) -> dict[str, Any]:
    status, reading = stream.source.status(), _camera(stream, drift)
    return {
        "name": status.name,
        "state": status.state.value,
        "availability": status.availability.value,
        "error": status.error,
        "picture": status.picture.trouble,
        "frames": reading.frames,
        "faces": reading.faces,
        "openings": status.openings,
        "abandoned_calls": status.abandoned,
        "frame_age_s": reading.frame_age_s,
        **stream.latency.percentiles_ms(),
        "drift": None if drift is None else _drift_status(drift),
    }


def _drift_status(drift: Drift) -> dict[str, Any]:
    hint = HINTS[drift.direction] if drift.alarm else None
    return {"psi": drift.psi, "limit": drift.limit, "alarm": drift.alarm, "hint": hint}


def _sink_status(status: SenderStatus, rows: Sequence[LedgerRow]) -> dict[str, Any]:
    row = next((asdict(row) for row in rows if row.sink == status.sink), {})
    return {
        "name": status.sink,
        "delivered": status.delivered,
        "failed": status.failed,
        "refused": status.refused,
        "failing": status.failures_in_a_row > 0,
        "error": status.last_error if status.failures_in_a_row else None,
        "waiting": row.get("waiting"),
        "dead": row.get("dead"),
        "oldest_s": row.get("oldest_s"),
    }


def _outbox(daemon: Daemon, rows: Sequence[LedgerRow]) -> OutboxSnapshot | None:
    try:
        stock = daemon.worker.forwarding.dispatcher.stock()
    except OutboxError:
        return None
    return OutboxSnapshot(
        faces=stock.faces,
        bytes=stock.bytes,
        oldest_s=max((row.oldest_s for row in rows if row.oldest_s is not None), default=0.0),
        dead=sum(row.dead for row in rows),
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
        "unkept": sum(each.lost for each in counts),
    }
