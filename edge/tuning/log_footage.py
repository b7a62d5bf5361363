"""What a shadow log knows of one camera, as if its footage had been looked at again."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.footage.faces import Observed, ObservedFace
from edge.samples import Reason
from edge.shadow_log.file import open_shadow_log, translated
from edge.shadow_log.pieces import watched_s
from edge.shadow_log.tables import LoggedFace, Piece, read_faces, read_pieces

WHOLE = frozenset({"observe", "every"})
"""Modes that score every face; the other one scores those only that may become the best."""


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """The footage, and what cannot be used."""

    observed: Observed
    left_out: Sequence[str]
    """In words; nothing when all could be used."""


def logged_footage(path: Path, camera: str, pair_id: str) -> Logged:
    """
    Return the footage of one camera.

    Args:
        path: A shadow log; the gate may go on writing to it.
        camera: Its name in the configuration.
        pair_id: Scores of other engine pairs cannot be compared, and are left out.

    Raises:
        ShadowLogError: The file cannot be read.
    """
    with translated(path), closing(open_shadow_log(path)) as database:
        pieces = read_pieces(database, camera)
        used = [piece for piece in pieces if _why_not(piece, pair_id) is None]
        return Logged(
            Observed(
                faces=list(_faces(database, used)),
                frames=sum(piece.frames for piece in used),
                video_s=watched_s(used),
            ),
            list(_left_out(pieces, pair_id)),
        )


def _why_not(piece: Piece, pair_id: str) -> str | None:
    if piece.kind.pair_id != pair_id:
        return f"scored by engine pair {piece.kind.pair_id}"
    if piece.kind.mode not in WHOLE:
        return f"in mode {piece.kind.mode}, which does not score every face (use observe)"
    return None


def _left_out(pieces: Sequence[Piece], pair_id: str) -> Iterator[str]:
    frames: Counter[str] = Counter()
    for piece in pieces:
        why = _why_not(piece, pair_id)
        if why is not None:
            frames[why] += piece.frames
    for why, count in frames.items():
        yield f"{count} frames {why}"


def _faces(database: sqlite3.Connection, pieces: Sequence[Piece]) -> Iterator[ObservedFace]:
    tracks: dict[tuple[str, int], int] = {}
    end_s = 0.0
    for piece in pieces:
        assert piece.piece_id is not None  # noqa: S101 -- it was read from the file
        end_s += piece.watched_s
        for face, picture in read_faces(database, piece.piece_id):
            # Masked faces are nobody's business; unscored ones are of a moment in another mode.
            if face.reason not in (Reason.MASKED, Reason.NOT_BEST):
                track = tracks.setdefault((piece.kind.run, face.track), len(tracks))
                time_s = end_s - (piece.seen_s - face.seen_s)
                yield _observed(face, picture, track, time_s)


def _observed(face: LoggedFace, picture: bytes | None, track: int, time_s: float) -> ObservedFace:
    at = datetime.fromtimestamp(face.wall_s, timezone.utc).astimezone()
    return ObservedFace(
        file=f"{at:%Y-%m-%d}",
        place=f"{at:%H:%M:%S} #{face.place}",
        time_s=time_s,
        track=track,
        score=face.score,
        reason=face.reason,
        detail=face.detail,
        picture=picture,
    )
