import json
import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.footage.comparison import (
    BEATEN,
    NOT_FOUND,
    NOT_SCORED,
    NOTHING_SENT,
    compare,
    iou,
    why_not,
)
from edge.footage.comparison_report import Side, as_json, as_page
from edge.footage.rerun import Decided, Rerun, Sent
from edge.samples import Box, Frame, Reason, Verdict

NO_PIXELS = np.empty((0, 0, 3), np.uint8)
BOX = Box(10, 10, 50, 60)
BESIDE = Box(100, 10, 140, 60)


def sent(index=0, box=BOX, score=50.0, source="a.mp4"):
    frame = Frame(NO_PIXELS, source, index, index / 10)
    return Sent(frame, box, 1, 0, score, "in words", b"\xff\xd8")


def rerun(*faces, decided=(), discarded=()):
    return Rerun(len(faces), list(faces), Counter(discarded), {("a.mp4", 0): list(decided)})


def decided(reason, box=BOX):
    return Decided(box, Verdict(reason is Reason.FORWARDED, reason), "score 40, threshold 50")


BOXES = st.sampled_from([BOX, BESIDE, Box(11, 11, 51, 61), Box(200, 10, 240, 60)])
FACES = st.builds(sent, st.integers(0, 3), BOXES)


@given(st.lists(FACES, max_size=8), st.lists(FACES, max_size=8))
def test_every_forwarded_face_is_in_exactly_one_place(first, second):
    found = compare(rerun(*first), rerun(*second))
    assert len(found.only_first) + len(found.both) == len(first)
    assert len(found.only_second) + len(found.both) == len(second)
    placed = [each.sent for each in found.only_second] + [other for _, other in found.both]
    assert {id(each) for each in placed} == {id(each) for each in second}


@given(st.lists(FACES, max_size=8))
def test_a_configuration_does_not_differ_from_itself(faces):
    found = compare(rerun(*faces), rerun(*faces))
    assert (found.only_first, found.only_second) == ([], [])


def test_faces_of_different_frames_or_places_are_not_the_same():
    assert not compare(rerun(sent(0)), rerun(sent(1))).both
    assert not compare(rerun(sent(0)), rerun(sent(0, BESIDE))).both


def test_the_other_side_says_why_not():
    face = sent()
    assert why_not(face, rerun()) == NOT_FOUND
    assert why_not(face, rerun(discarded={Reason.NOT_BEST: 1})) == NOT_SCORED
    assert why_not(face, rerun(decided=[decided(Reason.FORWARDED)])) == BEATEN
    low = rerun(decided=[decided(Reason.FORWARDED, BESIDE), decided(Reason.LOW_QUALITY)])
    assert why_not(face, low) == "low_quality: score 40, threshold 50"
    observed = rerun(decided=[decided(Reason.FORWARDED)], discarded={Reason.OBSERVED: 1})
    assert why_not(face, observed) == NOTHING_SENT


def test_half_a_box_overlaps_by_half():
    assert iou(Box(0, 0, 10, 10), Box(0, 0, 10, 5)) == 0.5
    assert iou(Box(0, 0, 10, 10), Box(10, 0, 20, 10)) == 0


def test_both_reports_hold_every_face_and_load_nothing():
    first = Side("<a>.yaml", "pair", rerun(sent(0), sent(1), discarded={Reason.POSE: 2}))
    second = Side("b.yaml", "pair", rerun(sent(1, score=51)))
    found = compare(first.rerun, second.rerun)
    told = json.loads(as_json(first, second, found))
    assert [face["frame"] for face in told["only_a"]] == [0]
    assert [(face["score"], face["score_b"]) for face in told["both"]] == [(50, 51)]
    assert told["a"]["discarded"] == {"pose": 2}
    text = as_page(first, second, found)
    assert text.count("data:image/jpeg") == 2
    assert re.findall(r"https?:|<script|<a>|@import|url\(", text) == []
