from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.tracks import TrackSettings
from edge.gate.best_shot import BestShots, Shot
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


def test_a_track_without_a_good_face_forwards_nothing():
    assert BestShots(TrackSettings()).end(1).to_send == ()


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
