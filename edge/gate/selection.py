"""
Who is who, and which of the faces that were scored leave the device. Pure: no network, no clock.

The camera gate asks it frame by frame; `edge.gate.decision_replay` asks the very same of recorded
faces. Every face ends in exactly one place: forwarded, or counted under the reason why it was not.
"""

from collections.abc import Sequence

from edge.config.effective import CameraSettings
from edge.gate.choice import Choice
from edge.gate.looks.glance import Glance
from edge.gate.looks.who import WhoIsWho
from edge.gate.outcome import Outcome, SeenFace
from edge.samples import Captured
from engines.biometrics.identity_scale import IdentityScale


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
        self._who = WhoIsWho(settings, scale)
        self._choice = Choice(settings, limit, self._who.people)

    @property
    def held(self) -> int:
        """Faces that may still be forwarded, or be beaten."""
        return self._choice.held

    @property
    def alive(self) -> int:
        """Tracks that have not ended."""
        return self._who.people.alive

    def begin(self, ended: Sequence[int], seen_s: float, outcome: Outcome) -> None:
        """
        End the tracks that are over, before the faces of a frame are chosen.

        Args:
            ended: Tracklets whose faces were not seen any more.
            seen_s: Time of the frame.
            outcome: Of the frame; what is forwarded and discarded is added.
        """
        self._choice.begin(self._who.begin(ended, seen_s), seen_s, outcome)

    def worth_a_look(self, faces: Sequence[Glance], seen_s: float) -> frozenset[int]:
        """
        Return the tracklets of the faces whose scores could change what is forwarded.

        Args:
            faces: All of a frame, once each.
            seen_s: Its time.
        """
        return self._who.worth_a_look(faces, seen_s, self._choice.could_win)

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
        told = self._who.identified(seen, seen_s)
        outcome.confirmed = told.confirmed
        outcome.joined.update(told.changes.joined)
        self._choice.conclude(told, captured, seen_s, outcome)

    def send_early(self, seen_s: float, outcome: Outcome) -> None:
        """Forward the best faces so far of the tracks that have waited long enough."""
        self._choice.send_early(seen_s, outcome)

    def send_all(self, seen_s: float, outcome: Outcome) -> None:
        """Forward what would be forwarded if all tracks ended now; but they go on."""
        self._choice.send_all(seen_s, outcome)

    def use(self, settings: CameraSettings, limit: float, *, afresh: bool) -> None:
        """
        Go on with other settings.

        Args:
            settings: Of the camera.
            limit: Quality score at which its faces pass.
            afresh: All tracks have ended; what is kept of a track may be kept differently now.
        """
        self._who.use(settings, afresh=afresh)
        self._choice.use(settings, limit, afresh=afresh)

    def forget(self, scale: IdentityScale) -> None:
        """Forget who was seen and sent: faces of another pair cannot be compared with."""
        self._who.forget(scale)
        self._choice.forget()
