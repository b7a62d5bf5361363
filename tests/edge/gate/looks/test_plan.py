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
from edge.gate.looks.forecast import Forecast, Look
from edge.gate.looks.glance import Glance
from edge.gate.looks.plan import UNSURE_FOR_S, WORTH, Looks
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
    early, later, who = 3 + 2 * 10, 28 * 2, 30 / UNSURE_FOR_S
    assert looked_at <= early + later + who < 600


@pytest.mark.parametrize(("eyes", "is_looked_at"), [(40.0, True), (24.0, True), (23.9, False)])
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


class Known(People):
    """People whom the looks have told apart already: each tracklet is a track, but for doubts."""

    def __init__(self, doubted=()):
        super().__init__(TrackSettings(), SCALE)
        self._doubted = frozenset(doubted)

    def track_of(self, tracklet):
        return tracklet

    def is_doubted(self, track_id):
        return track_id in self._doubted

    def waits_for_a_second_look(self, track_id):  # noqa: ARG002 -- nobody does
        return False


class Places:
    """A plan, and faces at places that stay apart; a grey value more is 1/8 of a contrast."""

    def __init__(self, doubted=(), **tracks):
        self.plan, self.people = Looks(TrackSettings(**tracks)), Known(doubted)

    def glance(self, grey=120, eyes=40.0, place=1):
        return replace(
            face_of(eyes, grey), tracklet=place, box=Box(400 * place, 0, 400 * place + 80, 80)
        )

    def look(self, time_s, score, grey=120, place=1, *others):
        """Let the networks look at a face, whatever the plan says."""
        glance = self.glance(grey, place=place)
        self.plan.chosen([glance, *others], self.people, time_s)
        known = replace(assessment(), quality=QualityScore(0.5, 0.75, score))
        self.plan.learn([SeenFace(glance.box, place, known, place, glance.sketch)], time_s)

    def asks(self, time_s, grey=120, place=1):
        """Tell whether a look at a face is wanted."""
        return place in self.plan.chosen([self.glance(grey, place=place)], self.people, time_s)

    def looks_until_it_refuses(self, time_s, place=1):
        """Show faces at one moment that are unlike all others; return how many were looked at."""
        for number in range(100):
            grey = (4 + 40 * number) % 251
            if not self.asks(time_s, grey, place):
                return number
            self.look(time_s, 50, grey, place)
        raise AssertionError("no end of looks")


@pytest.mark.parametrize(("age_s", "looks"), [(0.0, 3), (1.0, 13), (2.0, 23), (3.0, 25)])
def test_a_track_may_have_three_looks_at_once_ten_a_second_and_after_two_seconds_two(age_s, looks):
    shown = Places(identity=False, early_after=None)
    shown.look(10.0, 40)
    assert 1 + shown.looks_until_it_refuses(10.0 + age_s) == looks


@pytest.mark.parametrize("score", range(30, 61, 3))
def test_a_face_is_looked_at_that_is_expected_to_gain_enough_over_the_best(score):
    shown = Places(identity=False)
    shown.look(10.0, 60, 60)
    shown.look(10.0, score, 120)
    looks = [Look(10.0, 60, shown.glance(60).pattern), Look(10.0, score, shown.glance().pattern)]
    gain = Forecast(looks).of(shown.glance(121).pattern, 12.0).gain(60)
    assert shown.asks(12.0, 121) is (gain >= WORTH)
    assert (gain >= WORTH) is (score > 50)


def test_a_track_without_looks_is_looked_at_and_once_more_after_the_longest_time():
    shown = Places(identity=False, longest=60)
    assert shown.asks(10.0)
    for _ in range(2):
        shown.look(10.0, 50)
    assert [shown.asks(time_s) for time_s in (70.0, 70.25)] == [False, True]


@pytest.mark.parametrize(("score", "is_wanted"), [(94.5, True), (95, False)])
def test_of_who_has_a_face_that_is_enough_no_better_one_is_looked_for(score, is_wanted):
    shown = Places(identity=False, enough=95)
    for _ in range(2):
        shown.look(10.0, score)
    assert shown.asks(10.0, 60) is is_wanted


