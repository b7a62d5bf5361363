import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.footage.faces import Observed, ObservedFace
from edge.reports.svg_chart import round_step, round_top
from edge.samples import Reason
from edge.tuning.outcome import Tuning, conclusion, footage_of
from edge.tuning.report import report
from edge.tuning.sheets import BESIDE, NEAR, distinct, sheets
from edge.tuning.steps import Goal, Steps, steps_of
from edge.tuning.threshold import suggest

GOAL = Goal("forward_rate", 0.3)


def face(score=50.0, track=0, reason=Reason.LOW_QUALITY, file="a.mp4"):
    return ObservedFace(file, "0.00 s #0", 0.0, track, score, reason, "in words", b"\xff\xd8")


def tuning(scores, reasons=()):
    faces = [face(float(score), track) for track, score in enumerate(scores)]
    faces += [face(10.0, len(scores) + n, reason) for n, reason in enumerate(reasons)]
    people = frozenset(face.track for face in faces)
    observed = Observed(faces, frames=len(faces), video_s=60.0, confirmed=people)
    footage = footage_of(observed)
    return Tuning("door", "gate.threshold", observed, 30.0, None, steps_of(footage, GOAL), "p", ())


def suggested(given):
    found = suggest(footage_of(given.observed), GOAL, np.random.default_rng(0))
    return replace(given, goal=GOAL, suggestion=found)


@given(st.lists(st.floats(0, 100), max_size=60), st.floats(0, 100))
def test_each_side_of_the_threshold_holds_the_faces_nearest_to_it(scores, threshold):
    faces = [face(score, track) for track, score in enumerate(scores)]
    found = sheets(faces, threshold)
    above = sorted(score for score in scores if threshold <= score <= threshold + NEAR)
    below = sorted(score for score in scores if threshold - NEAR <= score < threshold)[::-1]
    assert [each.score for each in found.forwarded] == above[:BESIDE]
    assert [each.score for each in found.discarded] == below[:BESIDE]


def test_a_sheet_shows_each_track_once():
    faces = [face(50 + n, track) for n, track in enumerate((0, 0, 0, 1, 2))]
    found = sheets(faces, 50.0)
    assert [(each.track, each.score) for each in found.forwarded] == [(0, 50), (1, 53), (2, 54)]
    assert [each.track for each in found.best] == [2, 1, 0]
    assert [each.track for each in distinct(faces, 2)] == [0, 1]


def test_a_face_far_from_the_threshold_is_not_beside_it():
    found = sheets([face(50.0), face(99.0, track=1)], 50.0)
    assert [each.score for each in found.forwarded] == [50.0]


def test_a_face_that_no_threshold_can_forward_stands_under_its_reason_only():
    found = sheets([face(60.0, 0, Reason.POSE), face(55.0, 1)], 50.0)
    assert [each.score for each in found.forwarded] == [55.0]
    assert [(reason, count) for reason, count, _ in found.reasons] == [(Reason.POSE, 1)]


def test_the_report_loads_nothing_and_runs_nothing():
    text = report(suggested(tuning(range(60), [Reason.POSE, Reason.TOO_SMALL])))
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href)=\"(?!data:image/jpeg)", text) == []
    assert re.findall(r"https?:|//[a-z]|<script|@import|url\(", text) == []


def charts(given):
    return re.findall(r'aria-label="([^"]*)"', report(given))


def test_whatever_the_goal_the_forward_rate_is_drawn():
    given = tuning(range(60))
    looked = ["Histogram of quality scores", "Forward rate of each threshold", "Faces over time"]
    assert charts(given) == looked
    per_minute = replace(given, goal=Goal("per_minute", 6.0))
    assert charts(per_minute) == [looked[0], "What each threshold gives", *looked[1:]]


