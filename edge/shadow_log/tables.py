"""What the shadow log's tables are asked and told, inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.delivery.clock import ClockReading
from edge.gate.looks.glance import SIDE, Sketch
from edge.samples import Box, Reason
from engines.quality.specification import Embeddings

ROW_BYTES = 300
"""Counted for each face beside its picture: the row, its words and its place in the index."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What all frames of a piece have in common."""

    camera: str
    run: str
    """Track ids are unique within it."""
    mode: str
    """`observe` and `every` score every face that passes the pre-checks."""
    pair_id: str
    conditions: str = ""
    """By which its faces were found, of `conditions_of`; empty where that was not noted."""


@dataclass(slots=True)
class Piece:
    """Up to a minute of one camera."""

    kind: Kind
    seen_s: float
    """Of its newest frame, by the camera's own clock."""
    watched_s: float = 0.0
    """Between its frames, and from the frame before when it goes on without a break."""
    frames: int = 0
    """Of video; still images last no time."""
    joins: int = 0
    """1 when it goes on without a break, else 0."""
    has_moments: bool = True
    """False in a piece of an earlier release, which noted neither moments nor embeddings."""
    piece_id: int | None = None
    """None until it is written."""


@dataclass(frozen=True, slots=True)
class LoggedFace:
    """One face of one frame."""

    wall_s: float
    """Seconds since 1970 by the device's clock, which may not have been set."""
    seen_s: float
    """Of its frame, by the camera's own clock."""
    track: int
    """The tracklet: what the place alone says; who is who is told when the log is read."""
    place: int
    """Among the faces of its frame, from 0."""
    box: Box
    detector_score: float | None
    """None, like the three that follow, when the face was not decided."""
    inter_eye_distance: float | None
    """Source pixels."""
    shift: float | None
    """Embedding shift in [0, 2]; lower is better."""
    score: float | None
    """Quality score in [0, 100]; higher is better."""
    reason: Reason
    detail: str
    embedding: Embeddings | None = None
    """(D,) float32 unit vector of the dense network; None when not scored."""
    sketch: Sketch | None = None
    """By which it is told whether a gate would have looked; None when it was not to be scored."""


LoggedPicture = tuple[LoggedFace, bytes | None]
"""A face with its JPEG; None when there is nothing to look at."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame, or the end of tracks without one; those that found and changed nothing are left."""

    seen_s: float
    """By the camera's own clock."""
    ended: tuple[int, ...]
    """Tracks that ended before the faces of the frame were looked at."""
    faces: Sequence[LoggedPicture] = ()


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face without what is known of it."""

    face_id: int
    camera: str
    bytes: int
    wall_s: float
    """Of its frame, seconds since 1970 by the device's clock."""


def put_piece(database: sqlite3.Connection, piece: Piece, now: ClockReading) -> int:
    """Write or rewrite a piece; return its id."""
    if piece.piece_id is not None:
        written = database.execute(
            "UPDATE pieces SET seen_s = ?, watched_s = ?, frames = ? WHERE id = ?",
            (piece.seen_s, piece.watched_s, piece.frames, piece.piece_id),
        ).rowcount
        if written:
            return piece.piece_id
    kind = piece.kind
    added = database.execute(
        "INSERT INTO pieces (camera, run, mode, pair_id, conditions, began_s, began_wall_s, "
        "seen_s, watched_s, frames, joins, has_moments) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        (
            *(kind.camera, kind.run, kind.mode, kind.pair_id, kind.conditions),
            *(now.outbox_s, now.wall_s),
            *(piece.seen_s, piece.watched_s, piece.frames, piece.joins),
        ),
    ).lastrowid
    assert added is not None  # noqa: S101 -- a row was inserted
    return added


def put_moment(database: sqlite3.Connection, piece_id: int, moment: Moment) -> None:
    """Write one moment with its faces."""
    moment_id = database.execute(
        "INSERT INTO moments (piece, seen_s, ended) VALUES (?, ?, ?)",
        (piece_id, moment.seen_s, json.dumps(moment.ended)),
    ).lastrowid
    assert moment_id is not None  # noqa: S101 -- a row was inserted
    for face in moment.faces:
        _put_face(database, piece_id, moment_id, face)


def _put_face(
    database: sqlite3.Connection, piece_id: int, moment_id: int, logged: LoggedPicture
) -> None:
    face, picture = logged
    box, embedding = face.box, _bytes_of(face.embedding)
    sketch = None if face.sketch is None else face.sketch.tobytes()
    database.execute(
        "INSERT INTO faces (piece, moment, wall_s, seen_s, track, place, box_left, box_top, "
        "box_right, box_bottom, detector_score, inter_eye_distance, shift, score, reason, detail, "
        "picture, embedding, sketch, bytes) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(piece_id, moment_id, face.wall_s, face.seen_s, face.track, face.place),
            *(box.left, box.top, box.right, box.bottom),
            *(face.detector_score, face.inter_eye_distance, face.shift, face.score),
            *(face.reason.value, face.detail, picture, embedding, sketch),
            ROW_BYTES + sum(len(part or b"") for part in (picture, embedding, sketch)),
        ),
    )


def _bytes_of(embedding: Embeddings | None) -> bytes | None:
    return None if embedding is None else embedding.astype("<f4").tobytes()


def stored_bytes(database: sqlite3.Connection) -> int:
    """Return the bytes of all faces."""
    return int(database.execute("SELECT bytes FROM stored").fetchone()[0])


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """What tells whose face a row is."""

    stored: StoredFace
    track: tuple[str, str, int]
    """Camera, run and number: unique."""
    pair_id: str
    embedding: Embeddings | None
    """(D,) float32 unit vector of that pair's dense network; None when not scored."""
    picture: bytes | None
    """JPEG; None when nothing is kept to look at."""


