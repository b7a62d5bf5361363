"""
What a broker keeps of each gate, and how the gates stand beside each other: the worst first. Pure.

A gate is named by its topic without the last level, such as `gate/north/entrance`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from edge.config.section import first_mistake
from edge.monitoring.status import CameraStatus, GateStatus, LastFace
from edge.sources.state import State

Document: TypeAlias = dict[str, Any]
"""Of JSON."""
MOST_GATES = 1000
"""More are not remembered, whatever a broker tells."""
LARGEST_STATUS = 1 << 20
"""Bytes; a gate with fifty cameras tells 40,000."""
SILENT_S = 900.0
"""A gate that is online and has not told its status for so long is worth a look."""
Sign: TypeAlias = Literal["bad", "warn", "good"]


@dataclass(frozen=True, slots=True)
class HeardGate:
    """What was heard of one gate."""

    name: str
    status: GateStatus | None = None
    """As it told last; None when it told none, or none that this release understands."""
    is_online: bool | None = None
    """What it says of itself, or its last will; None when neither was heard."""
    problem: str | None = None
    """Why its status cannot be read."""


class HeardGates:
    """All of them; for one thread."""

    def __init__(self) -> None:
        self._gates: dict[str, HeardGate] = {}
        self.turned_away = 0
        """Messages of gates beyond the thousandth."""

    def take(self, topic: str, payload: bytes) -> None:
        """Note a message of a topic that ends in /status or /available."""
        name, _, what = topic.rpartition("/")
        if not payload:  # how a retained message is taken back
            self._take_back(name, what)
            return
        if name not in self._gates and len(self._gates) >= MOST_GATES:
            self.turned_away += 1
            return
        before = self._gates.get(name, HeardGate(name))
        if what == "available":
            self._gates[name] = replace(before, is_online=payload == b"online")
        elif what == "status":
            self._gates[name] = _with_status(before, payload)

    def all(self) -> list[HeardGate]:
        """Return all of them."""
        return list(self._gates.values())

    def _take_back(self, name: str, what: str) -> None:
        gate = self._gates.pop(name, None)
        if gate is None:
            return
        if what == "available":
            gate = replace(gate, is_online=None)
        elif what == "status":
            gate = replace(gate, status=None, problem=None)
        if gate != HeardGate(name):
            self._gates[name] = gate


def _with_status(gate: HeardGate, payload: bytes) -> HeardGate:
    if len(payload) > LARGEST_STATUS:
        return replace(gate, status=None, problem=f"its status has {len(payload)} bytes")
    try:
        return replace(gate, status=GateStatus.model_validate_json(payload), problem=None)
    except ValidationError as error:
        place, words = first_mistake(error)
        problem = f"its status cannot be read: {place}: {words}"
        return replace(gate, status=None, problem=problem)


def fleet_document(gates: Iterable[HeardGate], now: datetime) -> Document:
    """
    Return what the page shows.

    Args:
        gates: As they were heard.
        now: With its time zone.
    """
    known = list(gates)
    rows = sorted((_row(gate, now) for gate in known), key=lambda row: (row["place"], row["name"]))
    told = [gate.status for gate in known if gate.status is not None]
    return {
        "gates": rows,
        "bad": sum(row["sign"] == "bad" for row in rows),
        "warn": sum(row["sign"] == "warn" for row in rows),
        "versions": _shares(status.version for status in told),
        "pairs": _shares(status.pair_id for status in told if status.pair_id is not None),
    }


def _shares(values: Iterable[str]) -> list[list[Any]]:
    return [[value, count] for value, count in Counter(values).most_common()]


def _row(gate: HeardGate, now: datetime) -> Document:
    found = list(troubles(gate, now))
    place = min((place for place, _ in found), default=_WELL)
    status = gate.status
    return {
        "name": gate.name,
        "place": place,
        "sign": sign_of(place),
        "troubles": [words for _, words in sorted(found)],
        "is_online": gate.is_online,
        "age_s": None if status is None else _age_s(status.time, now),
        "version": None if status is None else status.version,
        "pair_id": None if status is None else status.pair_id,
        "last_face": None if status is None else _newest_face(status, now),
        "thresholds": [] if status is None else thresholds(status),
        "desired": None if status is None else _desired_words(status),
        "cameras": [] if status is None else [_camera(each, now) for each in status.cameras],
    }


_OFFLINE, _UNREADABLE, _NOT_ALIVE, _NOT_READY, _CAMERA, _SILENT, _SINK, _LOOK, _WELL = range(9)


def sign_of(place: int) -> Sign:
    """Return how bad it is that a gate has this place among others."""
    if place >= _WELL:
        return "good"
    return "bad" if place <= _CAMERA else "warn"


def troubles(gate: HeardGate, now: datetime) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with a gate, each with its place: small is worse."""
    if gate.is_online is False:
        yield _OFFLINE, "offline: it was stopped, or it, its power or its network failed"
    if gate.problem is not None:
        yield _UNREADABLE, gate.problem
    status = gate.status
    if status is None:
        if gate.problem is None:
            yield _UNREADABLE, "no status is kept: it needs status: true, the broker must retain"
        return
    age_s = _age_s(status.time, now)
    if gate.is_online is not False and age_s is not None and age_s > SILENT_S:
        yield _SILENT, "its status is old: is its clock right, does it hang?"
    yield from _told_troubles(status)
    yield from _delivery_troubles(status)
    for camera in status.cameras:
        yield from _camera_troubles(camera)


