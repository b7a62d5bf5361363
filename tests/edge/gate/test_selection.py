"""Whose faces leave, of people that a pair tells apart."""

import gc
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import FunctionType, ModuleType
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from rich.progress import Progress

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import Mode, TrackSettings
from edge.footage.camera_run import steps
from edge.footage.frames import frames_of
from edge.gate.best_shot import Shot
from edge.gate.looks.glance import Glance
from edge.gate.outcome import Outcome, SeenFace
from edge.gate.recent_faces import REMEMBERED
from edge.gate.selection import Selection
from edge.samples import Box, Captured, QualityScore, Reason, Verdict
from edge.sources.video import VideoFile
from engines.biometrics.identity_scale import IdentityScale
from tests.edge.assessments import assessment
from tests.edge.generated_footage import Person, Recording, cameras, footage, gate_of

ANN, BEN = 0, 2
NOBODY = None
SCALE = IdentityScale(non_mated_angle=85.0, non_mated_spread=6.0, mated_low=0.55)
"""Alike above 0.57; unlike below 0.34 for poor faces and 0.55 for good ones."""
WHO = dict(zip((ANN, BEN), np.eye(2, dtype=np.float32), strict=True))
LIMIT = 20.0
SKETCH = np.full((14, 14), 128, np.uint8)
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def like(who, other, likeness):
    """Return somebody whose comparison score with the first of two people is this."""
    rest = np.sqrt(1 - likeness**2)
    return (likeness * WHO[who] + rest * WHO[other]).astype(np.float32)


@dataclass
class Door:
    """Shows faces to a selection, at any time, as a tracker would follow them."""

    selection: Selection
    limit: float = LIMIT
    sent: list[Shot] = field(default_factory=list)
    discarded: Counter[Reason] = field(default_factory=Counter)
    joined: dict[int, int] = field(default_factory=dict)

    def asks(self, time_s, eyes=40.0, tracklet=1):
        """Tell whether a look at a face is wanted."""
        glance = Glance(tracklet, box_of(tracklet), eyes, SKETCH)
        return tracklet in self.selection.worth_a_look([glance], time_s)

    def see(self, time_s, score, who, tracklet=1):
        """Show a face, and let the networks look at it unless its score is None."""
        self.asks(time_s, tracklet=tracklet)
        known = None if score is None else scored(score, who, self.limit)
        face = SeenFace(box_of(tracklet), 0, known, tracklet, SKETCH)
        captured = Captured(assessment().frame, time_s, NOON, clock_synced=True)
        outcome = Outcome()
        self.selection.conclude([face], captured, time_s, outcome)
        return self._noted(outcome)

    def leave(self, time_s, *tracklets):
        """End tracklets."""
        outcome = Outcome()
        self.selection.begin(tracklets, time_s, outcome)
        return self._noted(outcome)

    def stop(self, time_s):
        """Send what would be sent now."""
        outcome = Outcome()
        self.selection.send_all(time_s, outcome)
        return self._noted(outcome)

    def _noted(self, outcome):
        self.sent += outcome.forwarded
        self.discarded += outcome.discarded
        self.joined |= outcome.joined
        return outcome

    @property
    def told(self):
        """Track, revision and score of each face sent."""
        return [
            (shot.track_id, shot.revision, shot.assessment.quality.score)
            for shot in self.sent
            if shot.assessment.quality is not None
        ]


def box_of(tracklet):
    return Box(200 * tracklet, 0, 200 * tracklet + 80, 100)


def scored(score, who, limit):
    passes = score >= limit
    return replace(
        assessment(),
        inter_eye_distance=40.0,
        embedding=WHO[who] if isinstance(who, int) else who,
        quality=QualityScore(2 - score / 50, score / 100, score),
        verdict=Verdict(passes, Reason.FORWARDED if passes else Reason.LOW_QUALITY),
    )


def settings_of(mode: Mode = "best_shot", **tracks):
    return CameraSettings(GateSettings(threshold=LIMIT), TrackSettings(**tracks), mode)


def door(mode: Mode = "best_shot", limit=LIMIT, **tracks):
    return Door(Selection(settings_of(mode, **tracks), limit, SCALE), limit)


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