def pictures_before(
    database: sqlite3.Connection, outbox_s: float, camera: str | None = None
) -> Iterator[KeptPicture]:
    """Yield the faces of `faces_before` with what tells whose they are."""
    for stored in faces_before(database, outbox_s, camera):
        row = database.execute(
            "SELECT p.camera, p.run, f.track, p.pair_id, f.embedding, f.picture FROM faces AS f "
            "JOIN pieces AS p ON p.id = f.piece WHERE f.id = ?",
            (stored.face_id,),
        ).fetchone()
        if row is not None:  # else the gate tidied up meanwhile
            *track, pair_id, embedding, picture = row
            known = None if embedding is None else np.frombuffer(embedding, "<f4")
            yield KeptPicture(stored, (track[0], track[1], track[2]), pair_id, known, picture)


def remove_faces(database: sqlite3.Connection, face_ids: Sequence[int]) -> None:
    """Delete single faces; the footage they were in keeps its length."""
    database.executemany("DELETE FROM faces WHERE id = ?", [(face_id,) for face_id in face_ids])


def faces_before(
    database: sqlite3.Connection, outbox_s: float, camera: str | None = None
) -> list[StoredFace]:
    """
    Return the faces of the pieces begun at or before a moment, the oldest first.

    Args:
        database: The log.
        outbox_s: The moment.
        camera: Of this one only; None for all.
    """
    rows = database.execute(
        "SELECT f.id, p.camera, f.bytes, f.wall_s FROM faces AS f JOIN pieces AS p "
        "ON p.id = f.piece WHERE p.began_s <= ?1 AND p.camera = coalesce(?2, p.camera) "
        "ORDER BY f.id",
        (outbox_s, camera),
    )
    return [StoredFace(*row) for row in rows]


def remove_before(database: sqlite3.Connection, outbox_s: float, camera: str | None = None) -> int:
    """Delete the pieces begun at or before a moment, of one camera or of all; return how many."""
    return database.execute(
        "DELETE FROM pieces WHERE began_s <= ?1 AND camera = coalesce(?2, camera)",
        (outbox_s, camera),
    ).rowcount


def remove_over(database: sqlite3.Connection, at_most: int) -> int:
    """Delete the oldest pieces until the faces take no more bytes than allowed; return how many."""
    removed = 0
    while stored_bytes(database) > at_most:
        oldest = database.execute("SELECT min(id) FROM pieces").fetchone()[0]
        removed += database.execute("DELETE FROM pieces WHERE id = ?", (oldest,)).rowcount
    return removed


def keep_time(database: sqlite3.Connection, now: ClockReading) -> None:
    """Remember the time, for the next process."""
    database.execute("UPDATE clock SET outbox_s = ?, wall_s = ?", (now.outbox_s, now.wall_s))


def last_time(database: sqlite3.Connection) -> ClockReading:
    """Return the time that was remembered last."""
    return ClockReading(*database.execute("SELECT outbox_s, wall_s FROM clock").fetchone())


def read_pieces(database: sqlite3.Connection, camera: str) -> list[Piece]:
    """Return the pieces of a camera, the oldest first."""
    rows = database.execute(
        "SELECT run, mode, pair_id, conditions, seen_s, watched_s, frames, joins, has_moments, id "
        "FROM pieces WHERE camera = ? ORDER BY id",
        (camera,),
    )
    return [
        Piece(Kind(camera, *kind), seen_s, watched_s, frames, joins, bool(has_moments), piece_id)
        for *kind, seen_s, watched_s, frames, joins, has_moments, piece_id in rows
    ]


def read_faces(database: sqlite3.Connection, piece_id: int) -> Iterator[LoggedPicture]:
    """Yield the faces of a piece with their pictures, in the order of their frames."""
    for moment in read_moments(database, piece_id):
        yield from moment.faces


def read_moments(database: sqlite3.Connection, piece_id: int) -> Iterator[Moment]:
    """Yield the moments of a piece in their order."""
    rows = database.execute(
        "SELECT id, seen_s, ended FROM moments WHERE piece = ? ORDER BY id", (piece_id,)
    )
    faces = _faces_by_moment(database, piece_id)
    for moment_id, seen_s, ended in rows:
        yield Moment(seen_s, tuple(json.loads(ended)), faces.get(moment_id, ()))


def _faces_by_moment(database: sqlite3.Connection, piece_id: int) -> dict[int, list[LoggedPicture]]:
    found: dict[int, list[LoggedPicture]] = {}
    rows = database.execute(
        "SELECT moment, picture, wall_s, seen_s, track, place, box_left, box_top, box_right, "
        "box_bottom, detector_score, inter_eye_distance, shift, score, reason, detail, embedding, "
        "sketch FROM faces WHERE piece = ? AND moment IS NOT NULL ORDER BY id",
        (piece_id,),
    )
    for moment_id, picture, *row in rows:
        found.setdefault(moment_id, []).append((_face_of(row), picture))
    return found


def _face_of(row: Sequence[Any]) -> LoggedFace:
    wall_s, seen_s, track, place, left, top, right, bottom, *known = row
    sure, apart, shift, score, reason, detail, embedding, sketch = known
    return LoggedFace(
        wall_s=wall_s,
        seen_s=seen_s,
        track=track,
        place=place,
        box=Box(left, top, right, bottom),
        detector_score=sure,
        inter_eye_distance=apart,
        shift=shift,
        score=score,
        reason=Reason(reason),
        detail=detail,
        embedding=None if embedding is None else np.frombuffer(embedding, "<f4"),
        sketch=None if sketch is None else np.frombuffer(sketch, np.uint8).reshape(SIDE, SIDE),
    )
