"""
Which faces of a track are worth a look of the networks: those whose score could change something.

Pure, and the same for every threshold, so that whoever decides about recorded faces again chooses
the same. Before a look only cheap features are known: the place and size of a face, and a sketch of
its aligned image (`edge.gate.looks.glance`). Four things speak for a look:

* nobody knows yet who this is, or it is in doubt: then all faces of the frame are looked at, since
  who is who is decided among those that were;
* the place is not enough to go by: the face was not there a frame ago, changed at once, or another
  one is in front of it;
* the last look at this place is long ago;
* the face may be its track's best: the looks at faces like it say by how much it may be expected to
  surpass that (`edge.gate.looks.forecast`); a track may be looked at so often and no more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge.config.tracks import TrackSettings
from edge.gate.best_shot import FAR_SMALLER
from edge.gate.identity import People
from edge.gate.looks.forecast import Forecast, Look
from edge.gate.looks.glance import Glance, difference
from edge.gate.outcome import SeenFace
from edge.gate.tracker import touching

SURE_FOR_S = 1.0
"""So long a place that nothing disturbs tells who is there."""
UNSURE_FOR_S = 0.5
"""The same of a place that something disturbed, and of a track that nothing confirms yet."""
JUMP = 0.35
"""Difference of two sketches, in contrasts, that is no motion from one frame to the next."""
MOVED = 0.03
"""Difference of two sketches, in contrasts, from which on they are not one picture with noise."""
TOUCH = 0.1
"""Buffered IoU from which on two faces are so near that the tracker may exchange them."""
FIRST_LOOKS = 2
"""Of each track, whatever its face is like: the second one confirms that it is a person."""
BUDGET = 3.0
"""Looks of a track at once."""
EAGER_S = 2.0
"""A track that is older gets looks less often."""
EAGER_RATE = 10.0
"""Looks a second of a track in its first seconds, beside those that tell who it is."""
LATER_RATE = 2.0
"""Looks a second after that."""
WORTH = 1.2
"""Quality score that a look must be expected to gain: with it one face of three is looked at."""
POOR = 20.0
"""Quality score up to which nothing is gained: hardly such a face is sent, or tells who it is."""
REMEMBERED = 32
"""Looks of a track by which others are foretold."""


@dataclass(slots=True)
class _History:
    """The looks at one track."""

    began_s: float
    looks: int = 0
    best: list[tuple[float, float]] = field(default_factory=list)
    """Quality score and inter-eye distance of its best faces, as many as may be kept of it."""
    sent: float = 0.0
    """Quality score that a better face has to surpass by `upgrade_by`, once one was sent."""
    forecast: Forecast = field(default_factory=lambda: Forecast(()))
    """By its newest looks; to be asked after the first one."""

    def learn(self, look: Look, inter_eye_distance: float, keep: int) -> None:
        """Add a look."""
        self.best = sorted([*self.best, (look.score, inter_eye_distance)], reverse=True)[:keep]
        self._remember([*self.forecast.looks, look])

    def join(self, other: "_History", keep: int) -> None:
        """Add the looks at another track of the same person, this one's being the newer."""
        self.began_s = min(self.began_s, other.began_s)
        self.looks += other.looks
        self.best = sorted([*self.best, *other.best], reverse=True)[:keep]
        self.sent = max(self.sent, other.sent)
        self._remember([*other.forecast.looks, *self.forecast.looks])

    def _remember(self, looks: Sequence[Look]) -> None:
        self.forecast = Forecast(looks[-REMEMBERED:])

    def budget(self, seen_s: float) -> float:
        """Return how many looks it may have had until now."""
        age_s = seen_s - self.began_s
        eager_s = min(age_s, EAGER_S)
        return BUDGET + EAGER_RATE * eager_s + LATER_RATE * (age_s - eager_s)


