"""
Which of the faces that were scored leave the device, when it is known who is who. Pure.

Every face ends in exactly one place: forwarded, or counted under the reason why it was not.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from edge.config.effective import CameraSettings
from edge.gate.best_shot import BestShots, Shot
from edge.gate.hysteresis import Hysteresis
from edge.gate.last_resort import LastResorts, best_of_track
from edge.gate.looks.who import Told
from edge.gate.outcome import Outcome, SeenFace
from edge.gate.recent_faces import Forwarded, RecentFaces
from edge.samples import Assessment, Captured, Frame, Reason


class Known(Protocol):
    """What is asked of the people before the camera; see `edge.gate.identity.People`."""

    @property
    def same_above(self) -> float:
        """Return the comparison score above which two faces are surely one person's."""
        ...

    def is_confirmed(self, track_id: int) -> bool:
        """Tell whether two looks at least agreed about the person."""
        ...

    def are_apart(self, first: int, second: int) -> bool:
        """Tell whether two tracks are surely of two people."""
        ...

    def least_likeness(self, score: float) -> float:
        """Return the comparison score below which a face of this quality is of somebody else."""
        ...

    def new_track(self, seen_s: float) -> int:
        """Return the id of a track that begins."""
        ...


class Choice:
    """What is kept and was forwarded of the tracks of one camera, by one threshold."""

    def __init__(self, settings: CameraSettings, limit: float, people: Known) -> None:
        """
        Begin without tracks.

        Args:
            settings: Of the camera.
            limit: Quality score at which its faces pass, in [0, 100].
            people: Those before the camera.
        """
        self._settings, self._limit, self._people = settings, limit, people
        self._shots = BestShots(settings.tracks)
        self._resorts = LastResorts(settings.tracks)
        self._recent = RecentFaces(settings.tracks)
        self._sent_s: dict[int, float] = {}
        self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return self._shots.held + self._resorts.held

    def begin(self, over: Sequence[int], seen_s: float, outcome: Outcome) -> None:
        """
        End tracks, before the faces of a frame are chosen.

        Args:
            over: Tracks that are over.
            seen_s: Time of the frame.
            outcome: Of the frame; what is forwarded and discarded is added.
        """
        overdue = (*self._shots.overdue(seen_s), *self._resorts.overdue(seen_s))
        for track_id in dict.fromkeys((*over, *overdue)):
            self._end(track_id, seen_s, outcome)

    def could_win(self, track: int, inter_eye_distance: float) -> bool:
        """Tell whether scoring a face of so many source pixels could change what is forwarded."""
        return self._shots.could_win(track, inter_eye_distance)

    def conclude(self, told: Told, captured: Captured, seen_s: float, outcome: Outcome) -> None:
        """
        Choose among the faces of a frame.

        Args:
            told: Whose they are, each with the verdict on it alone.
            captured: The frame, without pixels: they would fill the memory.
            seen_s: Its time.
            outcome: As for `begin`.
        """
        for track in told.changes.dropped:
            self._drop(track, outcome)
        for track, known in told.changes.joined:
            self._join(track, known, seen_s, outcome)
        outcome.seen = tuple(map(self._decided, told.seen))
        for face in outcome.seen:
            if face.assessment is None:
                outcome.discarded[Reason.NOT_BEST] += 1
            else:
                light = _of_frame(face.assessment, captured.frame)
                self._place(Shot(light, captured, face.track_id), seen_s, outcome)
        self.send_early(seen_s, outcome)

    def _drop(self, track: int, outcome: Outcome) -> None:
        """Forget a track that is nobody's."""
        self._sent_s.pop(track, None)
        self._hysteresis.end(track)
        outcome.discarded[Reason.NOT_BEST] += self._shots.drop(track)
        self._give_up(track, outcome)

    def _join(self, track: int, known: int, seen_s: float, outcome: Outcome) -> None:
        """Let a track go on as another one of the same person."""
        self._hysteresis.join(track, known)
        sent_s = self._sent_s.pop(track, None)
        if sent_s is not None:
            self._sent_s[known] = max(sent_s, self._sent_s.get(known, sent_s))
        outcome.discarded[Reason.NOT_BEST] += self._shots.join(track, known, seen_s)
        outcome.discarded[Reason.LOW_QUALITY] += self._resorts.join(track, known)

    def send_early(self, seen_s: float, outcome: Outcome) -> None:
        """Forward the best faces so far of the tracks that have waited long enough."""
        self._forward_all(self._shots.early(seen_s), seen_s, outcome)

    def send_all(self, seen_s: float, outcome: Outcome) -> None:
        """Forward what would be forwarded if all tracks ended now; but they go on."""
        for track_id in self._resorts.all():
            self._resort(track_id, seen_s, outcome)
        self._forward_all(self._shots.send_all(), seen_s, outcome)

    def use(self, settings: CameraSettings, limit: float, *, afresh: bool) -> None:
        """Go on with other settings; see `Selection.use`."""
        self._settings, self._limit = settings, limit
        if afresh:
            self._shots.settings = self._resorts.settings = settings.tracks
            self._recent.settings = settings.tracks
            self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    def forget(self) -> None:
        """Forget what was sent: faces of another pair cannot be compared with."""
        self._recent.forget()
        self._shots.forget()

    def _decided(self, face: SeenFace) -> SeenFace:
        if face.assessment is None:
            return face
        decided = self._hysteresis.decided(face.track_id, face.assessment, self._limit)
        return face if decided is face.assessment else replace(face, assessment=decided)

    def _place(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        """Put one decided face where it belongs by the camera's mode."""
        if shot.assessment.verdict.reason is Reason.LOW_QUALITY:
            self._place_low(shot, seen_s, outcome)
        elif not shot.assessment.verdict.forward:
            outcome.discarded[shot.assessment.verdict.reason] += 1
        elif self._settings.mode == "observe":
            outcome.discarded[Reason.OBSERVED] += 1
        elif self._settings.mode == "every":
            self._send_now_and_then(shot, seen_s, outcome)
        else:
            self._give_up(shot.track_id, outcome)
            if self._shots.offer(shot, seen_s) is not None:
                outcome.discarded[Reason.NOT_BEST] += 1

    def _place_low(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        """Keep a face below the threshold in case that its person has no other."""
        kept = self._settings.mode == "best_shot" and not self._shots.has_face(
            shot.track_id, seen_s
        )
        if not kept or self._resorts.offer(shot, seen_s) is not None:
            outcome.discarded[Reason.LOW_QUALITY] += 1

    def _give_up(self, track_id: int, outcome: Outcome) -> None:
        """Count what was kept of a track below the threshold as not sent."""
        if self._resorts.take(track_id) is not None:
            outcome.discarded[Reason.LOW_QUALITY] += 1

    def _resort(self, track_id: int, seen_s: float, outcome: Outcome) -> None:
        """Let the best face below the threshold stand for a person who has no other."""
        kept = self._resorts.take(track_id)
        if kept is None:
            return
        if self._people.is_confirmed(track_id) and not self._shots.has_face(track_id, seen_s):
            floor = self._settings.tracks.at_least_one_above
            self._shots.offer(best_of_track(kept, floor), seen_s)
        else:
            outcome.discarded[Reason.LOW_QUALITY] += 1

    def _send_now_and_then(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        last_s = self._sent_s.get(shot.track_id)
        if last_s is not None and seen_s - last_s < self._settings.tracks.at_most_every:
            outcome.discarded[Reason.RATE_LIMITED] += 1
            return
        self._sent_s[shot.track_id] = seen_s
        outcome.forwarded.append(shot)

    def _end(self, track_id: int, seen_s: float, outcome: Outcome) -> None:
        self._sent_s.pop(track_id, None)
        self._hysteresis.end(track_id)
        self._resort(track_id, seen_s, outcome)
        ended = self._shots.end(track_id)
        outcome.discarded[Reason.DUPLICATE if ended.is_repeat else Reason.NOT_BEST] += ended.beaten
        self._forward_all(ended.to_send, seen_s, outcome)

    def _forward_all(self, shots: Sequence[Shot], seen_s: float, outcome: Outcome) -> None:
        for shot in shots:
            self._forward(shot, seen_s, outcome)

    def _forward(self, shot: Shot, seen_s: float, outcome: Outcome) -> None:
        face = _forwarded(shot, seen_s)
        if shot.replaces is not None and not self._is_same_person(shot, face):
            # Nobody may be replaced by somebody else, whatever was believed of the track.
            track = self._people.new_track(seen_s)
            shot = replace(shot, track_id=track, revision=0, replaces=None)
            face = replace(face, track_id=track)
        if shot.revision == 0:
            known = self._recent.like(face, self._people.same_above, self._people.are_apart)
            if known is not None:
                better = self._better(shot, face, known)
                if better is None:
                    outcome.discarded[Reason.DUPLICATE] += 1
                    return
                shot, face = better, replace(face, track_id=better.track_id)
        self._recent.remember(face)
        outcome.forwarded.append(shot)

    def _is_same_person(self, shot: Shot, face: Forwarded) -> bool:
        quality = shot.assessment.quality
        assert quality is not None  # noqa: S101 -- a forwarded face was scored
        likeness = self._recent.likeness(face)
        return likeness is None or likeness >= self._people.least_likeness(quality.score)

    def _better(self, shot: Shot, face: Forwarded, known: Forwarded) -> Shot | None:
        """Return a face as a revision of an earlier track's; None when it says nothing new."""
        if known.shift <= face.shift:
            return None
        return self._shots.follow(shot, known.track_id)


def _of_frame(face: Assessment, frame: Frame) -> Assessment:
    return face if face.frame is frame else replace(face, frame=frame)


def _forwarded(shot: Shot, seen_s: float) -> Forwarded:
    face = shot.assessment
    assert face.embedding is not None  # noqa: S101 -- a forwarded face was scored
    assert face.quality is not None  # noqa: S101
    return Forwarded(shot.track_id, face.embedding, seen_s, face.quality.shift)
