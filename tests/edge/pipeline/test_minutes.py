from collections import Counter
from itertools import count

from edge.pipeline.ledger import Counts, Ledger
from edge.pipeline.minutes import Minutes


def ledger(name="door", looked_at=0, forwarded=0, **discarded):
    counts = Counts(looked_at=looked_at, forwarded=forwarded, discarded=Counter(discarded))
    return Ledger(name, frames=looked_at, counts=counts, held=0)


def test_a_minute_is_told_once():
    minutes = Minutes(count(step=25.0).__next__)
    assert [minutes.is_due() for _ in range(7)] == [False, False, True, False, False, True, False]


def test_the_line_names_what_was_discarded_and_why():
    words = Minutes().words([ledger(looked_at=290, forwarded=2, too_small=16, low_quality=20)])
    assert words == (
        "door 290 frames, 38 faces: 2 forwarded, 36 discarded (low_quality 20, too_small 16)"
    )


def test_each_minute_counts_from_the_one_before():
    minutes = Minutes()
    minutes.words([ledger(looked_at=290, forwarded=2, too_small=16)])
    words = minutes.words([ledger(looked_at=291, forwarded=2, too_small=17), ledger("yard")])
    door, yard = words.split("; ")
    assert door == "door 1 frame, 1 face: 0 forwarded, 1 discarded (too_small 1)"
    assert yard == "yard 0 frames, no face"


def test_frames_count_as_looked_at_that_were_searched_where_faces_were_expected():
    counts = Counts(looked_at=200, followed=90, rested=10)
    assert Minutes().words([Ledger("door", 300, counts, 0)]) == "door 290 frames, no face"
