"""What a shadow log knows of one camera, as if its footage had been looked at again."""

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edge.config.effective import CameraSettings
from edge.footage.album import Pasted
from edge.footage.faces import FaceOfFrame, Observed, ObservedFace, Run, TrackNumbers
from edge.gate.decision_replay import NO_PIXELS, RecordedFrame, replayed
from edge.gate.outcome import Outcome, SeenFace
from edge.samples import (
    Assessment,
    Captured,
    DetectedFace,
    Frame,
    QualityScore,
    Reason,
    Verdict,
)
from edge.shadow_log.conditions import UNKNOWN, differences
from edge.shadow_log.file import open_shadow_log, translated
from edge.shadow_log.pieces import watched_s
from edge.shadow_log.tables import LoggedFace, Moment, Piece, read_moments, read_pieces
from engines.amounts import amount
from engines.biometrics.identity_scale import IdentityScale
from engines.pair.pair import KnownPair
from engines.quality.shift import quality_from_shift

NO_LANDMARKS = np.full((5, 2), np.nan, np.float32)
WHOLE = frozenset({"observe", "every"})
"""Modes that score every face; the other one scores those only that may become the best."""


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """The footage, and what cannot be used."""

    observed: Observed
    left_out: Sequence[str]
    """In words; nothing when all could be used."""
    differing: Sequence[str] = ()
    """Used frames whose faces were found by other settings, with these, in words."""


def logged_footage(
    path: Path, camera: str, pair: KnownPair, faces: CameraSettings, conditions: str = UNKNOWN
) -> Logged:
    """
    Return the footage of one camera.

    Args:
        path: A shadow log; the gate may go on writing to it.
        camera: Its name in the configuration.
        pair: Scores of other engine pairs cannot be compared, and are left out.
        faces: In effect; what they say of tracks tells who is who.
        conditions: By which faces are found now.

    Raises:
        ShadowLogError: The file cannot be read.
    """
    with translated(path), closing(open_shadow_log(path)) as database:
        pieces = read_pieces(database, camera)
        used = [piece for piece in pieces if _why_not(piece, pair.pair_id) is None]
        reading = _Reading(camera, pair.pair_id)
        for piece in used:
            reading.take(piece, database)
        observed = reading.ended(replace(faces, mode="observe"), pair.identity)
        observed.frames = sum(piece.frames for piece in used)
        observed.video_s = watched_s(used)
        return Logged(
            observed,
            left_out=_frames(pieces, lambda piece: _why_not(piece, pair.pair_id)),
            differing=_frames(used, lambda piece: _others(piece, conditions)),
        )


def _why_not(piece: Piece, pair_id: str) -> str | None:
    if piece.kind.pair_id != pair_id:
        return f"scored by engine pair {piece.kind.pair_id}"
    if piece.kind.mode not in WHOLE:
        return f"in mode {piece.kind.mode}, which does not score every face (use observe)"
    if not piece.has_moments:
        return (
            "logged by an earlier release, which did not note what tells repeated faces "
            "(let the gate observe anew)"
        )
    return None


def _others(piece: Piece, conditions: str) -> str | None:
    words = differences(piece.kind.conditions, conditions)
    return f"with {words}" if words else None


def _frames(pieces: Sequence[Piece], said: Callable[[Piece], str | None]) -> list[str]:
    """Return how many frames each thing is said of; of some pieces nothing is."""
    frames: Counter[str] = Counter()
    for piece in pieces:
        words = said(piece)
        if words is not None:
            frames[words] += piece.frames
    return [f"{_seen(count)} {words}" for words, count in frames.items()]


def _seen(frames: int) -> str:
    return amount(frames, "frame") if frames else "photographs"  # which pieces do not count


