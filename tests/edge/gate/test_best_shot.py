from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.tracks import TrackSettings
from edge.gate.best_shot import REMEMBERED, BestShots, Ended, Shot
from edge.samples import Assessment, Captured, Frame, QualityScore, Reason, Verdict
from tests.edge.canned import upright_face

FRAME = Frame(np.zeros((4, 4, 3), np.uint8), "door", 0, 0.0)


def good(score, eyes=40.0):
    quality = QualityScore(2 - score / 50, score / 100, score)
    return Assessment(
        FRAME,
        0,
        upright_face(),
        eyes,
        quality,
        None,
        None,
        Verdict(forward=True, reason=Reason.FORWARDED),
        "",
        "p",
    )


def shot_of(track_id, assessment):
    moment = Captured(FRAME, 0.0, datetime(2026, 1, 1, tzinfo=timezone.utc), clock_synced=True)
    return Shot(assessment, moment, track_id)


def scores(shots):
    return [shot.assessment.quality.score for shot in shots]


def numbers(shots):
    """Return revision, and which one it replaces, of each face."""
    return [(shot.revision, shot.replaces) for shot in shots]


scored = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 1000).map(lambda tenths: tenths / 10)), max_size=30
)


@given(scored, st.integers(1, 4))
def test_at_its_end_a_track_forwards_its_best_faces_and_no_others(offers, keep):
    shots = BestShots(TrackSettings(keep=keep))
    for step, (track_id, score) in enumerate(offers):
        shots.offer(shot_of(track_id, good(score)), step * 0.1)
    for track_id in (1, 2, 3):
        of_track = sorted((score for one, score in offers if one == track_id), reverse=True)
        assert scores(shots.end(track_id).to_send) == of_track[:keep]


@given(scored)
def test_faces_sent_of_a_track_only_get_better_and_are_numbered(offers):
    shots = BestShots(TrackSettings(early_after=0.3, upgrade_by=5))
    sent: dict[int, list[Shot]] = {1: [], 2: [], 3: []}
    for step, (track_id, score) in enumerate(offers):
        shots.offer(shot_of(track_id, good(score)), step * 0.1)
        for shot in shots.early(step * 0.1):
            sent[shot.track_id].append(shot)
    for track_id, early in sent.items():
        of_track = [*early, *shots.end(track_id).to_send]
        gains = np.diff(scores(of_track))
        assert (gains >= 5 - 1e-9).all()
        assert [shot.revision for shot in of_track] == list(range(len(of_track)))
        offered = [score for one, score in offers if one == track_id]
        if offered:
            assert max(offered) - max(scores(of_track)) < 5 + 1e-9


def test_a_discarded_face_cannot_be_offered():
    face = good(80)
    refused = Assessment(
        **{name: getattr(face, name) for name in face.__slots__ if name != "verdict"},
        verdict=Verdict(forward=False, reason=Reason.LOW_QUALITY),
    )
    with pytest.raises(ValueError, match="discarded face"):
        BestShots(TrackSettings()).offer(shot_of(1, refused), 0.0)


@pytest.mark.parametrize(
    ("kept_score", "eyes", "could"),
    [
        (50, 40, True),
        (50, 20, False),
        (50, 24, True),
        (50, 23.9, False),
        (94.9, 80, True),
        (95, 80, False),
        (96, 80, False),
        (None, 5, True),
    ],
)
def test_only_faces_that_could_win_are_scored(kept_score, eyes, could):
    shots = BestShots(TrackSettings())
    if kept_score is not None:
        shots.offer(shot_of(1, good(kept_score)), 0.0)
    assert shots.could_win(1, eyes) is could


def test_a_track_that_never_ends_is_overdue():
    shots = BestShots(TrackSettings(longest=60))
    shots.offer(shot_of(7, good(50)), 100.0)
    assert (shots.overdue(160.0), shots.overdue(160.1)) == ([], [7])


def test_a_track_without_a_good_face_forwards_nothing_and_repeats_nobody():
    assert BestShots(TrackSettings()).end(1) == Ended((), beaten=0, is_repeat=False)


def test_without_a_time_for_it_nothing_is_sent_early():
    shots = BestShots(TrackSettings(early_after=None))
    shots.offer(shot_of(1, good(90)), 0.0)
    assert shots.early(1000.0) == []


