"""
One camera's way from a frame to the faces that leave the device. Used by one thread.

frame -> candidates -> tracks -> only faces that could win are scored -> best shots -> forwarded.
Every face ends in exactly one place: forwarded, or counted under the reason why it was not.

The way has two halves, `begin` and `conclude`, so that the faces of several cameras can be scored
in one batch between them; `take` goes the whole way.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge.config.effective import CameraSettings
from edge.config.masks import is_masked
from edge.gate.assess import Candidate, assessment, candidates, face_image
from edge.gate.batch import Pending, Scored, score_pending
from edge.gate.best_shot import BestShots, Shot
from edge.gate.hysteresis import Hysteresis, limit_of
from edge.gate.outcome import Outcome, SeenFace, timed
from edge.gate.recent_faces import RecentFaces
from edge.gate.tracker import Tracker, TrackerSettings
from edge.protocols import FaceDetector
from edge.samples import Assessment, Captured, Reason, Verdict
from engines.pair.pair import EnginePair

NO_PIXELS = np.empty((0, 0, 3), np.uint8)


class CameraGate:
    """Decides about the faces of one camera."""

    def __init__(self, detector: FaceDetector, pair: EnginePair, settings: CameraSettings) -> None:
        self._detector = detector
        self._pair = pair
        self._settings = settings
        self._tracker = Tracker(_following(settings))
        self._shots = BestShots(settings.tracks)
        self._recent = RecentFaces(settings.tracks)
        self._sent_s: dict[int, float] = {}
        self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    def take(self, captured: Captured, seen_s: float) -> Outcome:
        """
        Take one frame through the gate.

        Args:
            captured: The next frame of this camera.
            seen_s: Its time in seconds, of one clock that does not run backwards.

        Raises:
            DetectorError: The detector refused the frame; nothing has changed.
        """
        pending = self.begin(captured, seen_s)
        (scored,) = score_pending([pending])
        return self.conclude(pending, scored)

    def begin(self, captured: Captured, seen_s: float) -> Pending:
        """
        Find and follow the faces of a frame, and choose those to be scored.

        Nothing else may be asked of this gate before `conclude`.

        Args:
            captured: The next frame of this camera.
            seen_s: Its time in seconds, of one clock that does not run backwards.

        Raises:
            DetectorError: The detector refused the frame; nothing has changed.
        """
        outcome = Outcome()
        with timed(outcome.seconds, "detect"):
            found = [
                self._masked(one)
                for one in candidates(captured.frame, self._detector, self._settings.gate)
            ]
        with timed(outcome.seconds, "track"):
            ids = self._follow(found, seen_s, outcome)
            images = {
                place: face_image(one, self._pair) if one.discarded is None else None
                for place, (track_id, one) in enumerate(zip(ids, found, strict=True))
                if one.discarded is not None or self._could_win(track_id, one)
            }
        outcome.discarded[Reason.NOT_BEST] += len(found) - len(images)
        followed = tuple(zip(ids, found, strict=True))
        return Pending(captured, seen_s, followed, images, outcome, self._pair)

    def conclude(self, pending: Pending, scored: Scored) -> Outcome:
        """Decide about the faces of a frame, and forward what is due."""
        outcome, seen_s = pending.outcome, pending.seen_s
        outcome.failure = scored.failure
        if pending.faces_to_score:
            outcome.seconds["score"] = scored.seconds
        outcome.seen = self._seen(pending, scored)
        captured = pending.captured
        light = replace(captured, frame=replace(captured.frame, pixels=NO_PIXELS))
        for one in outcome.seen:
            if one.assessment is not None:
                face = replace(one.assessment, frame=light.frame)
                self._place(Shot(face, light, one.track_id), seen_s, outcome)
        for shot in self._shots.early(seen_s):
            self._forward(shot, seen_s, outcome)
        return outcome

    def _seen(self, pending: Pending, scored: Scored) -> tuple[SeenFace, ...]:
        by_place = dict(zip(pending.images, scored.faces, strict=True))
        gate, pair_id = self._settings.gate, self._pair.pair_id
        limit = limit_of(gate, self._pair.mapping)

        def decided(place: int, track_id: int, one: Candidate) -> Assessment | None:
            if place not in by_place:
                return None
            face = assessment(one, pending.images[place], by_place[place], gate, pair_id)
            return self._hysteresis.decided(track_id, face, limit)

        return tuple(
            SeenFace(one.face.box, track_id, decided(place, track_id, one))
            for place, (track_id, one) in enumerate(pending.found)
        )

    def pass_time(self, seen_s: float) -> Outcome:
        """End the tracks whose time is over, while no frames come."""
        outcome = Outcome()
        self._follow((), seen_s, outcome)
        for shot in self._shots.early(seen_s):
            self._forward(shot, seen_s, outcome)
        return outcome

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return self._shots.held

    def finish(self, seen_s: float) -> Outcome:
        """End every track: at the end of the source, and before the process stops."""
        outcome = Outcome()
        for track_id in self._tracker.end_all():
            self._end(track_id, seen_s, outcome)
        return outcome

    def change(
        self, detector: FaceDetector, pair: EnginePair, settings: CameraSettings, seen_s: float
    ) -> Outcome:
        """
        Go on with other parts; return what is forwarded because of that.

        What was decided by other settings is forwarded now, and nothing later. Tracks keep their
        ids, and faces sent recently are remembered, unless they cannot be compared any more: those
        of another pair.

        Args:
            detector: Finds the faces from now on.
            pair: Scores them.
            settings: Decide.
            seen_s: Time of the newest frame.
        """
        same_pair = pair.pair_id == self._pair.pair_id
        if same_pair and settings.tracks == self._settings.tracks:
            outcome = Outcome() if settings == self._settings else self._send_all(seen_s)
        else:
            outcome = self.finish(seen_s)
            self._shots = BestShots(settings.tracks)
            self._tracker.settings = _following(settings)
            self._recent.settings = settings.tracks
            self._hysteresis = Hysteresis(settings.tracks.hysteresis)
        if not same_pair:
            self._recent.forget()
        self._detector, self._pair, self._settings = detector, pair, settings
        return outcome

    def _send_all(self, seen_s: float) -> Outcome:
        outcome = Outcome()
        for shot in self._shots.send_all():
            self._forward(shot, seen_s, outcome)
        return outcome

    def _follow(
        self, found: Sequence[Candidate], seen_s: float, outcome: Outcome
    ) -> tuple[int, ...]:
        """Return the track id of each face, and end the tracks that are over."""
        tracked = self._tracker.update([one.face.box for one in found], seen_s)
        for track_id in (*tracked.ended, *self._shots.overdue(seen_s)):
            self._end(track_id, seen_s, outcome)
        return tracked.ids

    def _masked(self, one: Candidate) -> Candidate:
        size = one.features.frame_width, one.features.frame_height
        if not is_masked(self._settings.masks, one.face.landmarks, size):
            return one
        return replace(one, discarded=Verdict(forward=False, reason=Reason.MASKED))

    def _could_win(self, track_id: int, one: Candidate) -> bool:
        every_face_counts = self._settings.mode != "best_shot"
        return every_face_counts or self._shots.could_win(track_id, one.features)

    def _place(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        """Put one decided face where it belongs by the camera's mode."""
        if not shot.assessment.verdict.forward:
            outcome.discarded[shot.assessment.verdict.reason] += 1
        elif self._settings.mode == "observe":
            outcome.discarded[Reason.OBSERVED] += 1
        elif self._settings.mode == "every":
            self._send_now_and_then(shot, seen_s, outcome)
        elif self._shots.offer(shot, seen_s) is not None:
            outcome.discarded[Reason.NOT_BEST] += 1

    def _send_now_and_then(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        last_s = self._sent_s.get(shot.track_id)
        if last_s is not None and seen_s - last_s < self._settings.tracks.at_most_every:
            outcome.discarded[Reason.RATE_LIMITED] += 1
            return
        self._sent_s[shot.track_id] = seen_s
        outcome.forwarded.append(shot)

    def _end(self, track_id: int, seen_s: float, outcome: Outcome) -> None:
        self._sent_s.pop(track_id, None)
        self._hysteresis.passed.discard(track_id)
        ended = self._shots.end(track_id)
        outcome.discarded[Reason.NOT_BEST] += ended.beaten
        for shot in ended.to_send:
            self._forward(shot, seen_s, outcome)

    def _forward(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        face = shot.assessment
        assert face.embedding is not None  # noqa: S101 -- a forwarded face was scored
        assert face.quality is not None  # noqa: S101
        if shot.revision == 0 and self._recent.repeats(face.embedding, face.quality.shift, seen_s):
            outcome.discarded[Reason.DUPLICATE] += 1
            return
        self._recent.remember(face.embedding, face.quality.shift, seen_s)
        outcome.forwarded.append(shot)


def _following(settings: CameraSettings) -> TrackerSettings:
    return TrackerSettings(max_gap_s=settings.tracks.gap)
