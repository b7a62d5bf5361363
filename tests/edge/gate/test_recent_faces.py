import numpy as np
import pytest

from edge.config.tracks import TrackSettings
from edge.gate.recent_faces import REMEMBERED, Forwarded, RecentFaces

ALICE, BOB = np.eye(2, dtype=np.float32)
FIRST = Forwarded(1, ALICE, 1000.0, 0.2)


def face(embedding=ALICE, seen_s=1100.0, track=2):
    return Forwarded(track, embedding, seen_s, 0.3)


@pytest.fixture
def recent():
    faces = RecentFaces(TrackSettings(duplicate_within=300.0))
    faces.remember(FIRST)
    return faces


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        (face(seen_s=1300.0), True),
        (face(seen_s=1300.1), False),  # long ago
        (face(BOB), False),  # somebody else
    ],
)
def test_a_face_like_one_sent_recently_is_known_again(recent, asked, known):
    assert recent.like(asked, 0.8) is (FIRST if known else None)


def test_the_best_of_what_was_sent_is_what_a_face_is_held_against(recent):
    better = Forwarded(1, ALICE, 1001.0, 0.1)
    recent.remember(better)
    assert recent.like(face(), 0.8) is better


def test_people_who_were_seen_side_by_side_are_two_however_alike_they_look(recent):
    assert recent.like(face(), 0.8, lambda one, other: (one, other) == (1, 2)) is None


def test_only_a_face_more_alike_than_asked_for_repeats(recent):
    """So 1 asks for none, though the comparison score of a face with itself is 1."""
    assert recent.like(face(), 1.0) is None


def test_a_face_is_held_against_what_was_sent_of_its_own_track(recent):
    recent.remember(Forwarded(2, BOB, 1001.0, 0.1))
    assert recent.likeness(face(track=1)) == 1.0
    assert recent.likeness(face(track=2)) == 0.0
    assert recent.likeness(face(track=3)) is None


def test_memory_is_bounded(recent):
    for _ in range(REMEMBERED - 1):
        recent.remember(face(BOB))
    assert recent.like(face(), 0.8) is FIRST
    recent.remember(face(BOB))
    assert recent.like(face(), 0.8) is None