def test_faces_that_are_kept_side_by_side_replace_none_of_each_other():
    shots = BestShots(TrackSettings(keep=2))
    for score in (50, 60):
        shots.offer(shot_of(1, good(score)), 0.0)
    assert numbers(shots.end(1).to_send) == [(0, None), (1, None)]


def test_at_its_end_a_track_replaces_what_was_sent_early_by_a_better_face():
    shots = BestShots(TrackSettings(early_after=0.1, keep=2))
    shots.offer(shot_of(1, good(50)), 0.0)
    assert numbers(shots.early(0.1)) == [(0, None)]
    shots.offer(shot_of(1, good(80)), 0.2)
    sent = shots.end(1).to_send
    assert (scores(sent), numbers(sent)) == ([80], [(1, 0)])


@pytest.mark.parametrize("order", [(50, 70), (70, 50)])
def test_a_better_face_replaces_the_best_of_those_sent_before(order):
    shots = BestShots(TrackSettings(keep=2))
    for score in order:
        shots.offer(shot_of(1, good(score)), 0.0)
    first = shots.end(1).to_send
    best = next(shot.revision for shot in first if scores([shot]) == [70])
    shots.offer(shot_of(1, good(90)), 1.0)
    assert numbers(shots.end(1).to_send) == [(2, best)]


def test_a_face_that_was_sent_is_not_counted_again_when_a_better_one_takes_its_place():
    shots = BestShots(TrackSettings(early_after=0.1))
    shots.offer(shot_of(1, good(50)), 0.0)
    shots.early(0.1)
    assert shots.offer(shot_of(1, good(60)), 0.2) is None
    beaten = shot_of(1, good(55))
    assert shots.offer(beaten, 0.3) is beaten


def test_without_a_least_gain_a_face_is_still_not_sent_twice():
    shots = BestShots(TrackSettings(early_after=0.1, upgrade_by=0))
    shots.offer(shot_of(1, good(50)), 0.0)
    assert scores(shots.early(0.1)) == [50]
    assert shots.early(0.2) == []
    shots.offer(shot_of(1, good(50)), 0.3)
    assert shots.early(0.3) == []
    assert shots.end(1).to_send == ()


def test_nothing_is_sent_before_its_time():
    shots = BestShots(TrackSettings(early_after=0.5))
    shots.offer(shot_of(1, good(50)), 10.0)
    assert shots.early(10.4) == []
    assert scores(shots.early(10.5)) == [50]


@pytest.mark.parametrize(
    ("upgrade_by", "better", "follows"),
    [(10, 60, True), (10, 59.9, False), (0, 50.5, True), (0, 50, False)],
)
def test_a_better_face_follows_from_the_least_gain_on(upgrade_by, better, follows):
    shots = BestShots(TrackSettings(early_after=0.1, upgrade_by=upgrade_by))
    shots.offer(shot_of(1, good(50)), 0.0)
    shots.early(0.1)
    shots.offer(shot_of(1, good(better)), 0.2)
    assert bool(shots.early(0.2)) is follows


def test_a_face_without_a_quality_cannot_be_offered():
    with pytest.raises(ValueError, match="discarded face"):
        BestShots(TrackSettings()).offer(shot_of(1, replace(good(80), quality=None)), 0.0)


def test_while_a_track_has_room_every_face_is_scored():
    shots = BestShots(TrackSettings(keep=2))
    shots.offer(shot_of(1, good(99)), 0.0)
    assert shots.could_win(1, 5)
    shots.offer(shot_of(1, good(98)), 0.1)
    assert not shots.could_win(1, 80)


def test_who_comes_back_is_known_by_what_was_sent_for_a_while_after_the_newest_face():
    shots = BestShots(TrackSettings(duplicate_within=5))
    shots.offer(shot_of(1, good(50)), 100.0)
    shots.offer(shot_of(1, good(60)), 110.0)
    shots.end(1)
    assert [shots.has_face(1, at_s) for at_s in (115.0, 115.1)] == [True, False]


def test_where_nobody_is_known_again_nobody_has_been_sent():
    shots = BestShots(TrackSettings(duplicate_above=1))
    shots.offer(shot_of(1, good(50)), 100.0)
    assert shots.has_face(1, 100.0)
    shots.end(1)
    assert not shots.has_face(1, 100.0)


