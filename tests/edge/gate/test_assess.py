from typing import cast

import numpy as np
import pytest

from edge.config.model import GateSettings
from edge.gate.assess import assess_frame
from edge.samples import DetectedFace, Reason
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, CannedDetector, frame_of, upright_face

GATE = GateSettings(threshold=50)


def frame_with(*brightness):
    """300 pixels of each grey, side by side."""
    columns = np.repeat(np.array(brightness, np.uint8), 300)
    return frame_of(
        np.ascontiguousarray(np.broadcast_to(columns[None, :, None], (320, len(columns), 3)))
    )


def assessed(frame, faces, gate=GATE, pair=None, **options):
    scorer = cast("EnginePair", pair or BrightnessPair())
    return assess_frame(frame, CannedDetector(faces), scorer, gate, **options)


def test_faces_are_decided_by_their_own_score():
    frame = frame_with(250, 20)
    bright, dark = assessed(frame, [upright_face(80), upright_face(380)])
    assert (bright.verdict.reason, dark.verdict.reason) == (Reason.FORWARDED, Reason.LOW_QUALITY)
    assert "threshold 50" in dark.detail


def test_a_face_that_a_precheck_discards_never_reaches_the_networks():
    pair = BrightnessPair()
    tiny = upright_face(scale=0.2)
    (only,) = assessed(frame_with(250), [tiny], pair=pair)
    assert (only.verdict.reason, only.quality, pair.batches) == (Reason.TOO_SMALL, None, [])


def test_a_report_scores_discarded_faces_too_and_keeps_their_verdict():
    (only,) = assessed(frame_with(250), [upright_face(scale=0.2)], score_discarded=True)
    assert only.verdict.reason is Reason.TOO_SMALL
    assert only.quality is not None
    assert only.quality.score > 90


def test_components_of_scored_faces_are_measured_where_the_settings_say_so():
    frame, wanted = frame_with(250, 20), GateSettings(threshold=50, components=True)
    bright, dark = assessed(frame, [upright_face(80), upright_face(380)], wanted)
    assert bright.components is not None
    assert dark.components is not None  # discarded: here one wants to know why
    mean = [each.components["luminance_mean"].value for each in (bright, dark)]
    assert mean == pytest.approx([0.957, 0.007], abs=0.01)  # of 250 and 20 in linear light
    (tiny,) = assessed(frame, [upright_face(scale=0.2)], wanted)
    (plain,) = assessed(frame, [upright_face(80)])
    assert (tiny.components, plain.components) == (None, None)


def test_dark_and_white_faces_are_discarded_unscored_where_the_settings_say_so():
    faces, pair = [upright_face(80), upright_face(380)], BrightnessPair()
    strict = GateSettings(threshold=0, max_dark=0.9, max_light=0.3)
    white, dark = assessed(frame_with(255, 20), faces, strict, pair)
    assert (white.verdict.reason, dark.verdict.reason) == (Reason.OVEREXPOSED, Reason.TOO_DARK)
    assert pair.batches == []
    assert "100% of the face is white" in white.detail
    lit, _ = assessed(frame_with(128, 20), faces, strict)
    assert lit.verdict.reason is Reason.FORWARDED
    assert all(
        each.verdict.forward
        for each in assessed(frame_with(255, 20), faces, GateSettings(threshold=0))
    )


def test_the_faces_of_a_frame_are_scored_in_one_batch():
    pair = BrightnessPair()
    assessed(frame_with(250, 250), [upright_face(80), upright_face(380)], pair=pair)
    assert pair.batches == [2]


def test_one_face_without_an_embedding_does_not_take_the_others_with_it():
    good, black = assessed(frame_with(250, 0), [upright_face(80), upright_face(400)])
    assert good.verdict.reason is Reason.FORWARDED
    assert black.verdict.reason is Reason.ASSESSMENT_FAILED
    assert black.quality is None


def test_landmarks_that_span_no_face_are_a_pose_not_a_crash():
    point = np.full((5, 2), 150, np.float32)
    flat = DetectedFace(upright_face().box, point, 0.99)
    gate = GateSettings(min_inter_eye_distance=0)
    (only,) = assessed(frame_with(250), [flat], gate=gate, score_discarded=True)
    assert (only.verdict.reason, only.face_image) == (Reason.POSE, None)


def test_forwarded_faces_carry_an_upright_face_image_and_the_embedding():
    (only,) = assessed(frame_with(250), [upright_face(80)])
    assert only.face_image is not None
    assert only.face_image.shape == (112, 112, 3)
    assert only.embedding == pytest.approx([1, 0])
    assert only.pair_id == "brightness"


def test_a_frame_without_faces_gives_no_assessment():
    assert assessed(frame_with(250), []) == ()