def test_labelled_pairs_are_drawn_as_error_versus_discard_too():
    steps = Steps(np.array([10.0, 40.0]), np.array([0.2, 0.0]), np.array([0.0, 0.5]))
    given = replace(tuning(range(60)), goal=Goal("fnmr", 0.1), steps=steps)
    assert "Error versus discard" in charts(given)
    # 20 % of errors up to 50 % discarded (half of the width), none from there on.
    assert '<path class="curve" d="M46.0 22.0H218.0V192.0H390.0"/>' in report(given)


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
        r"all faces good enough\.",
        lines[0],
    )
    assert lines[1].startswith("Here it gives 30 % of all faces good enough; on other footage ")
    assert lines[2].startswith("At 70, 70 of 100 people get no face")
    assert len(lines) == 3


def few(time_s, video_s):
    """Return what nine faces say of marked ones: a goal that asks for no number of people."""
    faces = [replace(face(50.0 + n, n), time_s=time_s) for n in range(9)]
    observed = Observed(faces, frames=9, video_s=video_s, confirmed=frozenset(range(9)))
    given = replace(suggested(tuning(range(60))), observed=observed, goal=Goal("marks", 1.0))
    return conclusion(given)[-1], report(given)


def test_few_people_are_asked_for_by_what_there_is_of_them():
    intervals = "the true intervals are wider."
    said, shown = few(0.0, 60.0)
    assert said == f"Only 9 people walked by: {intervals} Record longer."
    assert "9 tracks that a second look confirmed" in shown
    said, shown = few(None, 0.0)
    assert said == f"Only 9 faces were scored: {intervals} Give more photographs, or video."
    assert "second look" not in shown


def test_the_conclusion_says_what_run_would_forward():
    given = replace(suggested(tuning(np.linspace(0, 99, 100))), forwarded=12)
    assert conclusion(given)[3] == "By the threshold 70 run forwards 12 faces of this footage."
    looked = replace(tuning([50.0]), forwarded=1)
    assert conclusion(looked)[2] == "By the threshold 30 run forwards 1 face of this footage."


def test_a_promise_of_some_of_the_frames_says_that_run_looks_at_all():
    said = conclusion(replace(tuning([50.0]), forwarded=1, every=5))
    assert said[2] == (
        "By the threshold 30 run forwards 1 face of this footage, more or less: it looks at each "
        "frame, and --every 5 did not."
    )


def test_where_a_shift_decides_no_threshold_is_told_as_in_effect():
    said = conclusion(replace(tuning([50.0]), current=None))
    assert said[0].startswith("Here gate.shift_at_most decides, and no threshold. Ask for")
    assert not any("threshold 0" in words or "At 0" in words for words in said)


def test_of_footage_that_is_left_out_whole_nothing_is_promised():
    said = conclusion(replace(tuning([]), forwarded=0, left_out=["544 frames in another mode"]))
    assert said == ["There was no frame to look at.", "Left out: 544 frames in another mode."]


def test_of_footage_that_could_not_be_read_nothing_is_promised():
    assert conclusion(replace(tuning([]), forwarded=0)) == ["There was no frame to look at."]


@pytest.mark.parametrize(("floor", "said"), [(20.0, True), (100.0, False)])
def test_more_faces_than_asked_for_are_explained_by_people_below_the_threshold(floor, said):
    given = suggested(tuning(range(60)))
    assert given.suggestion is not None
    many = replace(given.suggestion, achieved=26.5)
    given = replace(given, goal=Goal("per_minute", 8.0), suggestion=many, floor=floor)
    assert ("tracks.at_least_one_above (20)" in conclusion(given)[-1]) == said


def test_the_reader_is_warned_of_a_goal_out_of_reach():
    given = tuning(range(60), [Reason.POSE] * 600)
    lines = conclusion(suggested(given))
    assert "pre-checks discard 600 of 660 faces" in lines[-1]


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (1.1, 2), (21, 30), (801, 1000)])
def test_an_axis_ends_at_a_round_number(value, top):
    assert round_top(value) == top


@pytest.mark.parametrize(("length", "step"), [(100, 20), (25, 5), (26, 10), (0.5, 0.1), (1, 0.2)])
def test_an_axis_is_divided_at_round_numbers(length, step):
    assert round_step(length) == pytest.approx(step)


def test_a_refusal_says_why_there_is_no_suggestion():
    given = replace(tuning([50.0]), refusal="only 1 face")
    assert conclusion(given)[0] == "No suggestion: only 1 face."