@pytest.mark.parametrize("identity", [True, False])
@pytest.mark.parametrize(
    ("score", "found"), [(55, [(1, 0, None, 50)]), (90, [(1, 0, None, 50), (1, 1, 0, 90)])]
)
def test_who_comes_back_is_sent_again_only_when_much_better_and_replaces_himself(
    score, found, identity
):
    scenes = [*standing(ANN, 50, 50), *[[NOBODY]] * 8, *standing(ANN, score, score)]
    assert sent(*scenes, identity=identity) == found


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


@pytest.mark.parametrize(("time_s", "is_wanted"), [(10.49, False), (10.5, True)])
def test_who_cannot_win_is_looked_at_every_half_second_since_somebody_else_may_stand_there(
    time_s, is_wanted
):
    shown = door(looks="every")
    assert shown.asks(10.0)
    shown.see(10.0, 99, ANN)
    assert shown.asks(time_s) is is_wanted


def test_where_identity_is_off_who_cannot_win_is_never_looked_at_again():
    shown = door(looks="every", identity=False)
    shown.see(0.0, 99, ANN)
    assert not shown.asks(60.0)


def test_where_looks_are_not_spared_each_face_that_could_win_is_looked_at():
    shown = door(looks="every")
    shown.see(0.0, 50, ANN)
    assert [shown.asks(0.1, eyes) for eyes in (40.0, 20.0)] == [True, False]


@pytest.mark.parametrize(("score", "is_wanted"), [(14, True), (16, False)])
def test_whoever_no_face_has_told_of_yet_is_looked_at_again_at_once(score, is_wanted):
    shown = door(looks="every", limit=0.0)
    shown.see(0.0, score, ANN)
    assert shown.asks(0.1, eyes=20.0) is is_wanted


def test_a_face_that_was_never_looked_at_is_looked_at():
    shown = door(looks="every")
    shown.see(0.0, None, ANN)
    assert shown.asks(0.1)


def test_after_a_face_above_the_threshold_one_below_is_counted_at_once():
    shown = door()
    shown.see(0.0, 50, ANN)
    assert shown.see(0.1, 18, ANN).discarded == {Reason.LOW_QUALITY: 1}
    assert shown.selection.held == 1


def test_before_a_reload_who_has_no_better_face_is_sent_by_one_below_the_threshold():
    shown = door(at_least_one_above=16)
    for time_s in (0.0, 0.1):
        shown.see(time_s, 18, ANN)
    shown.stop(0.1)
    assert shown.told == [(1, 0, 18)]


@given(footage(), cameras)
def test_every_face_of_people_who_are_told_apart_is_sent_or_counted_once(files, camera):
    frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
    found = [step.outcome for step in steps(frames, gate_of(camera))]
    sent = sum(len(outcome.forwarded) for outcome in found)
    discarded = sum((outcome.discarded for outcome in found), Counter[Reason]())
    assert sent + discarded.total() == sum(outcome.faces for outcome in found)


@pytest.mark.parametrize(("score", "reason"), [(25, Reason.NOT_BEST), (18, Reason.LOW_QUALITY)])
def test_a_doubtful_face_among_those_of_somebody_else_is_counted_when_it_is_taken_back(
    score, reason
):
    shown = door(at_least_one_above=16)
    for time_s in (0.0, 0.1):
        shown.see(time_s, 70, ANN)
    shown.see(0.2, score, BEN)
    assert shown.discarded == {Reason.NOT_BEST: 1}
    shown.see(0.3, 70, ANN)
    assert shown.discarded == Counter({Reason.NOT_BEST: 2}) + Counter({reason: 1})


@pytest.mark.parametrize(("score", "reason"), [(25, Reason.NOT_BEST), (18, Reason.LOW_QUALITY)])
def test_who_is_recognised_at_the_second_look_competes_with_what_was_sent_before(score, reason):
    shown = door(at_least_one_above=16)
    shown.see(0.0, 60, ANN)
    shown.leave(5.0, 1)
    shown.see(10.0, score, like(ANN, BEN, 0.5), tracklet=2)
    shown.see(10.1, 90, like(ANN, BEN, 0.8), tracklet=2)
    assert (shown.joined, shown.discarded) == ({2: 1}, {reason: 1})
    assert not shown.asks(10.2, tracklet=2)  # both looks count as looks at one person
    shown.leave(15.0, 2)
    assert shown.told == [(1, 0, 60), (1, 1, 90)]


