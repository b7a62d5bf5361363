"""
One camera's way from a frame to the faces that leave the device. Used by one thread.

frame worth a search -> candidates -> tracks -> faces worth a look are scored -> selection.
Every face ends in exactly one place: forwarded, or counted under the reason why it was not.

The way has two halves, `begin` and `conclude`, so that the faces of several cameras can be scored
in one batch between them; `take` goes the whole way.
"""

import time
from collections.abc import Callable, Sequence

from edge.config.effective import CameraSettings
from edge.gate.assess import Candidate, assessment, candidates, face_image
from edge.gate.batch import Pending, Scored, score_pending
from edge.gate.decision_replay import without_pixels
from edge.gate.hysteresis import limit_of
from edge.gate.looks.following import found_at
from edge.gate.looks.glance import Glance, Sketch, sketch_of
from edge.gate.looks.seeking import Seeking, Thumbnail, thumbnail_of
from edge.gate.outcome import Outcome, SeenFace, Stopwatch
from edge.gate.selection import Selection
from edge.gate.tracker import Place, Tracker, TrackerSettings
from edge.protocols import FaceDetector
from edge.samples import Assessment, Captured, DetectedFace, Frame
from engines.pair.pair import EnginePair


class CameraGate:
    """Decides about the faces of one camera."""

    def __init__(
        self,
        detector: FaceDetector,
        pair: EnginePair,
        settings: CameraSettings,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """
        Begin without tracks.

        Args:
            detector: Finds faces.
            pair: Scores them.
            settings: Decide.
            clock: Seconds, for how long stages take; nothing is decided by it.
        """
        self._detector = detector
        self._pair = pair
        self._settings = settings
        self._clock = clock
        self._tracker = Tracker(_following(settings))
        self._seeking = Seeking()
        self._is_still = False
        """Whether the newest frame was a photograph."""
        limit = limit_of(settings.gate, pair.mapping)
        self._selection = Selection(settings, limit, pair.identity)

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
        watch = Stopwatch(outcome.seconds, self._clock)
        faces = self._faces(captured.frame, seen_s, outcome)
        watch.lap("detect")
        if faces is None:
            return Pending(captured, seen_s, (), {}, outcome, self._pair)
        found = candidates(captured.frame, faces, self._settings.gate, self._settings.masks)
        ids = self._follow(found, seen_s, outcome, captured.frame.time_s is None)
        watch.lap("track")
        aligned = [face_image(one, self._pair) if one.discarded is None else None for one in found]
        sketches = [None if image is None else sketch_of(image) for image in aligned]
        watch.lap("align")
        followed = tuple(zip(ids, found, sketches, strict=True))
        looked_at = self._selection.worth_a_look([_glance(*one) for one in followed], seen_s)
        images = {
            place: image
            for place, (track_id, image) in enumerate(zip(ids, aligned, strict=True))
            if image is None or track_id in looked_at
        }
        watch.lap("track")
        return Pending(captured, seen_s, followed, images, outcome, self._pair)

    def _faces(
        self, frame: Frame, seen_s: float, outcome: Outcome
    ) -> Sequence[DetectedFace] | None:
        """Return the faces of a frame; None when it shows nobody, and none were sought."""
        thumbnail = self._thumbnail(frame)
        places = self._known_places(thumbnail, seen_s)
        if places is not None and not places:
            outcome.search = "none"
            return None
        followed = found_at(places, self._detector, frame.pixels) if places else None
        if followed is not None:
            outcome.search = "followed"
            return followed
        faces = self._detector.detect(frame.pixels)
        self._seeking.sought(thumbnail, seen_s)
        return faces

    def _thumbnail(self, frame: Frame) -> Thumbnail | None:
        """Return by what is told whether faces are sought; None where they are in each frame."""
        every = "every" in (self._settings.tracks.search, self._settings.mode)
        return None if every or frame.time_s is None else thumbnail_of(frame.pixels)

    def _known_places(self, thumbnail: Thumbnail | None, seen_s: float) -> Sequence[Place] | None:
        """Return where all faces of a frame are; None when that is not known."""
        if thumbnail is None:
            return None
        places, gap_s = self._tracker.places(seen_s), self._settings.tracks.gap
        return self._seeking.known(thumbnail, places, seen_s, gap_s)

    def conclude(self, pending: Pending, scored: Scored) -> Outcome:
        """Decide about the faces of a frame, and forward what is due."""
        outcome, seen_s = pending.outcome, pending.seen_s
        if outcome.search == "none":
            return outcome
        outcome.failure = scored.failure
        if pending.faces_to_score:
            outcome.seconds["score"] = scored.seconds
        watch = Stopwatch(outcome.seconds, self._clock)
        seen = self._seen(pending, scored)
        self._selection.conclude(seen, without_pixels(pending.captured), seen_s, outcome)
        watch.lap("decide")
        return outcome

    def _seen(self, pending: Pending, scored: Scored) -> tuple[SeenFace, ...]:
        by_place = dict(zip(pending.images, scored.faces, strict=True))
        gate, pair_id = self._settings.gate, self._pair.pair_id

        def decided(place: int, one: Candidate) -> Assessment | None:
            if place not in by_place:
                return None
            return assessment(one, pending.images[place], by_place[place], gate, pair_id)

        return tuple(
            SeenFace(one.face.box, tracklet, decided(place, one), tracklet, sketch)
            for place, (tracklet, one, sketch) in enumerate(pending.found)
        )

    def pass_time(self, seen_s: float) -> Outcome:
        """End the tracks whose time is over, while no frames come."""
        outcome = Outcome()
        self._follow((), seen_s, outcome)
        self._selection.send_early(seen_s, outcome)
        return outcome

    @property
    def settings(self) -> CameraSettings:
        """What decides."""
        return self._settings

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return self._selection.held

    def finish(self, seen_s: float) -> Outcome:
        """End every track: at the end of the source, and before the process stops."""
        outcome = Outcome(following=max(self._tracker.alive, self._selection.alive))
        outcome.ended = self._signed(self._tracker.end_all())
        self._seeking.forget()
        self._selection.begin(outcome.ended, seen_s, outcome)
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
        goes_on = same_pair and settings.tracks == self._settings.tracks
        if goes_on:
            outcome = Outcome() if settings == self._settings else self._send_all(seen_s)
        else:
            outcome = self.finish(seen_s)
            self._tracker.settings = _following(settings)
        limit = limit_of(settings.gate, pair.mapping)
        self._selection.use(settings, limit, afresh=not goes_on)
        if not same_pair:
            self._selection.forget(pair.identity)
        self._detector, self._pair, self._settings = detector, pair, settings
        self._seeking.forget()
        return outcome

    def _send_all(self, seen_s: float) -> Outcome:
        outcome = Outcome()
        self._selection.send_all(seen_s, outcome)
        return outcome

    def _follow(
        self,
        found: Sequence[Candidate],
        seen_s: float,
        outcome: Outcome,
        is_still: bool | None = None,
    ) -> tuple[int, ...]:
        """Return the tracklet of each face, and end the tracks that are over."""
        before = max(self._tracker.alive, self._selection.alive)
        tracked = self._tracker.update([one.face.box for one in found], seen_s)
        outcome.ended = self._signed(tracked.ended)
        outcome.following = max(before, self._tracker.alive)
        self._selection.begin(outcome.ended, seen_s, outcome)
        self._is_still = self._is_still if is_still is None else is_still
        return self._signed(tracked.ids)

    def _signed(self, tracklets: Sequence[int]) -> tuple[int, ...]:
        return tuple(-each if self._is_still else each for each in tracklets)


def _glance(tracklet: int, one: Candidate, sketch: Sketch | None) -> Glance:
    return Glance(tracklet, one.face.box, one.features.inter_eye_distance, sketch)


def _following(settings: CameraSettings) -> TrackerSettings:
    return TrackerSettings(max_gap_s=settings.tracks.gap)
