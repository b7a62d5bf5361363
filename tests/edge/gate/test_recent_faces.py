import numpy as np
import pytest

from edge.config.tracks import TrackSettings
from edge.gate.recent_faces import REMEMBERED, RecentFaces

ALICE, BOB = np.eye(2, dtype=np.float32)
SETTINGS = TrackSettings(duplicate_within=300.0, duplicate_above=0.8)


@pytest.fixture
def recent():
    faces = RecentFaces(SETTINGS)
    faces.remember(ALICE, 0.2, 1000.0)
    return faces


@pytest.mark.parametrize(
    ("embedding", "shift", "seen_s", "repeats"),
    [
        (ALICE, 0.2, 1300.0, True),
        (ALICE, 0.3, 1100.0, True),
        (ALICE, 0.19, 1100.0, False),  # a better shot
        (ALICE, 0.3, 1300.1, False),  # long ago
        (BOB, 0.3, 1100.0, False),  # somebody else
    ],
)
def test_a_recent_face_of_the_same_person_repeats_unless_it_is_better(
    recent, embedding, shift, seen_s, repeats
):
    assert recent.repeats(embedding, shift, seen_s) is repeats


def test_only_a_face_more_alike_than_asked_for_repeats():
    """So 1 asks for none, though the comparison score of a face with itself is 1."""
    faces = RecentFaces(TrackSettings(duplicate_above=1))
    faces.remember(ALICE, 0.2, 1000.0)
    assert not faces.repeats(ALICE, 0.2, 1000.0)


def test_memory_is_bounded(recent):
    for _ in range(REMEMBERED - 1):
        recent.remember(BOB, 0.1, 1001.0)
    assert recent.repeats(ALICE, 0.3, 1002.0)
    recent.remember(BOB, 0.1, 1001.0)
    assert not recent.repeats(ALICE, 0.3, 1002.0)
