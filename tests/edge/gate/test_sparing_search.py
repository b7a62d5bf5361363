"""Which frames a camera gate searches, with a detector that notes where it was asked to look."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import cast

import numpy as np
import pytest

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.gate.camera_gate import CameraGate
from edge.gate.looks.seeking import EMPTY_S
from edge.samples import Captured, DetectedFace, Frame
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, upright_face

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
SETTINGS = CameraSettings(GateSettings(), TrackSettings(), "best_shot", ())
ANN = upright_face(300, 100)


@dataclass
class Noting:
    """Satisfies the Protocol `LocalFaceDetector`."""

    faces: list[DetectedFace] = field(default_factory=list)
    whole: int = 0
    near: int = 0

    def detect(self, _pixels):
        self.whole += 1
        return self.faces

    def detect_near(self, _pixels, _box):
        self.near += 1
        return self.faces

    def smallest_sought(self):
        return 40


def ticking():
    """A clock that says one second more each time it is asked."""
    ticks = iter(range(1000))
    return lambda: float(next(ticks))


class Camera:
    """Shows a grey wall, and whoever the detector is told of."""

    def __init__(self, settings=SETTINGS):
        self.detector, self.pair = Noting(), cast("EnginePair", BrightnessPair())
        self.gate = CameraGate(self.detector, self.pair, settings, ticking())

    def outcome(self, time_s, *faces, is_still=False):
        self.detector.faces = list(faces)
        pixels = np.full((480, 640, 3), 90, np.uint8)
        frame = Frame(pixels, "door", round(time_s * 10), None if is_still else time_s)
        return self.gate.take(Captured(frame, 0.0, NOON, clock_synced=True), time_s)

    def search(self, time_s, *faces, is_still=False):
        return self.outcome(time_s, *faces, is_still=is_still).search


def changed(mode="best_shot", **tracks):
    return replace(SETTINGS, mode=mode, tracks=TrackSettings(**tracks))


def test_a_frame_like_the_one_before_in_which_nobody_was_is_not_searched():
    camera = Camera()
    assert [camera.search(time_s) for time_s in (0.0, 0.1, 0.9)] == ["whole", "none", "none"]
    assert (camera.detector.whole, camera.detector.near) == (1, 0)


def test_of_a_frame_that_is_not_searched_nothing_is_decided():
    camera = Camera()
    camera.outcome(0.0)
    rested = camera.outcome(0.1, ANN)
    assert (rested.faces, rested.forwarded, rested.discarded) == (0, [], {})
    assert rested.seconds == {"detect": 1.0}


def test_the_wait_begins_anew_with_each_search():
    camera = Camera()
    times = [0.0, EMPTY_S, EMPTY_S + 0.9, 2 * EMPTY_S]
    assert [camera.search(time_s) for time_s in times] == ["whole", "whole", "none", "whole"]


def test_who_is_where_he_is_expected_is_looked_for_there_and_nowhere_else():
    camera = Camera()
    found = [camera.outcome(time_s, ANN) for time_s in (0.0, 0.1, 0.2)]
    assert [one.search for one in found] == ["whole", "whole", "followed"]
    assert [one.faces for one in found] == [1, 1, 1]
    assert (camera.detector.whole, camera.detector.near) == (2, 1)


def test_who_is_not_where_he_is_expected_is_sought_everywhere_at_once():
    camera = Camera()
    for time_s in (0.0, 0.1):
        camera.search(time_s, ANN)
    assert camera.search(0.2) == "whole"
    assert (camera.detector.whole, camera.detector.near) == (3, 1)


@pytest.mark.parametrize("settings", [changed("every"), changed(search="every")])
@pytest.mark.parametrize("faces", [(), (ANN,)])
def test_each_frame_is_searched_where_that_is_asked_for_or_every_face_counts(settings, faces):
    camera = Camera(settings)
    assert {camera.search(index / 10, *faces) for index in range(5)} == {"whole"}
    assert (camera.detector.whole, camera.detector.near) == (5, 0)


def test_a_photograph_is_searched_whatever_the_one_before_showed():
    camera = Camera()
    assert [camera.search(index / 10, is_still=True) for index in range(3)] == ["whole"] * 3


def test_a_frame_after_a_photograph_is_searched():
    camera = Camera()
    camera.search(0.0)
    camera.search(0.1, is_still=True)
    assert camera.search(0.2) == "whole"


def test_the_gap_of_the_camera_says_how_long_nobody_may_be_sought():
    camera = Camera(changed(gap=0.2))
    for time_s in (0.0, 0.1):
        camera.search(time_s, ANN)
    assert camera.search(0.2, ANN) == "whole"


def test_after_the_end_of_a_recording_the_next_frame_is_searched():
    camera = Camera()
    camera.search(0.0)
    camera.gate.finish(0.1)
    assert camera.search(0.2) == "whole"


def test_after_a_reload_the_next_frame_is_searched():
    camera = Camera()
    camera.search(0.0)
    camera.gate.change(camera.detector, camera.pair, SETTINGS, 0.1)
    assert camera.search(0.2) == "whole"


def test_time_that_passes_before_the_first_frame_ends_nothing():
    camera = Camera()
    passed = camera.gate.pass_time(1.0)
    assert (passed.ended, passed.forwarded, passed.following) == ((), [], 0)


def test_each_stage_of_a_frame_is_measured_for_itself():
    seconds = Camera().outcome(0.0, ANN).seconds
    assert seconds.pop("score") > 0  # measured where the batch is made
    assert seconds == {"detect": 1.0, "track": 2.0, "align": 1.0, "decide": 1.0}
