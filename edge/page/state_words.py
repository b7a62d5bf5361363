"""How the gate is doing, in words for people, the worst first. Pure."""

from typing import Any, TypeAlias

from edge.config.model import Config, Source
from edge.monitoring.drift import LEAST_TRACKS
from edge.monitoring.status import CameraStatus, DriftStatus, GateStatus, SinkStatus
from edge.sources.state import State

Document: TypeAlias = dict[str, Any]
"""Of JSON."""
STATE_WORDS = {
    State.STARTING: "starting",
    State.STREAMING: "streaming",
    State.STALLED: "no frames come",
    State.LOST: "lost; connecting again",
    State.DISABLED: "ended",
}
TROUBLE_WORDS = {
    "black": "The picture is black.",
    "damaged": "Pictures come damaged and are left out.",
    "frozen": "The picture is frozen.",
}
_GRAVITY = {State.LOST: 0, State.STALLED: 1, State.STARTING: 3, State.STREAMING: 4}
_TROUBLED, _ENDED = 2, 5
LATE_S = 60.0
"""A sink whose oldest face waits for longer is behind."""


def state_document(status: GateStatus, config: Config) -> Document:
    """
    Return what the page shows besides faces and pictures.

    Args:
        status: As programs are told it.
        config: In effect.
    """
    known = {source.name: source for source in config.sources}
    shown = [each for each in status.cameras if each.name in known]
    outbox = status.outbox
    return {
        "login": config.page.token is not None,
        "allow_apply": config.page.allow_apply,
        "not_ready": status.not_ready,
        "overload": status.overload,
        "pair_id": status.pair_id,
        "version": status.version,
        "cameras": [_camera(each, known[each.name]) for each in sorted(shown, key=gravity)],
        "outbox": {
            "kept": config.delivery.outbox is not None,
            "faces": None if outbox is None else outbox.faces,
            "problem": status.outbox_problem,
        },
        "sinks": [_sink(each) for each in status.sinks],
    }


def gravity(status: CameraStatus) -> int:
    """Return the place of a camera among others: what needs somebody first comes first."""
    if status.state is State.DISABLED:
        return 0 if status.error else _ENDED
    place = _GRAVITY[status.state]
    return min(place, _TROUBLED) if notices(status) else place


def _camera(status: CameraStatus, source: Source) -> Document:
    found = notices(status)
    return {
        "name": status.name,
        "state": status.state.value,
        "sign": _sign(status, found),
        "words": STATE_WORDS[status.state],
        "error": None if status.state is State.STREAMING else status.error,
        "notices": found,
        "drift": drift_words(status.drift, has_baseline=source.baseline is not None),
        "mode": status.mode,
        "threshold": status.threshold,
        "frames": sum(status.frames.values()),
        "faces": sum(status.faces.values()),
        "forwarded": status.forwarded,
        "reasons": {
            reason.replace("_", " "): count
            for reason, count in status.faces.items()
            if count and reason != "forwarded"
        },
    }


def _sign(status: CameraStatus, found: list[str]) -> str:
    """Return good, warn, bad or ended."""
    if status.state is State.LOST or (status.state is State.DISABLED and status.error):
        return "bad"
    if status.state is State.DISABLED:
        return "ended"
    return "warn" if found or status.state is not State.STREAMING else "good"


def notices(status: CameraStatus) -> list[str]:
    """Say what is wrong with a camera that gives frames."""
    found = [TROUBLE_WORDS[status.picture]] if status.picture is not None else []
    drift = status.drift
    if drift is not None and drift.alarm:
        found.append(
            f"Scores have drifted from the tuned footage (PSI {drift.psi:.2f}, "
            f"limit {drift.limit:.2f}): {drift.hint}"
        )
    return found


def drift_words(drift: DriftStatus | None, *, has_baseline: bool) -> str:
    """Say how the scores of the last hour compare with those of the tuned footage."""
    if not has_baseline:
        return (
            "No baseline: name the file that edge-gate tune writes as this source's baseline, and "
            "the gate tells when scores move."
        )
    if drift is None:
        return f"Fewer than {LEAST_TRACKS} people in the last hour: too few to compare scores."
    figures = f"PSI {drift.psi:.2f}, alarm from {drift.limit:.2f}"
    if drift.alarm:
        return f"Scores of the last hour are not as when tuned ({figures})."
    return f"Scores of the last hour are as when tuned ({figures})."


def _sink(status: SinkStatus) -> Document:
    is_late = (status.oldest_s or 0.0) > LATE_S
    dead = status.dead or 0
    sign = "bad" if status.error else "warn" if is_late or dead else "good"
    return {
        "name": status.name,
        "sign": sign,
        "words": sink_words(status),
        "error": status.error,
        "last_error": None if status.error else status.last_error,
    }


def sink_words(status: SinkStatus) -> str:
    """Say what a sink took, and what waits for it."""
    parts = [f"{status.delivered:,} delivered"]
    if status.waiting:
        oldest = "" if status.oldest_s is None else f", the oldest for {duration(status.oldest_s)}"
        parts.append(f"{status.waiting:,} waiting{oldest}")
    elif status.waiting is not None:
        parts.append("none waiting")
    if status.dead:
        parts.append(f"{status.dead:,} refused for good")
    return "; ".join(parts)


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
