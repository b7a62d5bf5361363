"""Whose faces leave, of people that a pair tells apart."""

from typing import cast

import pytest
from rich.progress import Progress

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import Mode, TrackSettings
from edge.footage.camera_run import steps
from edge.footage.frames import frames_of
from edge.sources.video import VideoFile
from tests.edge.generated_footage import Person, Recording, gate_of

ANN, BEN = 0, 2
NOBODY = None


def unwanted(error):
    raise AssertionError(str(error))


def outcomes(*scenes, mode: Mode = "best_shot", **tracks):
    """Show scenes of one or two places, five a second."""
    settings = CameraSettings(GateSettings(threshold=20), TrackSettings(**tracks), mode)
    files = cast("list[VideoFile]", [Recording("walk.mp4", scenes)])
    frames = frames_of(files, Progress(disable=True), unwanted)
    return [step.outcome for step in steps(frames, gate_of(settings))]


def sent(*scenes, **tracks):
    """Return track, revision, what it replaces and score of each face sent."""
    return [
        (shot.track_id, shot.revision, shot.replaces, round(shot.assessment.quality.score))
        for outcome in outcomes(*scenes, **tracks)
        for shot in outcome.forwarded
        if shot.assessment.quality is not None
    ]


def standing(who, *scores):
    return [[Person(score, who)] for score in scores]


def test_two_people_one_after_the_other_at_one_place_both_leave():
    scenes = standing(ANN, 50, 60, 55) + standing(BEN, 45, 40, 44)
    assert sorted(sent(*scenes)) == [(1, 0, None, 60), (2, 0, None, 45)]


def test_somebody_is_noticed_behind_one_who_is_good_enough_not_to_be_scored():
    scenes = standing(ANN, *[99] * 4) + standing(BEN, *[60] * 4)
    assert sorted(sent(*scenes)) == [(1, 0, None, 99), (2, 0, None, 60)]


def test_a_better_face_replaces_the_one_that_left_early():
    found = sent(*standing(ANN, 50, 50, 50, 50, 90), early_after=0.4)
    assert found == [(1, 0, None, 50), (1, 1, 0, 90)]


@pytest.mark.parametrize("identity", [True, False])
def test_nobody_is_replaced_by_somebody_else(identity):
    scenes = standing(ANN, 50, 50, 50, 50) + standing(BEN, 90, 90)
    found = sent(*scenes, early_after=0.4, identity=identity)
    assert found == [(1, 0, None, 50), (2, 0, None, 90)]


@pytest.mark.parametrize(
    ("score", "found"), [(55, [(1, 0, None, 50)]), (90, [(1, 0, None, 50), (1, 1, 0, 90)])]
)
def test_who_comes_back_is_sent_again_only_when_much_better_and_replaces_himself(score, found):
    scenes = [*standing(ANN, 50, 50), *[[NOBODY]] * 8, *standing(ANN, score, score)]
    assert sent(*scenes) == found


def test_in_mode_every_no_face_replaces_another():
    found = sent(*standing(ANN, 50, 60), mode="every", at_most_every=0.1)
    assert found == [(1, 0, None, 50), (1, 0, None, 60)]


def test_two_alike_side_by_side_both_leave():
    assert len(sent(*[[Person(50, ANN), Person(50, ANN)]] * 3)) == 2


def test_nobody_is_known_from_one_photograph_to_the_next_and_each_is_a_person_at_once():
    settings = CameraSettings(GateSettings(threshold=20), TrackSettings(), "every")
    photographs = [
        Recording(f"{n}.jpg", standing(ANN, score), True) for n, score in enumerate((60, 60, 9))
    ]
    files = cast("list[VideoFile]", photographs)
    taken = steps(frames_of(files, Progress(disable=True), unwanted), gate_of(settings))
    looks = [step.outcome for step in taken if step.captured is not None]
    assert [outcome.seen[0].track_id for outcome in looks] == [1, 2, 3]
    assert [outcome.confirmed for outcome in looks] == [{1}, {2}, set()]


def test_a_track_is_a_person_after_a_second_look():
    looks = outcomes(*standing(ANN, 50, 50))
    assert [outcome.confirmed for outcome in looks] == [set(), {1}, set()]
