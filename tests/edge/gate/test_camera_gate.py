from collections import Counter
from datetime import datetime, timezone
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.effective import CameraSettings
from edge.config.masks import polygon
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.samples import Captured, Frame, Reason
from engines.errors import BackendError
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, upright_face

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class Scene:
    """A detector for frames that hold one bright patch for each face, or none."""

    def __init__(self):
        self.faces = []

    def detect(self, pixels):  # noqa: ARG002 -- the scene knows
        return self.faces


def settings_of(mode="best_shot", gate=None, masks=(), **tracks):
    return CameraSettings(gate or GateSettings(), TrackSettings(**tracks), mode, masks)


class Walk:
    """Drives one camera gate frame by frame and keeps its ledger."""

    def __init__(self, mode="best_shot", gate=None, masks=(), **tracks):
        self.scene, self.pair = Scene(), BrightnessPair()
        pair = cast("EnginePair", self.pair)
        self.gate = CameraGate(self.scene, pair, settings_of(mode, gate, masks, **tracks))
        self.sent: list[Shot] = []
        self.discarded: Counter[Reason] = Counter()
        self.following: list[int] = []
        self.faces = self.step = 0

    def reload(self, *settings, **tracks):
        """Go on with other settings, as after SIGHUP."""
        decided, pair = settings_of(*settings, **tracks), cast("EnginePair", self.pair)
        self._note(self.gate.change(self.scene, pair, decided, self.step * 0.1))

    def frame(self, *brightness):
        """Show a frame with a face of each brightness (None: nobody at that place)."""
        pixels = np.zeros((320, 300 * max(1, len(brightness)), 3), np.uint8)
        self.scene.faces = []
        for place, value in enumerate(brightness):
            if value is not None:
                pixels[:, 300 * place : 300 * (place + 1)] = value
                self.scene.faces.append(upright_face(300 * place + 90))
        frame = Frame(pixels, "door", self.step, self.step * 0.1)
        self._note(self.gate.take(Captured(frame, 0.0, NOON, clock_synced=True), self.step * 0.1))
        self.step += 1

    def finish(self):
        self._note(self.gate.finish(self.step * 0.1))
        return self

    def _note(self, outcome):
        self.faces += outcome.faces
        self.following.append(outcome.following)
        self.sent += outcome.forwarded
        self.discarded += outcome.discarded


def brightness_of(shot):
    return int(shot.assessment.face_image.mean())


def test_a_person_walking_by_gives_one_face_the_best():
    walk = Walk()
    for value in (100, 180, 250, 200):
        walk.frame(value)
    walk.finish()
    assert [brightness_of(shot) for shot in walk.sent] == [250]
    assert walk.discarded == {Reason.NOT_BEST: 3}


def test_two_people_give_one_face_each_under_different_tracks():
    walk = Walk(duplicate_above=1)
    for _ in range(4):
        walk.frame(200, 240)
    walk.finish()
    assert len({shot.track_id for shot in walk.sent}) == len(walk.sent) == 2


def test_a_face_is_sent_early_and_followed_by_a_better_one_of_the_same_track():
    walk = Walk(early_after=0.2, upgrade_by=10)
    for value in (120, 120, 120, 250, 250):
        walk.frame(value)
    walk.finish()
    assert [(brightness_of(one), one.revision) for one in walk.sent] == [(120, 0), (250, 1)]
    assert len({one.track_id for one in walk.sent}) == 1


def test_somebody_who_comes_back_at_once_is_not_sent_again():
    walk = Walk(gap=0.25)
    walk.frame(200)
    for _ in range(5):
        walk.frame(None)
    walk.frame(200)
    walk.finish()
    assert len(walk.sent) == 1
    assert walk.discarded == {Reason.DUPLICATE: 1}


def test_observing_decides_and_counts_and_sends_nothing():
    walk = Walk(mode="observe")
    walk.frame(250)
    walk.frame(20)
    walk.finish()
    assert walk.sent == []
    assert walk.discarded == {Reason.OBSERVED: 1, Reason.LOW_QUALITY: 1}


