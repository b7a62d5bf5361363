"""Which faces of a frame are looked at by the networks, and whose each is. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge.config.effective import CameraSettings
from edge.gate.identity import Changes, People, is_telling
from edge.gate.looks.glance import Glance
from edge.gate.looks.plan import Looks
from edge.gate.outcome import SeenFace
from engines.biometrics.identity_scale import IdentityScale

LOOK_EVERY_S = 0.5
"""So often a face of each tracklet is scored that cannot win: somebody else may stand there."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the faces of a frame told."""

    seen: Sequence[SeenFace]
    """Each under the id of its track."""
    confirmed: frozenset[int]
    """Tracks of them that are people: a second look agreed with the first."""
    changes: Changes = field(default_factory=Changes)
    """Of tracks that were told apart before."""


class WhoIsWho:
    """The people before one camera, and the looks at them."""

    def __init__(self, settings: CameraSettings, scale: IdentityScale) -> None:
        """
        Begin without tracks.

        Args:
            settings: Of the camera.
            scale: Of the engine pair: what comparison scores say about identity.
        """
        self._settings = settings
        self.people = People(settings.tracks, scale)
        self._looked_s: dict[int, float] = {}
        """When a face of each tracklet was last scored."""
        self._looks = Looks(settings.tracks)

    def begin(self, ended: Sequence[int], seen_s: float) -> Sequence[int]:
        """
        Return the tracks that are over, before the faces of a frame are chosen.

        Args:
            ended: Tracklets whose faces were not seen any more.
            seen_s: Time of the frame.
        """
        for tracklet in ended:
            self._looked_s.pop(tracklet, None)
        self._looks.end(ended)
        over = self.people.end(ended, seen_s)
        for track_id in over:
            self._looks.forget(track_id)
        return over

    def worth_a_look(
        self, faces: Sequence[Glance], seen_s: float, could_win: Callable[[int, float], bool]
    ) -> frozenset[int]:
        """
        Return the tracklets of the faces whose scores could change what is forwarded.

        Args:
            faces: All of a frame, once each.
            seen_s: Its time.
            could_win: Tells it of a face of a track, by its inter-eye distance. Not asked where
                `looks_alike`.
        """
        if _is_sparing(self._settings):
            return self._looks.chosen(faces, self.people, seen_s)
        return frozenset(
            face.tracklet for face in faces if self._could_win(face, seen_s, could_win)
        )

    def _could_win(
        self, face: Glance, seen_s: float, could_win: Callable[[int, float], bool]
    ) -> bool:
        track = self.people.track_of(face.tracklet)
        if self._settings.mode != "best_shot" or track is None:
            return True
        if self._settings.tracks.identity and self._is_due(face.tracklet, track, seen_s):
            return True
        return could_win(track, face.inter_eye_distance)

    def _is_due(self, tracklet: int, track: int, seen_s: float) -> bool:
        """Tell whether it must be looked at again who this is."""
        last_s = self._looked_s.get(tracklet)
        return last_s is None or seen_s - last_s >= LOOK_EVERY_S or self.people.in_doubt(track)

    def identified(self, seen: Sequence[SeenFace], seen_s: float) -> Told:
        """
        Return whose the faces of a frame are.

        Args:
            seen: Every face; without an assessment where it was not looked at.
            seen_s: Time of the frame.
        """
        photographed = any(face.is_photographed for face in seen)
        told = self._strangers(seen, seen_s) if photographed else self._told_apart(seen, seen_s)
        if _is_sparing(self._settings):
            self._looks.learn(told.seen, seen_s)
        return told

    def _strangers(self, seen: Sequence[SeenFace], seen_s: float) -> Told:
        ids = self.people.strangers(seen, seen_s)
        telling = (track for face, track in zip(seen, ids, strict=True) if is_telling(face))
        return Told(_named(seen, ids), frozenset(telling))

    def _told_apart(self, seen: Sequence[SeenFace], seen_s: float) -> Told:
        for face in seen:
            if face.assessment is not None:
                self._looked_s[face.tracklet] = seen_s
        ids, changes = self.people.identified(seen, seen_s)
        for track in changes.dropped:
            self._looks.forget(track)
        for track, known in changes.joined:
            self._looks.join(track, known)
        confirmed = frozenset(filter(self.people.is_confirmed, ids))
        return Told(_named(seen, ids), confirmed, changes)

    def use(self, settings: CameraSettings, *, afresh: bool) -> None:
        """Go on with other settings; see `edge.gate.selection.Selection.use`."""
        self._settings = settings
        if afresh:
            self.people.settings = self._looks.settings = settings.tracks

    def forget(self, scale: IdentityScale) -> None:
        """Forget all faces: those of another pair cannot be compared with."""
        self.people.forget(scale)


def looks_alike(settings: CameraSettings) -> bool:
    """Tell whether the same faces are looked at whatever the threshold."""
    return _is_sparing(settings) or settings.mode != "best_shot"


def _is_sparing(settings: CameraSettings) -> bool:
    return settings.mode == "best_shot" and settings.tracks.looks == "sparing"


def _named(seen: Sequence[SeenFace], ids: Sequence[int]) -> Sequence[SeenFace]:
    return [face.of_track(track) for face, track in zip(seen, ids, strict=True)]
