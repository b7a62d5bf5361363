"""A threshold that was promised, and what a run by it forwards of the same footage."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.progress import Progress

from edge.config.effective import CameraSettings, at_threshold, observing
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.footage.camera_run import steps
from edge.footage.faces import observe
from edge.footage.frames import frames_of
from edge.sources.video import VideoFile
from edge.tuning.forwarding import forwarded_by
from edge.tuning.outcome import footage_of
from edge.tuning.steps import Goal
from edge.tuning.threshold import suggest
from tests.edge.generated_footage import (
    STEP_S,
    ColourPair,
    Person,
    Recording,
    cameras,
    footage,
    gate_of,
)

GATE = GateSettings(min_detector_score=0.5)

ALONE = TrackSettings(longest=4, duplicate_above=1, duplicate_within=0.001, at_least_one_above=100)
"""The threshold alone decides: nobody is sent below it."""


def unwanted(error):
    raise AssertionError(str(error))


def frames(files):
    return frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)


def looked_at(files, camera):
    observed = observe(steps(frames(files), gate_of(observing(camera))))
    return replace(
        footage_of(observed), forwarded=forwarded_by(observed, camera, ColourPair.identity)
    )


def run(files, camera):
    taken = steps(frames(files), gate_of(camera))
    return sum(len(step.outcome.forwarded) for step in taken)


def who_stay(seconds=24.0):
    """Six people who stand there all the time, better and worse."""
    scores = np.random.default_rng(7).integers(0, 100, (round(seconds / STEP_S), 6))
    return [Recording("stay.mp4", [[Person(int(score)) for score in row] for row in scores])]


@pytest.mark.parametrize(
    ("mode", "tracks", "per_minute"),
    [
        ("best_shot", ALONE, 15),
        ("best_shot", ALONE, 90),
        ("best_shot", TrackSettings(), 15),
        ("best_shot", TrackSettings(longest=4, early_after=1, keep=2, hysteresis=9), 60),
        ("every", TrackSettings(), 185),
        ("every", TrackSettings(at_most_every=0.5, hysteresis=20), 100),
    ],
)
def test_faces_a_minute_that_are_promised_are_sent_of_people_who_stay(mode, tracks, per_minute):
    files, camera = who_stay(), CameraSettings(GATE, tracks, mode)
    seen = looked_at(files, camera)
    found = suggest(seen, Goal("per_minute", per_minute), np.random.default_rng(0))
    sent = run(files, at_threshold(camera, found.threshold))
    assert sent == pytest.approx(found.achieved * 24 / 60)
    if tracks.longest < 24 and mode == "best_shot" and not tracks.hysteresis:
        assert found.achieved == pytest.approx(per_minute, abs=5)


@settings(max_examples=60, deadline=None)
@given(footage(), cameras.filter(lambda camera: camera.mode != "observe"), st.integers(0, 100))
def test_a_threshold_forwards_as_many_faces_as_was_told_of_it(files, camera, threshold):
    forwarded = looked_at(files, camera).forwarded
    assert forwarded is not None
    assert forwarded([threshold])[0].size == run(files, at_threshold(camera, threshold))
