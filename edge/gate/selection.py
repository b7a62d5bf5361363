"""
Who is who, and which of the faces that were scored leave the device. Pure: no network, no clock.

The camera gate asks it frame by frame; `edge.gate.decision_replay` asks the very same of recorded
faces. Every face ends in exactly one place: forwarded, or counted under the reason why it was not.
"""

from collections.abc import Sequence
from dataclasses import replace

from edge.config.effective import CameraSettings
from edge.gate.best_shot import BestShots, Shot
from edge.gate.hysteresis import Hysteresis
from edge.gate.identity import People, is_telling
from edge.gate.last_resort import LastResorts, best_of_track
from edge.gate.looks.glance import Glance
from edge.gate.looks.plan import Looks
from edge.gate.outcome import Outcome, SeenFace
from edge.gate.recent_faces import Forwarded, RecentFaces
from edge.samples import Captured, Reason
from engines.biometrics.identity_scale import IdentityScale

LOOK_EVERY_S = 0.5
"""So often a face of each tracklet is scored that cannot win: somebody else may stand there."""


class Selection:
    """The tracks of one camera and what was forwarded of them."""

    def __init__(self, settings: CameraSettings, limit: float, scale: IdentityScale) -> None:
        """
        Begin without tracks.

        Args:
            settings: Of the camera.
            limit: Quality score at which its faces pass, in [0, 100].
            scale: Of the engine pair: what comparison scores say about identity.
        """
        self._settings, self._limit = settings, limit
        self._people = People(settings.tracks, scale)
        self._looked_s: dict[int, float] = {}
        """When a face of each tracklet was last scored."""
        self._looks = Looks(settings.tracks)
        self._shots = BestShots(settings.tracks)
        self._resorts = LastResorts(settings.tracks)
        self._recent = RecentFaces(settings.tracks)
        self._sent_s: dict[int, float] = {}
        self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return self._shots.held + self._resorts.held

    def begin(self, ended: Sequence[int], seen_s: float, outcome: Outcome) -> None:
        """
        End the tracks that are over, before the faces of a frame are chosen.

        Args:
            ended: Tracklets whose faces were not seen any more.
            seen_s: Time of the frame.
            outcome: Of the frame; what is forwarded and discarded is added.
        """
        for tracklet in ended:
            self._looked_s.pop(tracklet, None)
        self._looks.end(ended)
        over = self._people.end(ended, seen_s)
        for track_id in over:
            self._looks.forget(track_id)
        overdue = (*self._shots.overdue(seen_s), *self._resorts.overdue(seen_s))
        for track_id in dict.fromkeys((*over, *overdue)):
            self._end(track_id, seen_s, outcome)

    @property
    def alive(self) -> int:
        """Tracks that have not ended."""
        return self._people.alive

    def worth_a_look(self, faces: Sequence[Glance], seen_s: float) -> frozenset[int]:
        """
        Return the tracklets of the faces whose scores could change what is forwarded.

        Args:
            faces: All of a frame, once each.
            seen_s: Its time.
        """
        if self._is_sparing:
            return self._looks.chosen(faces, self._people, seen_s)
        return frozenset(face.tracklet for face in faces if self._could_win(face, seen_s))

    @property
    def _is_sparing(self) -> bool:
        return self._settings.mode == "best_shot" and self._settings.tracks.looks == "sparing"

    def _could_win(self, face: Glance, seen_s: float) -> bool:
        track = self._people.track_of(face.tracklet)
        if self._settings.mode != "best_shot" or track is None:
            return True
        if self._settings.tracks.identity and self._is_due(face.tracklet, track, seen_s):
            return True
        return self._shots.could_win(track, face.inter_eye_distance)

    def _is_due(self, tracklet: int, track: int, seen_s: float) -> bool:
        """Tell whether it must be looked at again who this is."""
        last_s = self._looked_s.get(tracklet)
        return last_s is None or seen_s - last_s >= LOOK_EVERY_S or self._people.in_doubt(track)

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
        outcome.seen = tuple(
            self._decided(face) for face in self._identified(seen, seen_s, outcome)
        )
        for face in outcome.seen:
            if face.assessment is None:
                outcome.discarded[Reason.NOT_BEST] += 1
            else:
                light = replace(face.assessment, frame=captured.frame)
                self._place(Shot(light, captured, face.track_id), seen_s, outcome)
        self.send_early(seen_s, outcome)

    def _identified(
        self, seen: Sequence[SeenFace], seen_s: float, outcome: Outcome
    ) -> Sequence[SeenFace]:
        if any(face.is_photographed for face in seen):
            ids = self._people.strangers(seen, seen_s)
            outcome.confirmed = frozenset(
                track for face, track in zip(seen, ids, strict=True) if is_telling(face)
            )
        else:
            ids = self._told_apart(seen, seen_s, outcome)
            outcome.confirmed = frozenset(filter(self._people.is_confirmed, ids))
        named = [face.of_track(track) for face, track in zip(seen, ids, strict=True)]
        if self._is_sparing:
            self._looks.learn(named, seen_s)
        return named

    def _told_apart(self, seen: Sequence[SeenFace], seen_s: float, outcome: Outcome) -> list[int]:
        for face in seen:
            if face.assessment is not None:
                self._looked_s[face.tracklet] = seen_s
        ids, changes = self._people.identified(seen, seen_s)
        for track in changes.dropped:
            self._drop(track, outcome)
        for track, known in changes.joined:
            self._join(track, known, seen_s, outcome)
        return ids

    def _drop(self, track: int, outcome: Outcome) -> None:
        """Forget a track that is nobody's."""
        self._looks.forget(track)
        self._sent_s.pop(track, None)
        self._hysteresis.end(track)
        outcome.discarded[Reason.NOT_BEST] += self._shots.drop(track)
        self._give_up(track, outcome)

    def _join(self, track: int, known: int, seen_s: float, outcome: Outcome) -> None:
        """Let a track go on as another one of the same person."""
        outcome.joined[track] = known
        self._looks.join(track, known)
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
        """
        Go on with other settings.

        Args:
            settings: Of the camera.
            limit: Quality score at which its faces pass.
            afresh: All tracks have ended; what is kept of a track may be kept differently now.
        """
        self._settings, self._limit = settings, limit
        if afresh:
            self._people.settings = self._looks.settings = settings.tracks
            self._shots.settings = self._resorts.settings = settings.tracks
            self._recent.settings = settings.tracks
            self._hysteresis = Hysteresis(settings.tracks.hysteresis)

    def forget(self, scale: IdentityScale) -> None:
        """Forget who was seen and sent: faces of another pair cannot be compared with."""
        self._recent.forget()
        self._people.forget(scale)
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


def _forwarded(shot: Shot, seen_s: float) -> Forwarded:
    face = shot.assessment
    assert face.embedding is not None  # noqa: S101 -- a forwarded face was scored
    assert face.quality is not None  # noqa: S101
    return Forwarded(shot.track_id, face.embedding, seen_s, face.quality.shift)
