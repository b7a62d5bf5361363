"""Who gets no face at a threshold, in words; and what is told is what a run does."""

from dataclasses import replace

import numpy as np
import pytest

from edge.config.effective import CameraSettings, at_threshold
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.footage.camera_run import steps
from edge.footage.faces import Observed, ObservedFace, observe
from edge.samples import Reason
from edge.tuning.forwarding import forwarded_by
from edge.tuning.outcome import Tuning, conclusion
from edge.tuning.people import floor_of, lost, lost_rows, lost_words, people_of
from edge.tuning.report import report
from edge.tuning.steps import Steps
from tests.edge.generated_footage import ColourPair, Person, Recording, gate_of
from tests.edge.tuning.test_forwarding import frames


def face(score, track):
    return ObservedFace("a.mp4", "0.00 s #0", 0.0, track, score, Reason.LOW_QUALITY, "", b"\xff")


def four_people(*more):
    faces = [face(score, track) for track, score in enumerate([80, 70, 60, 48])]
    faces += [face(30, 3), *more]
    return Observed(faces, frames=5, confirmed=frozenset(range(4)))


def test_the_best_face_of_a_person_decides_and_not_the_newest():
    people = people_of(four_people())
    assert [person.score for person in people] == [80, 70, 60, 48]
    assert [person.score for person in lost(people, 58)] == [48]
    assert lost(people, 58, floor=20) == []


def test_a_face_that_the_gate_would_not_score_is_nobodys_best():
    people = people_of(four_people(face(95, 0)), looked_at=range(5))
    assert [person.score for person in people] == [80, 70, 60, 48]


def test_a_track_that_no_second_look_confirmed_is_nobody():
    assert len(people_of(four_people(face(90, 4)))) == 4


@pytest.mark.parametrize(("more", "words"), [(1, "1 track more was"), (2, "2 tracks more were")])
def test_tracks_that_are_no_people_are_told_beside_those_that_are(more, words):
    observed = four_people(*(face(40, 4 + track) for track in range(more)))
    said = conclusion(tuning(observed))
    assert f"{words} scored, but confirmed as a person by no second look." in said
    assert "no second look" not in " ".join(conclusion(tuning(four_people())))


def test_a_photograph_is_not_said_to_lack_a_second_look():
    observed = four_people(replace(face(9, 4), time_s=None), replace(face(9, 5), time_s=None))
    said = " ".join(conclusion(tuning(observed)))
    assert "2 faces more of photographs scored below 15" in said
    assert "second look" not in said


OF_FOUR = "At 65, 2 of 4 people get no face: the best of them is 60. "


@pytest.mark.parametrize(
    ("threshold", "floor", "words"),
    [
        (40, 20, "At 40, everybody gets a face: 4 of 4 people."),
        (58, 100, "At 58, 1 of 4 people gets no face: the best of that person is 48."),
        (
            65,
            20,
            OF_FOUR + "With tracks.at_least_one_above 20 everybody has one.",
        ),
        (
            65,
            50,
            OF_FOUR + "With tracks.at_least_one_above 50 1 still gets none.",
        ),
    ],
)
def test_it_is_said_in_people(threshold, floor, words):
    best = [person.score for person in people_of(four_people())]
    assert lost_words(best, threshold, floor) == words


def test_each_threshold_says_how_many_it_loses_with_and_without_the_floor():
    rows = dict(lost_rows(people_of(four_people()), 50))
    assert rows["50"] == "1 of 4"
    assert rows["70"] == "2 of 4, 1 with the floor 50"


def tuning(observed, floor=20.0):
    steps_of_none = Steps(np.array([]), np.array([]))
    return Tuning(
        "door", "gate.threshold", observed, 58.0, None, steps_of_none, "p", (), floor=floor
    )


def test_conclusion_and_report_name_who_gets_no_face():
    said = conclusion(tuning(four_people()))
    assert any("At 58, 1 of 4 people gets no face" in line for line in said)
    text = report(tuning(four_people()))
    assert "Who misses the threshold" in text
    assert "best 48.0" in text


ANN, CY = 0, 2
SCENES = [[Person(score, ANN)] for score in (18, 40, 35)] + [
    [Person(score, CY)] for score in (70, 72, 90)
]


@pytest.mark.parametrize("threshold", [20, 45, 80, 95])
@pytest.mark.parametrize("floor", [16.0, 50.0, 100.0])
def test_who_is_told_to_be_lost_is_who_a_run_does_not_send(threshold, floor):
    camera = CameraSettings(
        GateSettings(), TrackSettings(at_least_one_above=floor), mode="best_shot"
    )
    files = [Recording("walk.mp4", SCENES)]
    observed = observe(steps(frames(files), gate_of(replace(camera, mode="observe"))))
    people = people_of(observed)
    assert len(people) == 2
    told = {each.best.track for each in lost(people, threshold, floor_of(camera))}
    sent = forwarded_by(observed, camera, ColourPair.identity)([threshold])[0]
    assert told == observed.confirmed - set(sent.tolist())
    run = steps(frames(files), gate_of(at_threshold(camera, threshold)))
    assert sum(len(step.outcome.forwarded) for step in run) >= len(people) - len(told)
