import json
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.footage.comparison import (
    BEATEN,
    NOT_FOUND,
    NOT_SCORED,
    NOTHING_SENT,
    Compared,
    Comparison,
    compare,
    why_not,
)
from edge.footage.comparison_report import Side, as_json, as_page
from edge.footage.comparison_words import sentences
from edge.footage.rerun import Best, Rerun, Sent, Track
from edge.samples import Box, Frame, Reason

NO_PIXELS = np.empty((0, 0, 3), np.uint8)
BOX = Box(10, 10, 50, 60)
BESIDE = Box(100, 10, 140, 60)
ANN, BEN = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
SAME = 0.7


def sent(index=0, box=BOX, score=50.0, track=1):
    frame = Frame(NO_PIXELS, "a.mp4", index, index / 10)
    return Sent(frame, box, track, 0, score, "in words", b"\xff\xd8")


def track(number, frames, who=ANN, **about):
    """A confirmed track of these frames, of which the first so many faces are sent."""
    box, score = about.get("box", BOX), about.get("score", 50.0)
    reason = about.get("reason", Reason.LOW_QUALITY)
    best = Best(score, reason, f"score {score:.0f}, threshold 58", "a.mp4", b"\xff\xd8", who)
    places = [(("a.mp4", index), box) for index in frames]
    some = [sent(index, box, score, number) for index in list(frames)[: about.get("faces", 0)]]
    return Track(number, True, places, best, some)


def rerun(*tracks, discarded=()):
    faces = [each for one in tracks for each in one.sent]
    known = {one.number: one for one in tracks}
    found = sum(len(one.places) for one in tracks)
    return Rerun(found, faces, Counter(discarded), known)


def sizes(found: Comparison):
    return [len(each) for each in (found.both, found.only_first, found.only_second, found.neither)]


def test_one_man_of_whom_both_send_other_pictures_is_one_man_on_both_sides():
    first = rerun(track(1, range(10), faces=2))
    second = rerun(track(1, range(4), faces=1), track(2, range(4, 10), faces=2))
    assert sizes(compare(first, second, None)) == [1, 0, 0, 0]


def test_who_left_and_came_back_is_known_by_the_face():
    first = rerun(track(1, range(5), faces=1), track(2, range(50, 55)))
    second = rerun(track(1, range(5)), track(2, range(50, 55), faces=1))
    assert sizes(compare(first, second, SAME)) == [1, 0, 0, 0]
    assert sizes(compare(first, second, None)) == [0, 1, 1, 0]


def test_two_much_alike_in_one_frame_are_two():
    tracks = [track(1, range(5), faces=1), track(2, range(5), box=BESIDE, faces=1)]
    assert sizes(compare(rerun(*tracks), rerun(*tracks), SAME)) == [2, 0, 0, 0]


def test_two_people_one_after_the_other_at_one_place_are_two():
    tracks = [track(1, range(5), ANN, faces=1), track(2, range(5, 10), BEN)]
    assert sizes(compare(rerun(*tracks), rerun(*tracks), SAME)) == [1, 0, 0, 1]


def test_a_face_that_tells_little_joins_nobody():
    first = rerun(track(1, range(5), score=10))
    second = rerun(track(1, range(50, 55), score=10))
    assert sizes(compare(first, second, SAME)) == [0, 0, 0, 2]


def test_what_no_second_look_confirmed_is_nobody():
    found = compare(rerun(Track(1, sent=[sent()])), rerun(), SAME)
    assert sizes(found) == [0, 0, 0, 0]
    assert found.unconfirmed == (1, 0)


TRACKS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 9), st.integers(0, 2), st.booleans()), max_size=5
)


def drawn(rows):
    """Each track at a place of its own: nobody stands where another one does."""
    return rerun(
        *(
            track(
                number,
                range(begin, begin + length),
                (ANN, BEN)[who % 2],
                box=Box(60 * number, 10, 60 * number + 40, 60),
                faces=on,
            )
            for number, (begin, length, who, on) in enumerate(rows)
        )
    )


@given(TRACKS, TRACKS)
def test_every_face_sent_is_of_exactly_one_person(first, second):
    one, other = drawn(first), drawn(second)
    found = compare(one, other, SAME)
    people = [*found.both, *found.only_first, *found.only_second, *found.neither]
    for side, whole in enumerate((one, other)):
        told = [id(each) for person in people for each in person.sent()[side]]
        assert sorted(told) == sorted(id(each) for each in whole.sent)


@given(TRACKS)
def test_a_configuration_does_not_differ_from_itself(rows):
    found = compare(drawn(rows), drawn(rows), SAME)
    assert (found.only_first, found.only_second) == ([], [])


def test_the_other_side_says_why_not():
    assert why_not([]) == NOT_FOUND
    assert why_not([Track(1)]) == NOT_SCORED
    assert why_not([track(1, [0])]) == "low_quality: score 50, threshold 58"
    assert why_not([track(1, [0], reason=Reason.FORWARDED)]) == BEATEN
    assert why_not([track(1, [0], reason=Reason.OBSERVED)]) == NOTHING_SENT


def people(both=0, only_a=0, only_b=0, neither=0):
    one = Compared([], [])
    return Comparison([one] * both, [one] * only_a, [one] * only_b, [one] * neither)


@pytest.mark.parametrize(
    ("found", "sent", "total"),
    [
        (people(3, 0, 1), (3, 5), "B is better: 1 person more with a face, B with 2 faces more."),
        (people(3, 2, 1), (5, 4), "B is worse: 1 person fewer with a face, B with 1 face fewer."),
        (
            people(1, 1, 1),
            (2, 2),
            "Neither is better: each reaches 1 person that the other loses, B with as many faces.",
        ),
        (people(2), (2, 3), "Both reach the same people, B with 1 face more."),
        (people(2), (2, 2), "Both reach the same people with as many faces."),
    ],
)
def test_the_total_says_better_or_worse(found, sent, total):
    said = list(sentences(found, ("threshold 58", "threshold 48"), sent))
    assert said[-1] == total
    assert "A (threshold 58) sends" in said[1]


def test_both_reports_hold_every_person_and_load_nothing():
    first = Side(
        "<a>.yaml",
        "pair",
        rerun(
            track(1, range(5), score=60, faces=1),
            track(2, range(5), BEN, box=BESIDE, score=48),
            discarded={Reason.POSE: 2},
        ),
        "threshold 58",
    )
    second = Side(
        "b.yaml",
        "pair",
        rerun(
            track(1, range(5), score=61, faces=1),
            track(2, range(5), BEN, box=BESIDE, score=48, faces=1),
        ),
        "threshold 48",
    )
    found = compare(first.rerun, second.rerun, SAME)
    told = json.loads(as_json(first, second, found))
    assert told["conclusion"][0].startswith("Of 2 people both send a face of 1, A alone of 0")
    [person] = told["only_b"]
    assert person["a"] == {
        "tracks": [2],
        "best": 48,
        "sent": [],
        "why_not": "low_quality: score 48, threshold 58",
    }
    assert [face["score"] for face in person["b"]["sent"]] == [48]
    assert told["a"]["discarded"] == {"pose": 2}
    text = as_page(first, second, found)
    assert text.count("data:image/jpeg") == 2
    assert "B is better: 1 person more with a face" in text
    assert re.findall(r"https?:|<script|<a>|@import|url\(", text) == []
