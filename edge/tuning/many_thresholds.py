"""
What a gate forwards of recorded faces by each of many thresholds.

Who is who does not depend on the threshold where the faces that are looked at do not. Then it is
found out once for all of them, and only the choice among the faces is made by each.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from edge.config.effective import CameraSettings, at_threshold
from edge.gate.best_shot import Shot
from edge.gate.choice import Choice
from edge.gate.decision_replay import RecordedFrame, decided_again, replayed
from edge.gate.identity import People
from edge.gate.looks.who import Told, WhoIsWho, looks_alike
from edge.gate.outcome import Outcome
from engines.biometrics.identity_scale import IdentityScale


def forwarded_at(
    frames: Sequence[RecordedFrame],
    settings: CameraSettings,
    limits: Sequence[float],
    scale: IdentityScale,
) -> list[list[Shot]]:
    """
    Return what is forwarded by each threshold, as `replayed` says of each by itself.

    Args:
        frames: As for `replayed`.
        settings: Decide, but for the threshold.
        limits: Quality scores, inclusive.
        scale: Of the pair that scored.
    """
    together = _together(frames, settings, limits, scale) if looks_alike(settings) else {}
    return [
        together[limit] if limit in together else _alone(frames, settings, limit, scale)
        for limit in limits
    ]


def _alone(
    frames: Sequence[RecordedFrame], settings: CameraSettings, limit: float, scale: IdentityScale
) -> list[Shot]:
    outcomes = replayed(frames, at_threshold(settings, limit), limit, scale)
    return [shot for outcome in outcomes for shot in outcome.forwarded]


def _together(
    frames: Sequence[RecordedFrame],
    settings: CameraSettings,
    limits: Sequence[float],
    scale: IdentityScale,
) -> dict[float, list[Shot]]:
    """Return it for the thresholds by which nobody becomes somebody else."""
    who = WhoIsWho(settings, scale)
    choices = [_ByThreshold(settings, limit, who.people) for limit in dict.fromkeys(limits)]
    for frame in frames:
        if not choices:  # none was asked for, or each has people of its own by now
            break
        over = who.begin(frame.ended, frame.seen_s)
        for choice in choices:
            choice.begin(over, frame.seen_s)
        looked_at = who.worth_a_look(frame.glances(), frame.seen_s, _no_choice)
        told = who.identified(frame.looked(looked_at), frame.seen_s)
        for choice in choices:
            choice.conclude(told, frame)
        choices = [choice for choice in choices if not choice.has_own_people]
    return {choice.limit: choice.outcome.forwarded for choice in choices}


def _no_choice(_track: int, _inter_eye_distance: float) -> bool:
    raise AssertionError("which faces are looked at depends on the threshold")


class _ByThreshold:
    """The choice by one of the thresholds."""

    def __init__(self, settings: CameraSettings, limit: float, people: People) -> None:
        by = at_threshold(settings, limit)
        self.limit, self._gate = limit, by.gate
        self.outcome = Outcome()
        """Of all frames so far."""
        self.has_own_people = False
        """Whether a track was needed that the other thresholds do not know."""
        self._choice = Choice(by, limit, _Shared(people))

    def begin(self, over: Sequence[int], seen_s: float) -> None:
        """End tracks."""
        with self._as_long_as_shared():
            self._choice.begin(over, seen_s, self.outcome)

    def conclude(self, told: Told, frame: RecordedFrame) -> None:
        """Choose among the faces of a frame, unless the people are others by now."""
        if self.has_own_people:
            return
        told = replace(told, seen=[decided_again(face, self._gate) for face in told.seen])
        with self._as_long_as_shared():
            self._choice.conclude(told, frame.captured, frame.seen_s, self.outcome)

    @contextmanager
    def _as_long_as_shared(self) -> Iterator[None]:
        try:
            yield
        except _OwnTrack:
            self.has_own_people = True


class _OwnTrack(Exception):  # noqa: N818 -- nothing has failed
    """A face must not replace what was sent of its track, and begins another one."""


class _Shared:
    """The people as all thresholds know them; see `edge.gate.choice.Known`."""

    def __init__(self, people: People) -> None:
        self.is_confirmed, self.are_apart = people.is_confirmed, people.are_apart
        self.least_likeness, self.same_above = people.least_likeness, people.same_above

    def new_track(self, _seen_s: float) -> int:
        """Say that this threshold cannot go on with them."""
        raise _OwnTrack