class Looks:
    """The looks at the faces of one camera."""

    def __init__(self, settings: TrackSettings) -> None:
        self.settings = settings
        """May be changed while no track is known."""
        self._histories: dict[int, _History] = {}
        self._looked_s: dict[int, float] = {}
        """When each tracklet was last looked at."""
        self._disturbed: set[int] = set()
        """Tracklets of which the place did not tell all the time who is there."""
        self._faces: Mapping[int, Glance] = {}
        """Of the newest frame, by tracklet."""

    def chosen(self, faces: Sequence[Glance], people: People, seen_s: float) -> frozenset[int]:
        """
        Return the tracklets of the faces to look at, and of those that need no look.

        Args:
            faces: All of a frame.
            people: Those before the camera, as the frames before have told.
            seen_s: Time of the frame.
        """
        before, self._faces = self._faces, {face.tracklet: face for face in faces}
        self._disturbed.update(_disturbed(before, faces))
        visible = [face for face in faces if face.sketch is not None]
        if any(self._is_unknown(face, people) for face in visible):
            looked_at = {face.tracklet for face in visible}
        else:
            looked_at = {
                face.tracklet for face in visible if self._is_worth_it(face, people, seen_s)
            }
        self._disturbed -= looked_at
        return frozenset(looked_at | {face.tracklet for face in faces if face.sketch is None})

    def _is_unknown(self, face: Glance, people: People) -> bool:
        track = people.track_of(face.tracklet)
        return track is None or people.is_doubted(track)

    def _is_worth_it(self, face: Glance, people: People, seen_s: float) -> bool:
        track = people.track_of(face.tracklet)
        history = None if track is None else self._history(track, seen_s)
        if track is None or history is None:
            return True
        if self.settings.identity and self._is_due(face.tracklet, history, seen_s):
            return True
        if self._is_enough(history) or history.looks >= history.budget(seen_s):
            return False
        if history.looks < FIRST_LOOKS or people.waits_for_a_second_look(track):
            return True
        return self._may_win(face, history, seen_s)

    def _history(self, track: int, seen_s: float) -> _History | None:
        """Return the looks at a track, counted anew after `longest` as its best faces are."""
        history = self._histories.get(track)
        is_old = history is not None and seen_s - history.began_s > self.settings.longest
        return None if is_old else history

    def _is_due(self, tracklet: int, history: _History, seen_s: float) -> bool:
        """Tell whether it must be looked at again who this is."""
        last_s = self._looked_s.get(tracklet)
        is_sure = history.looks >= FIRST_LOOKS and tracklet not in self._disturbed
        return last_s is None or seen_s - last_s >= (SURE_FOR_S if is_sure else UNSURE_FOR_S)

    def _is_enough(self, history: _History) -> bool:
        best = history.best
        return len(best) >= self.settings.keep and best[-1][0] >= self.settings.enough

    def _may_win(self, face: Glance, history: _History, seen_s: float) -> bool:
        if len(history.best) < self.settings.keep:
            return True
        (score, eyes), newest = history.best[-1], history.forecast.looks[-1]
        if face.inter_eye_distance < FAR_SMALLER * eyes or not _moved(newest, face):
            return False
        expected = history.forecast.of(face.pattern, seen_s)
        if not self._is_sent(history, seen_s):
            return expected.gain(max(score, POOR)) >= WORTH
        better = max(score, history.sent + self.settings.upgrade_by)
        # What is sent instead surpasses what was sent by all of it.
        gain = expected.gain(better) + (better - history.sent) * expected.chance(better)
        return gain >= WORTH

    def _is_sent(self, history: _History, seen_s: float) -> bool:
        early = self.settings.early_after
        return early is not None and seen_s - history.began_s > early

    def learn(self, seen: Sequence[SeenFace], seen_s: float) -> None:
        """Note what the looks at the faces of the newest frame have told, and of whom."""
        for face in seen:
            glance = self._faces.get(face.tracklet)
            if face.assessment is None or glance is None or glance.sketch is None:
                continue
            self._looked_s[face.tracklet] = seen_s
            history = self._history(face.track_id, seen_s)
            if history is None:
                history = self._histories[face.track_id] = _History(seen_s)
            history.looks += 1
            if face.assessment.quality is not None:
                self._note(history, glance, face.assessment.quality.score, seen_s)

    def _note(self, history: _History, glance: Glance, score: float, seen_s: float) -> None:
        look = Look(seen_s, score, glance.pattern)
        history.learn(look, glance.inter_eye_distance, self.settings.keep)
        if not self._is_sent(history, seen_s):
            history.sent = max(history.sent, score)
        elif score >= history.sent + self.settings.upgrade_by:
            history.sent = score

    def join(self, track: int, known: int) -> None:
        """Count the looks at a track as looks at another one of the same person."""
        history = self._histories.pop(track, None)
        if history is None:
            return
        if known in self._histories:
            history.join(self._histories[known], self.settings.keep)
        self._histories[known] = history

    def forget(self, track: int) -> None:
        """Forget a track that has ended, or is nobody's."""
        self._histories.pop(track, None)

    def end(self, tracklets: Sequence[int]) -> None:
        """Forget tracklets that have ended."""
        for tracklet in tracklets:
            self._looked_s.pop(tracklet, None)
            self._disturbed.discard(tracklet)


def _disturbed(before: Mapping[int, Glance], faces: Sequence[Glance]) -> Iterator[int]:
    """Yield the tracklets of which the place alone does not tell who is there."""
    crowded = touching([face.box for face in faces], TOUCH)
    for place, face in enumerate(faces):
        was = before.get(face.tracklet)
        if was is None or place in crowded or _jumped(was, face):
            yield face.tracklet


def _jumped(before: Glance, now: Glance) -> bool:
    if before.sketch is None or now.sketch is None:
        return True
    return bool(difference(before.pattern, now.pattern) > JUMP)


def _moved(before: Look, now: Glance) -> bool:
    return bool(difference(before.pattern, now.pattern) > MOVED)