@pytest.mark.parametrize(("change", "later_s"), [(0, 1.0), (2, 1.0), (4, 0.5)])
def test_a_place_whose_picture_jumps_tells_for_half_as_long_who_is_there(change, later_s):
    shown = Places()
    for time_s in (10.0, 10.125):
        shown.look(time_s, 99)
    assert not shown.asks(10.25, 120 + change)
    assert not shown.asks(10.125 + later_s - 1 / 64, 120 + change)
    assert shown.asks(10.125 + later_s, 120 + change)


def test_a_place_whose_face_a_pre_check_discards_for_a_moment_tells_for_half_as_long():
    shown = Places()
    for time_s in (10.0, 10.125):
        shown.look(time_s, 99)
    hidden = replace(shown.glance(), sketch=None)
    assert shown.plan.chosen([hidden], shown.people, 10.25) == {1}
    assert [shown.asks(time_s) for time_s in (10.5, 10.625)] == [False, True]


@pytest.mark.parametrize(("beside", "later_s"), [(60, 0.5), (300, 1.0)])
def test_a_place_that_another_face_touches_tells_for_half_as_long_who_is_there(beside, later_s):
    shown = Places()
    for time_s in (10.0, 10.125):
        shown.look(time_s, 99)
    own = shown.glance()
    other = replace(own, tracklet=2, box=Box(400 + beside, 0, 480 + beside, 80))
    shown.look(10.25, 99, 120, 1, other)
    shown.plan.chosen([own, other], shown.people, 10.375)
    assert not shown.asks(10.25 + later_s - 1 / 64)
    assert shown.asks(10.25 + later_s)


def test_a_second_look_is_wanted_even_when_the_first_told_nothing_and_the_picture_is_the_same():
    shown = Places()
    shown.look(10.0, 5)
    assert shown.asks(10.125)
    shown.look(10.125, 5)
    assert not shown.asks(10.25)


@pytest.mark.parametrize(("third", "is_wanted"), [(84, True), (85, False)])
def test_a_face_has_to_surpass_the_one_sent_early_or_the_one_that_has_replaced_it(third, is_wanted):
    shown = Places(identity=False, early_after=0.25, upgrade_by=30.0)
    shown.look(10.0, 50, 60)
    shown.look(10.125, 55, 120)
    assert not shown.asks(10.875, 121)  # only from 85 on it would be sent
    shown.look(11.0, third, 180)
    assert shown.asks(11.0, 181) is is_wanted


def test_a_face_that_would_hardly_ever_replace_the_one_sent_early_is_not_looked_at():
    shown = Places(identity=False, early_after=0.25, upgrade_by=20.0)
    for _ in range(2):
        shown.look(10.0, 50, 60)
    assert [shown.asks(11.0, grey) for grey in (61, 100)] == [False, True]


def test_only_faces_that_the_networks_have_looked_at_are_counted_as_looks():
    shown = Places(identity=False)
    seen, blank = shown.glance(), replace(shown.glance(place=2), sketch=None)
    faces = [
        SeenFace(blank.box, 9, assessment(), 9),  # not among those of the plan
        SeenFace(blank.box, 2, replace(assessment(), quality=None), 2),  # a pre-check discarded it
        SeenFace(seen.box, 3, None, 3),
        SeenFace(seen.box, 1, assessment(), 1, seen.sketch),
    ]
    for _ in range(5):
        shown.plan.chosen([seen, blank, shown.glance(place=3)], shown.people, 10.0)
        shown.plan.learn(faces, 10.0)
    assert [shown.asks(10.0, place=place) for place in (1, 2, 3)] == [False, True, True]


def test_who_was_told_by_the_second_look_is_confirmed_by_a_third():
    plan, people = Looks(TrackSettings()), People(TrackSettings(), SCALE)
    wanted = []
    for time_s, score in ((10.0, 5.0), (10.125, 50.0), (10.25, 50.0), (10.375, 50.0)):
        wanted.append(plan.chosen([face_of(40.0)], people, time_s))
        look(plan, people, face_of(40.0), score, time_s)
    assert wanted == [{1}, {1}, {1}, set()]