def test_what_was_sent_of_so_many_tracks_is_remembered_until_told_to_forget():
    shots = BestShots(TrackSettings())
    for track_id in range(1, REMEMBERED + 2):
        shots.offer(shot_of(track_id, good(50)), 0.0)
        shots.end(track_id)
    assert [shots.has_face(track_id, 0.0) for track_id in (1, 2, REMEMBERED + 1)] == [
        False,
        True,
        True,
    ]
    shots.forget()
    assert not shots.has_face(2, 0.0)


def test_faces_that_are_not_sent_of_who_comes_back_are_repeats():
    shots = BestShots(TrackSettings())
    ends = []
    for score in (50, 51):
        shots.offer(shot_of(1, good(score)), 0.0)
        ends.append(shots.end(1))
    assert [(len(end.to_send), end.beaten, end.is_repeat) for end in ends] == [
        (1, 0, False),
        (0, 1, True),
    ]


@pytest.mark.parametrize(
    ("settings", "repeats"),
    [
        ({"duplicate_within": 5}, True),
        ({"duplicate_within": 4.9}, False),
        ({"duplicate_within": 5, "duplicate_above": 0.9}, True),
        ({"duplicate_within": 5, "duplicate_above": 1}, False),
    ],
)
def test_who_comes_back_is_sent_anew_when_the_earlier_stay_no_longer_counts(settings, repeats):
    shots = BestShots(TrackSettings(**settings))
    shots.offer(shot_of(1, good(50)), 0.0)
    shots.end(1)
    shots.offer(shot_of(1, good(51)), 5.0)
    ended = shots.end(1)
    assert (numbers(ended.to_send), ended.is_repeat) == ([] if repeats else [(0, None)], repeats)


def test_once_a_better_face_of_who_comes_back_was_sent_others_of_the_stay_repeat_nothing():
    shots = BestShots(TrackSettings(early_after=0.1, keep=2))
    shots.offer(shot_of(1, good(50)), 0.0)
    shots.end(1)
    for score in (80, 70):
        shots.offer(shot_of(1, good(score)), 1.0)
    assert numbers(shots.early(1.1)) == [(1, 0)]
    assert shots.end(1) == Ended((), beaten=1, is_repeat=False)


def test_a_track_that_is_nobodys_sends_nothing():
    shots = BestShots(TrackSettings(keep=2))
    for score in (50, 60):
        shots.offer(shot_of(1, good(score)), 0.0)
    assert (shots.held, shots.drop(1), shots.drop(1), shots.held) == (2, 2, 0, 0)
    assert shots.end(1) == Ended((), 0)


def test_faces_of_two_tracks_of_one_person_compete():
    shots = BestShots(TrackSettings())
    for track_id, score in ((1, 50), (2, 60), (3, 40)):
        shots.offer(shot_of(track_id, good(score)), 0.0)
    assert [shots.join(track_id, 1, 0.1) for track_id in (2, 3, 4)] == [1, 1, 0]
    (sent,) = shots.end(1).to_send
    assert (sent.track_id, scores([sent])) == (1, [60])


def test_what_would_be_sent_now_is_sent_though_the_tracks_go_on():
    shots = BestShots(TrackSettings())
    for track_id, score in ((1, 50), (2, 60)):
        shots.offer(shot_of(track_id, good(score)), 0.0)
    assert scores(shots.send_all()) == [50, 60]
    assert (shots.send_all(), shots.held) == ([], 0)


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_much_better_face_follows_under_an_earlier_track_of_its_person(has_ended):
    shots = BestShots(TrackSettings(early_after=0.1))
    shots.offer(shot_of(1, good(50)), 0.0)
    better, hardly = (shot_of(2, good(score)) for score in (60, 59))
    assert shots.follow(better, 1) is None  # nothing was sent yet
    assert shots.follow(better, 99) is None  # nothing is known of that one
    shots.early(0.1)
    if has_ended:
        shots.end(1)
    assert shots.follow(hardly, 1) is None
    sent = shots.follow(better, 1)
    assert sent is not None
    assert (sent.track_id, sent.revision, sent.replaces) == (1, 1, 0)
    assert shots.follow(better, 1) is None  # it is there
