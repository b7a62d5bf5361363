"""What the shadow log's tables are asked and told, inside the caller's transaction."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from edge.delivery.clock import ClockReading
from edge.samples import Box, Reason

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
        "INSERT INTO pieces (camera, run, mode, pair_id, began_s, began_wall_s, seen_s, "
        "watched_s, frames, joins) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(kind.camera, kind.run, kind.mode, kind.pair_id),
            *(now.outbox_s, now.wall_s),
            *(piece.seen_s, piece.watched_s, piece.frames, piece.joins),
        ),
    ).lastrowid
    assert added is not None  # noqa: S101 -- a row was inserted
    return added


def put_face(
    database: sqlite3.Connection, piece_id: int, face: LoggedFace, picture: bytes | None
) -> None:
    """Write one face with its JPEG; None when it was not aligned."""
    box = face.box
    database.execute(
        "INSERT INTO faces (piece, wall_s, seen_s, track, place, box_left, box_top, box_right, "
        "box_bottom, detector_score, inter_eye_distance, shift, score, reason, detail, picture, "
        "bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(piece_id, face.wall_s, face.seen_s, face.track, face.place),
            *(box.left, box.top, box.right, box.bottom),
            *(face.detector_score, face.inter_eye_distance, face.shift, face.score),
            *(face.reason.value, face.detail, picture),
            ROW_BYTES + len(picture or b""),
        ),
    )


def stored_bytes(database: sqlite3.Connection) -> int:
    """Return the bytes of all faces."""
    return int(database.execute("SELECT bytes FROM stored").fetchone()[0])


def faces_before(database: sqlite3.Connection, outbox_s: float) -> list[StoredFace]:
    """Return the faces of the pieces begun at or before a moment, the oldest first."""
    rows = database.execute(
        "SELECT f.id, p.camera, f.bytes, f.wall_s FROM faces AS f JOIN pieces AS p "
        "ON p.id = f.piece WHERE p.began_s <= ? ORDER BY f.id",
        (outbox_s,),
    )
    return [StoredFace(*row) for row in rows]


def remove_before(database: sqlite3.Connection, outbox_s: float) -> int:
    """Delete the pieces begun at or before a moment; return how many."""
    return database.execute("DELETE FROM pieces WHERE began_s <= ?", (outbox_s,)).rowcount


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
        "SELECT run, mode, pair_id, seen_s, watched_s, frames, joins, id FROM pieces "
        "WHERE camera = ? ORDER BY id",
        (camera,),
    )
    return [Piece(Kind(camera, *row[:3]), *row[3:]) for row in rows]


def read_faces(
    database: sqlite3.Connection, piece_id: int
) -> Iterator[tuple[LoggedFace, bytes | None]]:
    """Yield the faces of a piece with their pictures, in the order of their frames."""
    rows = database.execute(
        "SELECT wall_s, seen_s, track, place, box_left, box_top, box_right, box_bottom, "
        "detector_score, inter_eye_distance, shift, score, reason, detail, picture "
        "FROM faces WHERE piece = ? ORDER BY id",
        (piece_id,),
    )
    for wall_s, seen_s, track, place, *box, sure, apart, shift, score, reason, words, jpeg in rows:
        found = Box(*box)
        figures = sure, apart, shift, score
        yield LoggedFace(wall_s, seen_s, track, place, found, *figures, Reason(reason), words), jpeg