def test_a_place_with_a_single_look_tells_for_half_as_long_who_is_there():
    shown = Places()
    shown.look(10.0, 99)
    assert [shown.asks(10.5 - 1 / 64), shown.asks(10.5)] == [False, True]


def test_a_place_where_nobody_was_looked_at_is_looked_at_though_its_track_is_known():
    shown = Places()
    for time_s in (10.0, 10.125):
        shown.look(time_s, 99)
    shown.plan.join(1, 2)
    assert shown.asks(10.25, place=2)


def test_while_a_track_has_room_for_more_faces_each_of_them_is_looked_at():
    shown = Places(identity=False, keep=3)
    wanted = []
    for step in range(4):
        wanted.append(shown.asks(10.0 + step / 8))
        shown.look(10.0 + step / 8, 50)
    assert wanted == [True, True, True, False]


def test_while_somebody_is_in_doubt_all_faces_of_the_frame_are_looked_at():
    for doubted, wanted in (((), set()), ((2,), {1, 2})):
        shown = Places(doubted)
        for time_s in (10.0, 10.125):
            for place in (1, 2):
                shown.look(time_s, 99, place=place)
        both = [shown.glance(), shown.glance(place=2)]
        shown.plan.chosen(both, shown.people, 10.125)
        for place in (1, 2):
            shown.look(10.125, 99, 120, place, both[2 - place])
        assert shown.plan.chosen(both, shown.people, 10.25) == wanted


def test_looks_at_two_tracks_of_one_person_are_taken_from_one_budget():
    shown = Places(identity=False)
    for place in (1, 1, 2):
        shown.look(10.0, 50, place=place)
    shown.plan.join(2, 1)
    assert shown.looks_until_it_refuses(10.0) == 0


def test_the_budget_of_two_tracks_of_one_person_begins_with_the_older_one():
    shown = Places(identity=False)
    for place, time_s in ((1, 10.0), (2, 11.0)):
        for score in (40, 41, 42):
            shown.look(time_s, score, place=place)
    shown.plan.join(2, 1)
    assert 6 + shown.looks_until_it_refuses(11.0) == 3 + 10


def test_a_face_of_two_tracks_of_one_person_has_to_surpass_the_best_of_both():
    shown = Places(identity=False)
    shown.look(10.0, 80, 60)
    for _ in range(2):
        shown.look(10.0, 50, 120, 2)
    shown.plan.join(2, 1)
    assert not shown.asks(10.5, 121)


def test_looks_at_either_track_of_one_person_foretell_what_others_are_worth():
    shown = Places(identity=False)
    shown.look(10.0, 50, 120)
    for score in (60, 50):
        shown.look(10.0, score, 60, 2)
    shown.plan.join(2, 1)
    assert not shown.asks(10.5, 121)
    assert shown.asks(10.5, 90)


@pytest.mark.parametrize(("first", "second"), [(80, 50), (50, 80)])
@pytest.mark.parametrize(("upgrade_by", "is_wanted"), [(5.0, True), (30.0, False)])
def test_whichever_track_of_one_person_was_sent_a_better_face_has_to_surpass_its_best(
    first, second, upgrade_by, is_wanted
):
    shown = Places(identity=False, early_after=0.25, upgrade_by=upgrade_by)
    greys = {80: 120, 50: 60}
    shown.look(10.0, first, greys[first])
    for _ in range(2):
        shown.look(10.0, second, greys[second], 2)
    shown.plan.join(2, 1)
    assert shown.asks(11.0, 121) is is_wanted


class FailingPair(ColourPair):
    """Has no embedding for anybody."""

    def assess(self, face_images):  # noqa: ARG002 -- whatever it is shown
        raise EmbeddingError("no direction")


def test_a_face_that_cannot_be_scored_is_not_tried_for_ever():
    pair = cast("EnginePair", FailingPair())
    gate = CameraGate(cast("FaceDetector", PlaceDetector()), pair, camera_of())
    found = [one for seen in looks(walk(*still(50, 100)), camera_of(), gate) for one in seen]
    assert 2 <= sum(found) <= 3 + 2 * 10 + 18 * (2 + 2) < 100


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
