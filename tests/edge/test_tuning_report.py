import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.observed import Observed, ObservedFace, footage_of
from edge.samples import Reason
from edge.svg_chart import round_top
from edge.tuning import Goal, steps_of, suggest
from edge.tuning_found import Tuning, conclusion
from edge.tuning_report import report
from edge.tuning_sheets import BESIDE, sheets, varied

GOAL = Goal("forward_rate", 0.3)


def face(score=50.0, track=0, reason=Reason.LOW_QUALITY, file="a.mp4"):
    return ObservedFace(file, "0.00 s #0", 0.0, track, score, reason, "in words", b"\xff\xd8")


def tuning(scores, reasons=()):
    faces = [face(float(score), track) for track, score in enumerate(scores)]
    faces += [face(10.0, len(scores) + n, reason) for n, reason in enumerate(reasons)]
    observed = Observed(faces, frames=len(faces), video_s=60.0)
    footage = footage_of(observed)
    return Tuning("door", "gate.threshold", observed, 30.0, None, steps_of(footage, GOAL), "p", ())


def suggested(given):
    found = suggest(footage_of(given.observed), GOAL, np.random.default_rng(0))
    return replace(given, goal=GOAL, suggestion=found)


@given(st.lists(st.floats(0, 100), max_size=60), st.floats(0, 100))
def test_each_side_of_the_threshold_holds_the_faces_nearest_to_it(scores, threshold):
    faces = [face(score, track) for track, score in enumerate(scores)]
    found = sheets(faces, threshold)
    above = sorted(score for score in scores if score >= threshold)
    below = sorted((score for score in scores if score < threshold), reverse=True)
    assert [each.score for each in found.forwarded] == above[:BESIDE]
    assert [each.score for each in found.discarded] == below[:BESIDE]


def test_faces_of_many_tracks_come_before_more_of_the_same_one():
    faces = [face(track=track) for track in (0, 0, 0, 1, 2)]
    assert [each.track for each in varied(faces, 3)] == [0, 1, 2]
    assert [each.track for each in varied(faces, 4)] == [0, 1, 2, 0]


def test_a_face_that_no_threshold_can_forward_stands_under_its_reason_only():
    found = sheets([face(90.0, 0, Reason.POSE), face(80.0, 1)], 50.0)
    assert [each.score for each in found.forwarded] == [80.0]
    assert [(reason, count) for reason, count, _ in found.reasons] == [(Reason.POSE, 1)]


def test_the_report_loads_nothing_and_runs_nothing():
    text = report(suggested(tuning(range(60), [Reason.POSE, Reason.TOO_SMALL])))
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href)=\"(?!data:image/jpeg)", text) == []
    assert re.findall(r"https?:|//[a-z]|<script|@import|url\(", text) == []


def test_names_from_outside_are_escaped():
    given = replace(tuning([]), camera="<b>", facts=[("footage", "<script>")])
    given.observed.faces.append(face(file="<img src=x>"))
    text = report(given)
    assert "<script" not in text
    assert "<img src=x>" not in text
    assert "&lt;img src=x&gt;" in text


def test_footage_without_a_face_still_makes_a_report():
    assert "<svg" in report(tuning([]))


def test_the_conclusion_names_threshold_interval_and_what_to_expect():
    lines = conclusion(suggested(tuning(np.linspace(0, 99, 100))))
    assert re.fullmatch(
        r"gate\.threshold: 70 \(95 % interval \d+(\.\d)? to \d+(\.\d)?\) comes closest to 30 % of "
        r"all faces forwarded\.",
        lines[0],
    )
    assert lines[1].startswith("Here it gives 30 % of all faces forwarded; expect ")
    assert len(lines) == 2


def test_the_reader_is_warned_of_a_goal_out_of_reach():
    given = tuning(range(60), [Reason.POSE] * 600)
    lines = conclusion(suggested(given))
    assert "pre-checks discard 600 of 660 faces" in lines[-1]


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (1.1, 2), (21, 50), (501, 1000)])
def test_an_axis_ends_at_a_round_number(value, top):
    assert round_top(value) == top


def test_a_refusal_says_why_there_is_no_suggestion():
    given = replace(tuning([50.0]), refusal="only 1 face")
    assert conclusion(given) == ["No suggestion: only 1 face."]
