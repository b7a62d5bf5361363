"""What `edge-gate run` forwards of footage by a threshold: the gate's own decisions, replayed."""

from collections.abc import Sequence

import numpy as np

from edge.config.effective import CameraSettings
from edge.footage.faces import Observed, face_of_frame
from edge.gate.decision_replay import replayed
from edge.tuning.footage import Forwarded, Tracks
from edge.tuning.many_thresholds import forwarded_at
from engines.biometrics.identity_scale import IdentityScale


def forwarded_by(observed: Observed, faces: CameraSettings, scale: IdentityScale) -> Forwarded:
    """
    Return what tells the tracks of the faces that thresholds forward, each once for each face.

    Args:
        observed: The footage.
        faces: In effect, but for the threshold.
        scale: Of the pair that scored.
    """
    known: dict[float, Tracks] = {}

    def forwarded(thresholds: Sequence[float]) -> Sequence[Tracks]:
        asked = [each for each in dict.fromkeys(thresholds) if each not in known]
        known.update(zip(asked, forwarded_tracks(observed, faces, asked, scale), strict=True))
        return [known[each] for each in thresholds]

    return forwarded


def forwarded_tracks(
    observed: Observed, faces: CameraSettings, limits: Sequence[float], scale: IdentityScale
) -> Sequence[Tracks]:
    """
    Return the track of each face that is forwarded, for each of many thresholds.

    Args:
        observed: The footage.
        faces: Decide, but for the threshold.
        limits: Quality scores at which faces pass.
        scale: Of the pair that scored.
    """
    runs = [(run.track_of, forwarded_at(run.frames, faces, limits, scale)) for run in observed.runs]
    return [
        np.array([track_of(shot) for track_of, by in runs for shot in by[place]], np.intp)
        for place in range(len(limits))
    ]


def looked_at(observed: Observed, faces: CameraSettings, scale: IdentityScale) -> frozenset[int]:
    """
    Return the places of the faces that a gate of these settings scores, whatever its threshold.

    Args:
        observed: The footage, in which every face was scored.
        faces: Decide.
        scale: Of the pair that scored.
    """
    return frozenset(
        run.places[name]
        for run in observed.runs
        for outcome in replayed(run.frames, faces, 0.0, scale)
        for name in map(face_of_frame, outcome.assessments)
        if name in run.places  # not under a mask
    )