def _told_troubles(status: GateStatus) -> Iterator[tuple[int, str]]:
    if status.not_alive is not None:
        yield _NOT_ALIVE, status.not_alive
    if status.not_ready is not None:
        yield _NOT_READY, status.not_ready
    if not status.configuration_is_newest:
        yield _LOOK, "its configuration file was refused; the one before is in effect"
    if status.overload is not None:
        yield _LOOK, f"overloaded: looks {status.overload:.1f} times less often"


def _delivery_troubles(status: GateStatus) -> Iterator[tuple[int, str]]:
    for sink in status.sinks:
        if sink.failing:
            yield _SINK, f"sink {sink.name}: {sink.error or 'takes no faces'}"
    if status.outbox_problem is not None:
        yield _SINK, f"outbox: {status.outbox_problem}"


def _camera_troubles(camera: CameraStatus) -> Iterator[tuple[int, str]]:
    if camera.state in (State.LOST, State.STALLED):
        yield _CAMERA, f"{camera.name} is {camera.state.value}: {camera.error or 'no frames come'}"
    elif camera.picture is not None:
        yield _LOOK, f"{camera.name}: the picture is {camera.picture}"
    if camera.drift is not None and camera.drift.alarm:
        yield _LOOK, f"{camera.name}: {camera.drift.hint or 'its scores have moved'}"


def _desired_words(status: GateStatus) -> str | None:
    answer = status.desired
    return None if answer is None else f"Newest order: {answer.answer}: {answer.words}"


def thresholds(status: GateStatus) -> list[float]:
    """Return the thresholds in effect, each once, the lowest first."""
    return sorted({each.threshold for each in status.cameras if each.threshold is not None})


def _newest_face(status: GateStatus, now: datetime) -> Document | None:
    faces = [(each.last_face, each.name) for each in status.cameras if each.last_face is not None]
    if not faces:
        return None
    face, camera = max(faces, key=lambda found: found[0].time)
    return {**_face(face, now), "camera": camera}


def _face(face: LastFace, now: datetime) -> Document:
    return {"age_s": _age_s(face.time, now), "score": face.score}


def _camera(camera: CameraStatus, now: datetime) -> Document:
    found = list(_camera_troubles(camera))
    return {
        "name": camera.name,
        "state": camera.state.value,
        "sign": sign_of(min((place for place, _ in found), default=_WELL)),
        "mode": camera.mode,
        "threshold": camera.threshold,
        "forwarded": camera.forwarded,
        "faces": sum(camera.faces.values()),
        "last_face": None if camera.last_face is None else _face(camera.last_face, now),
    }


def _age_s(time: datetime | None, now: datetime) -> float | None:
    """Return seconds, never below 0: the clock of a gate may go before ours."""
    return None if time is None else max(0.0, (now - time).total_seconds())