def test_a_face_in_a_mask_is_counted_and_never_scored():
    walk = Walk(masks=(polygon("0,0 0.5,0 0.5,1 0,1"),))
    walk.frame(250, 240)
    walk.finish()
    assert walk.discarded == {Reason.MASKED: 1}
    assert ([brightness_of(shot) for shot in walk.sent], walk.pair.batches) == ([240], [1])


def test_faces_scored_in_mode_every_take_no_look_from_their_track_when_the_mode_changes_back():
    walk = Walk(identity=False)
    walk.frame(100)
    walk.reload("every", identity=False)
    for _ in range(40):
        walk.frame(100)
    walk.reload("best_shot", identity=False)
    walk.frame(250)
    walk.finish()
    assert brightness_of(walk.sent[-1]) == 250


@pytest.mark.parametrize("looks", ["sparing", "every"])
def test_a_discarded_face_is_counted_under_its_reason_though_its_track_needs_no_better_one(looks):
    walk = Walk(identity=False, looks=looks)
    walk.frame(250)
    masks = (polygon("0,0 1,0 1,1 0,1"),)
    walk.reload("best_shot", None, masks, identity=False, looks=looks)
    walk.frame(250)
    assert walk.discarded == {Reason.MASKED: 1}


def test_every_good_face_is_sent_but_not_more_often_than_allowed():
    walk = Walk(mode="every", at_most_every=0.25)
    for _ in range(7):
        walk.frame(250)
    walk.finish()
    assert [shot.captured.frame.index for shot in walk.sent] == [0, 3, 6]
    assert walk.discarded == {Reason.RATE_LIMITED: 4}


@pytest.mark.parametrize("gate", [GateSettings(threshold=80), GateSettings(shift_at_most=0.4)])
@pytest.mark.parametrize(("hysteresis", "sent"), [(0, [210, 250]), (5, [210, 195, 250])])
def test_after_a_face_has_passed_its_track_passes_a_little_below_the_limit(gate, hysteresis, sent):
    walk = Walk("every", gate=gate, at_most_every=0.01, hysteresis=hysteresis)
    for brightness in (195, 210, 195, 180, 250):  # scores 76, 82, 76, 71, 98
        walk.frame(brightness)
    walk.finish()
    assert [brightness_of(shot) for shot in walk.sent] == sent


def test_a_track_that_was_cut_has_passed_no_more():
    walk = Walk(gate=GateSettings(threshold=80), hysteresis=10, longest=0.15)
    for brightness in (210, 0, 0, 195):
        walk.frame(brightness)
    walk.finish()
    assert [brightness_of(shot) for shot in walk.sent] == [210]
    assert walk.discarded[Reason.LOW_QUALITY] == 1


def test_a_track_that_was_cut_may_be_sent_at_once():
    waits = {"at_most_every": 60.0, "longest": 0.15}
    walk = Walk("every", **waits)
    walk.frame(200)
    walk.reload("best_shot", **waits)
    for _ in range(3):
        walk.frame(210)
    walk.reload("every", **waits)
    walk.frame(220)
    assert [brightness_of(shot) for shot in walk.sent] == [200, 210, 220]


def test_that_one_has_passed_does_not_help_another():
    walk = Walk("every", gate=GateSettings(threshold=80), at_most_every=0.01, hysteresis=10)
    walk.frame(210, 195)
    walk.frame(210, 195)
    assert [brightness_of(shot) for shot in walk.sent] == [210, 210]


def test_a_track_that_ended_has_passed_no_more():
    walk = Walk("every", gate=GateSettings(threshold=80), hysteresis=10, gap=0.05)
    walk.frame(210)
    walk.frame(None)
    walk.frame(195)
    assert [brightness_of(shot) for shot in walk.sent] == [210]


def test_hysteresis_lets_no_face_pass_that_another_check_discards():
    walk = Walk("every", masks=(polygon("0,0 1,0 1,1 0,1"),), hysteresis=100)
    walk.frame(250)
    assert walk.sent == []


def test_a_track_that_is_good_enough_is_not_scored_any_further():
    walk = Walk(enough=90)
    for _ in range(5):
        walk.frame(250)
    assert walk.pair.batches == [1]


def test_a_track_ends_by_time_alone_when_no_frames_come():
    walk = Walk(gap=1.0)
    walk.frame(250)
    assert walk.gate.pass_time(0.9).forwarded == []
    assert len(walk.gate.pass_time(1.1).forwarded) == 1


