"""
Which of the faces that were tracked and scored leave the device. Pure: no network, no clock.

The camera gate asks it frame by frame; `edge.gate.decision_replay` asks the very same of recorded
faces. Every face ends in exactly one place: forwarded, or counted under the reason why it was not.
"""

from collections.abc import Sequence
from dataclasses import replace

from edge.config.effective import CameraSettings
from edge.gate.best_shot import BestShots, Shot
from edge.gate.hysteresis import Hysteresis
from edge.gate.outcome import Outcome, SeenFace
from edge.gate.recent_faces import RecentFaces
from edge.samples import Assessment, Captured, Reason
from engines.quality.specification import Embeddings


class Selection:
    """The tracks of one camera and what was forwarded of them."""

    def __init__(self, settings: CameraSettings, limit: float) -> None:
        """
        Begin without tracks.

        Args:
            settings: Of the camera.
            limit: Quality score at which its faces pass, in [0, 100].
        """
        self._settings, self._limit = settings, limit
        self._shots = BestShots(settings.tracks)
        self._recent = RecentFaces(settings.tracks)
        self._sent_s: dict[int, float] = {}
        self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return self._shots.held

    def begin(self, ended: Sequence[int], seen_s: float, outcome: Outcome) -> None:
        """
        End the tracks that are over, before the faces of a frame are chosen.

        Args:
            ended: Tracks whose faces were not seen any more.
            seen_s: Time of the frame.
            outcome: Of the frame; what is forwarded and discarded is added.
        """
        for track_id in (*ended, *self._shots.overdue(seen_s)):
            self._end(track_id, seen_s, outcome)

    def could_win(self, track_id: int, inter_eye_distance: float) -> bool:
        """Tell whether scoring a face of so many source pixels could change what is forwarded."""
        every_face_counts = self._settings.mode != "best_shot"
        return every_face_counts or self._shots.could_win(track_id, inter_eye_distance)

    def conclude(
        self, seen: Sequence[SeenFace], captured: Captured, seen_s: float, outcome: Outcome
    ) -> None:
        """
        Choose among the faces of a frame.

        Args:
            seen: Every face; without an assessment where it could not win.
            captured: The frame, without pixels: they would fill the memory.
            seen_s: Its time.
            outcome: As for `begin`.
        """
        outcome.seen = tuple(self._decided(face) for face in seen)
        for face in outcome.seen:
            if face.assessment is None:
                outcome.discarded[Reason.NOT_BEST] += 1
            else:
                light = replace(face.assessment, frame=captured.frame)
                self._place(Shot(light, captured, face.track_id), seen_s, outcome)
        self.send_early(seen_s, outcome)

    def send_early(self, seen_s: float, outcome: Outcome) -> None:
        """Forward the best faces so far of the tracks that have waited long enough."""
        self._forward_all(self._shots.early(seen_s), seen_s, outcome)

    def send_all(self, seen_s: float, outcome: Outcome) -> None:
        """Forward what would be forwarded if all tracks ended now; but they go on."""
        self._forward_all(self._shots.send_all(), seen_s, outcome)

    def use(self, settings: CameraSettings, limit: float, *, afresh: bool) -> None:
        """
        Go on with other settings.

        Args:
            settings: Of the camera.
            limit: Quality score at which its faces pass.
            afresh: All tracks have ended; what is kept of a track may be kept differently now.
        """
        self._settings, self._limit = settings, limit
        if afresh:
            self._shots = BestShots(settings.tracks)
            self._recent.settings = settings.tracks
            self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    def forget(self) -> None:
        """Forget the faces sent recently: those of another pair cannot be compared with."""
        self._recent.forget()

    def _decided(self, face: SeenFace) -> SeenFace:
        if face.assessment is None:
            return face
        decided = self._hysteresis.decided(face.track_id, face.assessment, self._limit)
        return face if decided is face.assessment else replace(face, assessment=decided)

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
        self._forward_all(ended.to_send, seen_s, outcome)

    def _forward_all(self, shots: Sequence[Shot], seen_s: float, outcome: Outcome) -> None:
        for shot in shots:
            self._forward(shot, seen_s, outcome)

    def _forward(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        embedding, shift = _scored(shot.assessment)
        if shot.revision == 0 and self._recent.repeats(embedding, shift, seen_s):
            outcome.discarded[Reason.DUPLICATE] += 1
            return
        self._recent.remember(embedding, shift, seen_s)
        outcome.forwarded.append(shot)


def _scored(face: Assessment) -> tuple[Embeddings, float]:
    assert face.embedding is not None  # noqa: S101 -- a forwarded face was scored
    assert face.quality is not None  # noqa: S101
    return face.embedding, face.quality.shift
