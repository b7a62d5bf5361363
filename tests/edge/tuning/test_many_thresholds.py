"""What is told of many thresholds at once, and of each by itself."""

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.progress import Progress

from edge.config.effective import CameraSettings, at_threshold, observing
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.footage.camera_run import steps
from edge.footage.faces import face_of_frame, observe
from edge.footage.frames import frames_of
from edge.gate.decision_replay import replayed
from edge.gate.looks.who import WhoIsWho
from edge.sources.video import VideoFile
from edge.tuning.forwarding import forwarded_by
from edge.tuning.many_thresholds import forwarded_at
from tests.edge.generated_footage import ColourPair, Person, Recording, cameras, footage, gate_of

SCALE = ColourPair.identity
OTHERS_AT_ONE_PLACE = [
    Recording(
        "door.mp4",
        [[Person(30, 0)]] * 3 + [[Person(80, 2)]] * 3 + [[None]] * 2 + [[Person(90, 1)]] * 3,
    )
]
"""Somebody who left early, somebody better at the same place, and a third one later."""
BY_PLACE = CameraSettings(
    GateSettings(), TrackSettings(identity=False, early_after=0.1, gap=0.3), "best_shot"
)


def unwanted(error):
    raise AssertionError(str(error))


def observed(files, camera):
    frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
    return observe(steps(frames, gate_of(observing(camera))))


def recorded_frames(files, camera):
    (run,) = observed(files, camera).runs
    return run.frames


def names(shots):
    return [
        (face_of_frame(shot.assessment), shot.track_id, shot.revision, shot.replaces)
        for shot in shots
    ]


def alone(frames, camera, threshold):
    outcomes = replayed(frames, at_threshold(camera, threshold), threshold, SCALE)
    return names(shot for outcome in outcomes for shot in outcome.forwarded)


def together(frames, camera, thresholds):
    return [*map(names, forwarded_at(frames, camera, thresholds, SCALE))]


@settings(max_examples=60)
@given(footage(), cameras, st.lists(st.integers(0, 100).map(float), max_size=4))
def test_many_thresholds_forward_what_each_forwards_by_itself(files, camera, thresholds):
    frames = recorded_frames(files, camera)
    assert together(frames, camera, thresholds) == [
        alone(frames, camera, each) for each in thresholds
    ]


def test_a_threshold_by_which_a_track_is_another_person_changes_no_other():
    frames = recorded_frames(OTHERS_AT_ONE_PLACE, BY_PLACE)
    thresholds = [0.0, 50.0, 10.0]
    by = together(frames, BY_PLACE, thresholds)
    assert [[track for _, track, *_ in shots] for shots in by] == [[1, 2, 3], [1, 2], [1, 2, 3]]
    assert by == [alone(frames, BY_PLACE, each) for each in thresholds]


@pytest.fixture
def found_out(monkeypatch):
    """Who was asked who is who, once for each frame."""
    asked = []

    def begun(who, ended, seen_s, begin=WhoIsWho.begin):
        asked.append(who)
        return begin(who, ended, seen_s)

    monkeypatch.setattr(WhoIsWho, "begin", begun)
    return asked


@pytest.mark.parametrize("mode", ["best_shot", "every"])
def test_who_is_who_is_found_out_once_for_many_thresholds(found_out, mode):
    camera = CameraSettings(GateSettings(), TrackSettings(), mode)
    frames = recorded_frames([Recording("walk.mp4", [[Person(50)]] * 9)], camera)
    found_out.clear()
    together(frames, camera, [20.0, 40.0, 60.0])
    assert len(found_out) == len(frames)


def test_who_is_who_is_not_found_out_again_for_thresholds_that_are_known(found_out):
    files = [Recording("walk.mp4", [[Person(50)]] * 9)]
    camera = CameraSettings(GateSettings(), TrackSettings(), "best_shot")
    forwarded = forwarded_by(observed(files, camera), camera, SCALE)
    known = forwarded([20.0, 40.0])
    found_out.clear()
    assert [*forwarded([40.0, 20.0])] == [*reversed(known)]
    assert found_out == []