def test_a_face_below_the_threshold_of_who_is_recognised_beside_a_better_one_is_not_sent():
    shown = door(at_least_one_above=16, keep=2, gap=1.0)
    for time_s in (0.0, 0.1):
        shown.see(time_s, 60, ANN)
    shown.see(0.2, 17, like(ANN, BEN, 0.3), tracklet=2)
    shown.see(0.3, 18, like(ANN, BEN, 0.9), tracklet=2)
    assert shown.joined == {2: 1}
    shown.leave(5.0, 1, 2)
    assert (shown.told, shown.discarded) == ([(1, 0, 60), (1, 1, 60)], {Reason.LOW_QUALITY: 2})


def test_a_face_may_be_sent_again_after_exactly_the_time_that_is_asked_for():
    shown = door("every", at_most_every=1.0)
    for time_s in (1.0, 1.5, 2.0):
        shown.see(time_s, 60, ANN)
    assert [shot.captured.monotonic_s for shot in shown.sent] == [1.0, 2.0]


def test_who_is_recognised_at_the_second_look_is_sent_no_more_often_than_allowed():
    shown = door("every", at_most_every=1.0)
    shown.see(0.0, 60, ANN)
    shown.leave(5.0, 1)
    shown.see(10.0, 30, like(ANN, BEN, 0.5), tracklet=2)
    shown.see(10.5, 60, like(ANN, BEN, 0.8), tracklet=2)
    assert (shown.joined, shown.discarded) == ({2: 1}, {Reason.RATE_LIMITED: 1})
    shown.see(11.0, 60, ANN, tracklet=2)
    assert shown.told == [(1, 0, 60), (2, 0, 30), (1, 0, 60)]


def test_who_is_recognised_at_the_second_look_has_passed_by_the_first():
    shown = door("every", at_most_every=0.1, hysteresis=5.0)
    shown.see(0.0, 60, ANN)
    shown.leave(5.0, 1)
    shown.see(10.0, 30, like(ANN, BEN, 0.3), tracklet=2)
    shown.see(10.5, 18, like(ANN, BEN, 0.9), tracklet=2)
    assert shown.joined == {2: 1}
    assert shown.told == [(1, 0, 60), (2, 0, 30), (1, 0, 18)]


def test_where_identity_is_off_faces_of_one_place_leave_side_by_side_whoever_they_show():
    shown = door(identity=False, keep=2)
    shown.see(0.0, 50, ANN)
    shown.see(0.1, 45, BEN)
    shown.leave(5.0, 1)
    assert shown.told == [(1, 0, 50), (1, 1, 45)]


def test_a_better_face_replaces_one_that_was_sent_so_long_ago_that_it_cannot_be_compared():
    shown = door(identity=False, early_after=0.1, duplicate_above=1, longest=3600)
    for time_s in (0.0, 0.1):
        shown.see(time_s, 50, ANN)
    for number in range(REMEMBERED):
        shown.see(1.0, 60, BEN, tracklet=number + 2)
        shown.leave(1.0, number + 2)
    shown.see(2.0, 90, ANN)
    assert shown.told[0] == (1, 0, 50)
    assert shown.told[-1] == (1, 1, 90)


def test_who_was_sent_before_a_reload_is_a_duplicate_for_as_long_as_it_says():
    shown = door(identity=False)
    shown.see(0.0, 60, ANN)
    shown.leave(5.0, 1)
    shown.selection.use(settings_of(identity=False, duplicate_within=1.0), LIMIT, afresh=True)
    shown.see(10.0, 60, ANN, tracklet=2)
    shown.leave(15.0, 2)
    assert shown.told == [(1, 0, 60), (2, 0, 60)]


def held(thing):
    """Return how many things all containers hold that can be reached from one."""
    seen, todo, items = {}, [thing], 0
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen[id(one)] = one
        items += len(one) if isinstance(one, dict | list | set | deque) else 0
        todo += gc.get_referents(one)
    return items


@pytest.mark.parametrize("mode", ["best_shot", "every"])
def test_of_who_has_left_and_cannot_be_compared_any_more_nothing_is_held(mode):
    shown = door(mode, duplicate_within=1.0, hysteresis=5.0)
    holds = []
    for number in range(30):
        time_s = 10.0 * number
        for later_s, score, who in ((0.0, 60, ANN), (0.1, 60, ANN), (0.2, 30, BEN), (0.3, 60, ANN)):
            shown.see(time_s + later_s, score, who, tracklet=number)
        shown.leave(time_s + 5.0, number)
        shown.selection.forget(SCALE)
        holds.append(held(shown.selection))
    assert holds[2:] == [holds[2]] * 28