def test_faces_of_ended_tracks_are_forwarded_from_a_frame_that_cannot_be_scored(monkeypatch):
    walk = Walk(gap=0.05)
    walk.frame(250)
    monkeypatch.setattr(walk.pair, "assess", refused)
    walk.frame(None, 200)
    assert [brightness_of(shot) for shot in walk.sent] == [250]
    assert walk.discarded == {Reason.ASSESSMENT_FAILED: 1}


def test_the_best_face_so_far_is_sent_early_though_no_frames_come():
    walk = Walk(early_after=0.5, gap=10.0)
    walk.frame(250)
    assert walk.gate.pass_time(0.4).forwarded == []
    assert len(walk.gate.pass_time(0.5).forwarded) == 1


def test_an_outcome_counts_tracklets_before_it_or_now_also_two_of_one_person():
    walk = Walk(search="every", gap=0.25)
    for left, right in [(200, None)] * 2 + [(None, 200)] * 3 + [(None, None)] * 4:
        walk.frame(left, right)
    assert walk.following == [1, 1, 2, 2, 2, 1, 1, 1, 0]
    for left, right in [(200, None), (None, 200)]:
        walk.frame(left, right)
    assert walk.finish().following[-1] == 2


def test_a_gate_says_by_what_it_decides_now():
    walk = Walk(keep=1)
    walk.reload(keep=3)
    assert walk.gate.settings == settings_of(keep=3)


def taken(walk, index):
    """What one frame with one face led to."""
    walk.scene.faces = [upright_face()]
    frame = Frame(np.full((320, 300, 3), 200, np.uint8), "door", index, index * 0.1)
    return walk.gate.take(Captured(frame, 0.0, NOON, clock_synced=True), index * 0.1)


def test_a_frame_says_how_long_each_stage_took_and_scoring_only_where_it_was():
    walk = Walk(enough=0)
    first, good_enough = taken(walk, 0), taken(walk, 1)
    assert first.seconds.keys() == {"detect", "track", "align", "score", "decide"}
    assert good_enough.seconds.keys() == first.seconds.keys() - {"score"}
    assert min(first.seconds.values()) > 0


def test_a_frame_that_could_not_be_scored_says_why(monkeypatch):
    walk = Walk()
    assert taken(walk, 0).failure is None
    monkeypatch.setattr(walk.pair, "assess", refused)
    assert str(taken(walk, 1).failure) == "the accelerator is gone"


def refused(_images):
    raise BackendError("the accelerator is gone")


def test_kept_faces_hold_no_full_frames():
    walk = Walk()
    walk.frame(250)
    walk.finish()
    assert walk.sent[0].assessment.frame.pixels.size == 0


def test_a_track_outlives_a_reload_that_does_not_concern_it():
    walk = Walk()
    walk.frame(200)
    walk.reload()
    assert walk.sent == []
    walk.frame(250)
    walk.finish()
    assert [(brightness_of(one), one.track_id) for one in walk.sent] == [(250, 1)]


def test_what_was_kept_under_other_settings_is_forwarded_at_the_reload_and_nothing_later():
    walk = Walk()
    walk.frame(200)
    walk.reload("best_shot", GateSettings(threshold=90))
    assert [brightness_of(one) for one in walk.sent] == [200]
    walk.frame(210)
    walk.finish()
    assert len(walk.sent) == 1


def test_a_better_face_after_a_reload_is_an_upgrade_of_the_same_track():
    walk = Walk()
    walk.frame(150)
    walk.reload("best_shot", GateSettings(threshold=90))
    walk.frame(250)
    walk.finish()
    assert [(one.track_id, one.revision) for one in walk.sent] == [(1, 0), (1, 1)]


@pytest.mark.parametrize("after", [{"keep": 2}, {"gap": 0.25}, {"upgrade_by": 1}])
def test_somebody_sent_before_a_reload_is_not_sent_again_as_another_track(after):
    walk = Walk()
    walk.frame(200)
    walk.reload(**after)
    walk.frame(200)
    walk.finish()
    assert [one.track_id for one in walk.sent] == [1]
    assert walk.discarded == {Reason.DUPLICATE: 1}


