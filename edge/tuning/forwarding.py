"""What `edge-gate run` forwards of footage by a threshold: the gate's own decisions, replayed."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from edge.config.effective import CameraSettings, at_threshold
from edge.footage.faces import Observed, face_of_frame
from edge.gate.decision_replay import replayed
from edge.tuning.footage import Forwarded, Tracks
from engines.biometrics.identity_scale import IdentityScale


def forwarded_by(observed: Observed, faces: CameraSettings, scale: IdentityScale) -> Forwarded:
    """
    Return what tells the tracks of the faces that a threshold forwards, each once for each face.

    Args:
        observed: The footage.
        faces: In effect, but for the threshold.
        scale: Of the pair that scored.
    """

    @cache
    def forwarded(threshold: float) -> Tracks:
        return forwarded_tracks(observed, at_threshold(faces, threshold), threshold, scale)

    return forwarded


def forwarded_tracks(
    observed: Observed, faces: CameraSettings, limit: float, scale: IdentityScale
) -> Tracks:
    """
    Return the track of each face that is forwarded.

    Args:
        observed: The footage.
        faces: Decide.
        limit: Quality score at which faces pass by them.
        scale: Of the pair that scored.
    """
    return np.array(list(_forwarded(observed, faces, limit, scale)), np.intp)


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


def _forwarded(
    observed: Observed, faces: CameraSettings, limit: float, scale: IdentityScale
) -> Iterator[int]:
    for run in observed.runs:
        for outcome in replayed(run.frames, faces, limit, scale):
            yield from (run.track_of(shot) for shot in outcome.forwarded)
