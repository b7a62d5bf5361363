"""
Scenes followed by ByteTrack (Zhang et al., arXiv 2110.06864) in the place of the gate's tracker.

From the package `trackers` (Roboflow, Apache-2.0), which only this comparison needs:
`pip install trackers`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module

import numpy as np

from edge.gate.decision_replay import RecordedFrame
from edge.gate.outcome import SeenFace
from tests.scenes.stage import FPS

GAP_FRAMES = FPS
"""A face unseen for a second has left, as for the gate."""


def byte_tracked(frames: Sequence[RecordedFrame]) -> list[RecordedFrame]:
    """Return the same frames with the tracks that ByteTrack makes of them."""
    tracked = list(_tracked(frames))
    last = {face.tracklet: number for number, one in enumerate(tracked) for face in one.seen}
    end = len(tracked) - 1

    def ended(number: int) -> tuple[int, ...]:
        return tuple(t for t, seen in last.items() if number == min(end, seen + GAP_FRAMES + 1))

    return [replace(one, ended=ended(number)) for number, one in enumerate(tracked)]


def _tracked(frames: Sequence[RecordedFrame]) -> Iterator[RecordedFrame]:
    detections = import_module("supervision").Detections
    tracker = import_module("trackers").ByteTrackTracker(
        lost_track_buffer=30, frame_rate=FPS, minimum_consecutive_frames=1
    )
    for frame in frames:
        boxes = [_corners(face) for face in frame.seen]
        found = detections(
            xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            confidence=np.array([_sure(face) for face in frame.seen], np.float32),
            data={"place": np.arange(len(boxes))},
        )
        out = tracker.update(found)
        ids = {
            int(p): int(t) for p, t in zip(out.data.get("place", ()), out.tracker_id, strict=True)
        }
        # It shows a new track from its second face on; the first one is nobody's, and left out.
        yield replace(
            frame,
            seen=tuple(
                replace(face, tracklet=ids[place])
                for place, face in enumerate(frame.seen)
                if ids.get(place, -1) >= 0
            ),
        )


def _corners(face: SeenFace) -> tuple[float, float, float, float]:
    return face.box.left, face.box.top, face.box.right, face.box.bottom


def _sure(face: SeenFace) -> float:
    return 1.0 if face.assessment is None else face.assessment.face.detector_score