class _Reading:
    """The pieces of one camera, as its gates saw them."""

    def __init__(self, camera: str, pair_id: str) -> None:
        self._camera, self._pair_id = camera, pair_id
        self._observed = Observed()
        self._runs: dict[str, Run] = {}
        self._noted: list[tuple[Run, FaceOfFrame]] = []
        """What names each of the observed faces."""
        self._end_s = 0.0

    def take(self, piece: Piece, database: sqlite3.Connection) -> None:
        """Read one piece, the next one of its camera."""
        assert piece.piece_id is not None  # noqa: S101 -- it was read from the file
        run = self._runs.setdefault(piece.kind.run, Run())
        self._end_s += piece.watched_s
        for moment in read_moments(database, piece.piece_id):
            run.frames.append(self._recorded(moment, len(run.frames)))
            for face, picture in moment.faces:
                # Masked faces are nobody's business; unscored are of a moment in another mode.
                if face.reason not in (Reason.MASKED, Reason.NOT_BEST):
                    time_s = self._end_s - (piece.seen_s - moment.seen_s)
                    named = (self._camera, len(run.frames) - 1, face.place)
                    self._noted.append((run, named))
                    shown = None if picture is None else self._observed.album.put(picture)
                    self._observed.faces.append(_observed(face, shown, time_s))

    def ended(self, watching: CameraSettings, identity: IdentityScale) -> Observed:
        """Return everything; tracks whose end was not noted end with their run."""
        numbers = TrackNumbers()
        tracks: dict[tuple[int, FaceOfFrame], int] = {}
        for run in self._runs.values():
            if run.frames:
                run.frames.append(_last_end(run.frames))
            for frame, outcome in zip(
                run.frames, replayed(run.frames, watching, 0.0, identity), strict=True
            ):
                numbers.join(run, outcome.joined)
                numbers.confirm(run, outcome.confirmed)
                tracks |= {(id(run), named): one for named, one in _named(frame, outcome)}
        for run, named in self._noted:
            numbers.add(run, named, tracks[id(run), named])
        numbers.settle(self._observed)
        self._observed.runs = list(self._runs.values())
        return self._observed

    def _recorded(self, moment: Moment, index: int) -> RecordedFrame:
        frame = Frame(NO_PIXELS, self._camera, index, None)
        walls = [face.wall_s for face, _ in moment.faces]
        wall = datetime.fromtimestamp(walls[0] if walls else 0.0, timezone.utc)
        seen = tuple(self._seen(face, frame) for face, _ in moment.faces)
        captured = Captured(frame, moment.seen_s, wall, clock_synced=False)
        return RecordedFrame(captured, moment.seen_s, moment.ended, seen)

    def _seen(self, face: LoggedFace, frame: Frame) -> SeenFace:
        if face.reason is Reason.NOT_BEST:
            return SeenFace(face.box, face.track, None, face.track, face.sketch)
        known = _assessment(face, frame, self._pair_id)
        return SeenFace(face.box, face.track, known, face.track, face.sketch)


def _named(frame: RecordedFrame, outcome: Outcome) -> Iterator[tuple[FaceOfFrame, int]]:
    """Yield what names each face of a frame, and its track."""
    captured = frame.captured.frame
    for before, face in zip(frame.seen, outcome.seen, strict=True):
        if before.assessment is not None:
            place = before.assessment.face_index
            yield (captured.source, captured.index, place), face.track_id


def _last_end(frames: Sequence[RecordedFrame]) -> RecordedFrame:
    began = {face.tracklet: None for frame in frames for face in frame.seen}
    over = {track for frame in frames for track in frame.ended}
    left = tuple(track for track in began if track not in over)
    return replace(frames[-1], ended=left, seen=())


def _quality(shift: float) -> float:
    return float(quality_from_shift(np.array([shift], np.float32))[0])


def _assessment(face: LoggedFace, frame: Frame, pair_id: str) -> Assessment:
    """Return what decides about a face; what does not, as its landmarks, was not logged."""
    quality = None
    if face.shift is not None and face.score is not None:
        quality = QualityScore(face.shift, _quality(face.shift), face.score)
    sure = math.nan if face.detector_score is None else face.detector_score
    apart = math.nan if face.inter_eye_distance is None else face.inter_eye_distance
    return Assessment(
        frame=frame,
        face_index=face.place,
        face=DetectedFace(face.box, NO_LANDMARKS, sure),
        inter_eye_distance=apart,
        quality=quality,
        face_image=None,
        embedding=face.embedding,
        verdict=Verdict(forward=face.reason is Reason.FORWARDED, reason=face.reason),
        detail=face.detail,
        pair_id=pair_id,
    )


def _observed(face: LoggedFace, shown: Pasted | None, time_s: float) -> ObservedFace:
    at = datetime.fromtimestamp(face.wall_s, timezone.utc).astimezone()
    return ObservedFace(
        file=f"{at:%Y-%m-%d}",
        place=f"{at:%H:%M:%S} #{face.place}",
        time_s=time_s,
        track=face.track,
        score=face.score,
        reason=face.reason,
        detail=face.detail,
        shown=shown,
    )