def test_after_a_reload_a_track_is_sent_no_more_often_than_allowed():
    walk = Walk("every", at_most_every=0.25)
    walk.frame(250)
    walk.reload("every", GateSettings(threshold=10), at_most_every=0.25)
    for _ in range(3):
        walk.frame(250)
    assert [shot.captured.frame.index for shot in walk.sent] == [0, 3]


def test_a_track_that_was_good_enough_is_scored_again_once_every_face_counts():
    walk = Walk()
    walk.frame(250)
    walk.reload("every")
    walk.frame(245)
    assert [brightness_of(one) for one in walk.sent] == [250, 245]


def test_tracks_after_a_reload_keep_as_many_faces_as_it_says():
    walk = Walk(duplicate_above=1)
    walk.reload(keep=2, duplicate_above=1)
    for value in (200, 150, 100):
        walk.frame(value)
    walk.finish()
    assert [brightness_of(one) for one in walk.sent] == [200, 150]


def test_tracks_after_a_reload_end_after_the_gap_it_says():
    walk = Walk(gap=1.0)
    walk.reload(gap=0.05)
    walk.frame(200)
    walk.frame(None)
    assert [one.track_id for one in walk.sent] == [1]


def test_faces_sent_before_a_reload_are_alike_by_what_it_says():
    walk = Walk()
    walk.frame(200)
    walk.reload(duplicate_above=1)
    walk.frame(200)
    walk.finish()
    assert [one.track_id for one in walk.sent] == [1, 2]


def test_tracks_after_a_reload_pass_as_far_below_the_limit_as_it_says():
    gate = GateSettings(threshold=80)
    walk = Walk("every", gate=gate, at_most_every=0.01)
    walk.reload("every", gate, at_most_every=0.01, hysteresis=5)
    walk.frame(210)
    walk.frame(195)
    assert [brightness_of(one) for one in walk.sent] == [210, 195]


def test_faces_of_another_pair_are_forgotten_and_their_tracks_end():
    walk = Walk()
    walk.frame(200)
    walk.pair = BrightnessPair()
    walk.pair.pair_id = "another"
    walk.reload()
    walk.frame(200)
    walk.finish()
    assert [one.track_id for one in walk.sent] == [1, 2]


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.none() | st.integers(0, 255), min_size=1, max_size=3), max_size=12),
    st.sampled_from(["best_shot", "every", "observe"]),
    st.sampled_from([None, 0.15, 0.5]),
    st.integers(1, 3),
)
def test_every_face_ends_forwarded_or_counted_under_one_reason(frames, mode, early, keep):
    walk = Walk(mode, early_after=early, keep=keep, gap=0.15, longest=0.45)
    for faces in frames:
        walk.frame(*faces)
        assert len(walk.sent) + sum(walk.discarded.values()) + walk.gate.held == walk.faces
    walk.finish()
    assert len(walk.sent) + sum(walk.discarded.values()) == walk.faces


decided = st.tuples(
    st.sampled_from(["best_shot", "every", "observe"]), st.sampled_from([0, 30, 90])
)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.lists(st.none() | st.integers(0, 255), min_size=1, max_size=2), decided),
        max_size=12,
    ),
    st.integers(1, 3),
)
def test_no_face_is_lost_or_counted_twice_over_reloads(frames, keep):
    walk = Walk(keep=keep, early_after=0.15)
    for faces, (mode, threshold) in frames:
        walk.frame(*faces)
        walk.reload(mode, GateSettings(threshold=threshold), keep=keep, early_after=0.15)
        assert len(walk.sent) + sum(walk.discarded.values()) + walk.gate.held == walk.faces
    walk.finish()
    assert len(walk.sent) + sum(walk.discarded.values()) == walk.faces
    revisions = [(one.track_id, one.revision) for one in walk.sent if one.revision]
    assert len(set(revisions)) == len(revisions)


@pytest.mark.parametrize("mode", ["best_shot", "every"])
def test_raising_the_threshold_never_forwards_a_worse_face(mode):
    walk = Walk(mode, gate=GateSettings(threshold=80), keep=20, at_most_every=0.01)
    for value in (60, 120, 210, 230, 250):
        walk.frame(value)
    walk.finish()
    assert sorted(brightness_of(one) for one in walk.sent) == [210, 230, 250]
