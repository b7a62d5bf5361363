"""At which faces the networks look, and that this is the same whatever is decided about them."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.progress import Progress

from edge.config.effective import CameraSettings, at_threshold
from edge.config.model import GateSettings
from edge.config.tracks import Looks as Wanted
from edge.config.tracks import Mode, TrackSettings
from edge.footage.camera_run import steps
from edge.footage.frames import frames_of
from edge.gate.camera_gate import CameraGate
from edge.gate.identity import People
from edge.gate.looks.glance import Glance
from edge.gate.looks.plan import UNSURE_FOR_S, Looks
from edge.gate.outcome import SeenFace
from edge.protocols import FaceDetector
from edge.samples import Box, QualityScore
from edge.sources.video import VideoFile
from engines.biometrics.identity_scale import IdentityScale
from engines.errors import EmbeddingError
from engines.pair.pair import EnginePair
from tests.edge.assessments import assessment
from tests.edge.generated_footage import (
    ColourPair,
    Person,
    PlaceDetector,
    Recording,
    cameras,
    footage,
    gate_of,
)

ANN, BEN = 0, 2


def unwanted(error):
    raise AssertionError(str(error))


def outcomes(files, camera: CameraSettings, gate: CameraGate | None = None):
    frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
    taken = steps(frames, gate or gate_of(camera))
    return [step.outcome for step in taken if step.captured is not None]


def looks(files, camera: CameraSettings, gate: CameraGate | None = None):
    """Return of each frame and each of its faces whether the networks looked at it."""
    found = outcomes(files, camera, gate)
    return [[face.assessment is not None for face in one.seen] for one in found]


def camera_of(mode: Mode = "best_shot", wanted: Wanted = "sparing", **tracks) -> CameraSettings:
    return CameraSettings(GateSettings(), TrackSettings(looks=wanted, **tracks), mode)


def walk(*scenes):
    """Five frames a second."""
    return [Recording("walk.mp4", scenes)]


def still(score, frames, who=ANN):
    return [[Person(score, who)]] * frames


@pytest.mark.parametrize("score", [10, 25, 60, 99])
def test_somebody_who_does_not_change_is_looked_at_twice_and_then_once_a_second(score):
    found = [any(frame) for frame in looks(walk(*still(score, 60)), camera_of())]
    assert sum(found) <= 2 + 60 / 5
    assert all(any(found[place : place + 6]) for place in range(54))


def test_a_face_that_has_changed_is_looked_at_at_once():
    shown = [*still(50, 7), *still(70, 1), *still(50, 4)]
    assert looks(walk(*shown), camera_of())[7] == [True]


def test_while_faces_get_better_each_of_them_is_looked_at():
    rising = [[Person(score, ANN)] for score in range(20, 80, 6)]
    assert looks(walk(*rising), camera_of()) == [[True]] * 10


def test_when_somebody_comes_all_faces_of_the_frame_are_looked_at():
    alone, both = [Person(50, ANN), None], [Person(50, ANN), Person(50, BEN)]
    found = looks(walk(*[alone] * 4, *[both] * 2), camera_of())
    assert found[3:5] == [[False], [True, True]]


def test_who_observes_looks_at_each_face_that_is_found():
    found = looks(walk(*still(50, 20)), camera_of("observe"))
    assert found[:10] == [[True]] * 10
    assert {one for seen in found for one in seen} == {True}


def test_after_a_face_was_sent_early_others_are_looked_at_when_they_could_replace_it():
    shown = [*still(50, 4), *still(54, 1), *still(90, 1)]
    found = looks(walk(*shown), camera_of(early_after=0.4, upgrade_by=80.0, identity=False))
    assert found[-2:] == [[False], [False]]
    found = looks(walk(*shown), camera_of(early_after=0.4, upgrade_by=10.0, identity=False))
    assert found[-1] == [True]


def test_no_track_is_looked_at_more_often_than_its_budget_allows_however_it_changes():
    plan, people = Looks(TrackSettings(upgrade_by=0.0)), People(TrackSettings(), SCALE)
    looked_at = 0
    for step in range(600):
        face, time_s = face_of(40.0, grey=60 + step * 37 % 90), step / 20
        if plan.chosen([face], people, time_s):
            look(plan, people, face, 60.0, time_s)
            looked_at += 1
    early, later, who = 3 + 2 * 6, 28 * 2, 30 / UNSURE_FOR_S
    assert looked_at <= early + later + who < 600


@pytest.mark.parametrize(("eyes", "is_looked_at"), [(40.0, True), (23.0, False)])
def test_a_new_pose_is_looked_at_unless_the_face_is_much_smaller_than_the_best(eyes, is_looked_at):
    plan, people = Looks(TrackSettings()), People(TrackSettings(), SCALE)
    for time_s, score in ((0.0, 60.0), (0.1, 50.0)):
        plan.chosen([face_of(40.0)], people, time_s)
        look(plan, people, face_of(40.0), score, time_s)
    assert plan.chosen([face_of(eyes, grey=128)], people, 0.2) == ({1} if is_looked_at else set())


def test_a_face_without_a_sketch_needs_no_plan():
    blank = replace(face_of(40.0), sketch=None)
    people = People(TrackSettings(), SCALE)
    assert Looks(TrackSettings()).chosen([blank], people, 0.0) == {1}


SCALE = IdentityScale(60.0, 8.0)
BOX = Box(0, 0, 80, 80)


def face_of(eyes: float, grey: int = 123) -> Glance:
    return Glance(1, BOX, eyes, np.full((14, 14), grey, np.uint8))


def look(plan: Looks, people: People, glance: Glance, score: float, time_s: float) -> None:
    """Let the networks look at a face, whatever the plan says."""
    known = replace(assessment(), quality=QualityScore(0.5, 0.75, score))
    seen = SeenFace(BOX, 1, known, 1, glance.sketch)
    (track,), _ = people.identified([seen], time_s)
    plan.learn([replace(seen, track_id=track)], time_s)


class FailingPair(ColourPair):
    """Has no embedding for anybody."""

    def assess(self, face_images):  # noqa: ARG002 -- whatever it is shown
        raise EmbeddingError("no direction")


def test_a_face_that_cannot_be_scored_is_not_tried_for_ever():
    pair = cast("EnginePair", FailingPair())
    gate = CameraGate(cast("FaceDetector", PlaceDetector()), pair, camera_of())
    found = [one for seen in looks(walk(*still(50, 100)), camera_of(), gate) for one in seen]
    assert 2 <= sum(found) <= 3 + 2 * 6 + 18 * (2 + 2) < 100


def three_worthless_looks():
    """Return somebody who stays longer than a track may last, and is sent at threshold 0 alone."""
    nobody_else = [(Person(0), None)] * 3
    return [Recording("door.file", nobody_else)]


@settings(max_examples=60, deadline=None)
@example(three_worthless_looks(), camera_of(gap=0.2, longest=0.001, at_least_one_above=16), 0)
@given(footage(), cameras, st.integers(0, 100))
def test_no_threshold_changes_at_what_is_looked(files, camera, threshold):
    sparing = replace(camera, tracks=camera.tracks.model_copy(update={"looks": "sparing"}))
    assert looks(files, at_threshold(sparing, threshold)) == looks(files, sparing)
