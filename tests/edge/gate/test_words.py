from dataclasses import replace

import numpy as np
import pytest

from edge.config.model import GateSettings
from edge.gate.decision import Features, precheck
from edge.gate.words import decision_words, precheck_words
from edge.samples import Box, QualityScore, Reason, Verdict

FACE = Features(
    detector_score=0.9,
    inter_eye_distance=40.0,
    box=Box(20, 10, 80, 90),
    landmarks=np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], np.float32),
    frame_width=100,
    frame_height=100,
)
PROFILE = np.array([(30, 40), (70, 40), (75, 60), (35, 80), (65, 80)], np.float32)


@pytest.mark.parametrize(
    ("face", "words"),
    [
        (
            replace(FACE, detector_score=0.42),
            "detector score 0.42 below min_detector_score 0.7",
        ),
        (
            replace(FACE, inter_eye_distance=12.34),
            "inter-eye distance 12.3 px below min_inter_eye_distance 20",
        ),
        (
            replace(FACE, frame_width=72),
            "a landmark 2 px inside the frame's border, border_margin 0.25 asks for 10 px",
        ),
        (replace(FACE, landmarks=PROFILE), "yaw ratio 0.625 beyond max_yaw_ratio 0.45"),
        (replace(FACE, landmarks=FACE.landmarks[[1, 0, 2, 3, 4]]), "the landmarks span no face"),
        (replace(FACE, detector_score=np.nan), "a figure of the detector is not finite"),
        (replace(FACE, dark=0.914), "91% of the face is dark, max_dark 0.9"),
        (replace(FACE, light=0.4), "40% of the face is white, max_light 0.3"),
    ],
)
def test_a_discarded_face_is_explained_with_figures_and_the_key_to_change(face, words):
    settings = GateSettings(max_dark=0.9, max_light=0.3)
    verdict = precheck(face, settings)
    assert verdict is not None
    assert precheck_words(verdict, face, settings) == words


def test_a_masked_face_is_explained_by_the_point_that_lies_in_the_mask():
    masked = Verdict(forward=False, reason=Reason.MASKED)
    words = precheck_words(masked, FACE, GateSettings())
    assert words == "the point between the eyes lies in a mask"


def test_a_figure_of_the_pose_at_its_limit_is_not_named():
    lowered = PROFILE + np.array([(0, 0), (0, 0), (0, 15), (0, 0), (0, 0)], np.float32)
    face, settings = replace(FACE, landmarks=lowered), GateSettings(max_yaw_ratio=0.625)
    verdict = precheck(face, settings)
    assert verdict is not None
    assert precheck_words(verdict, face, settings) == "pitch ratio 0.75 beyond max_pitch_ratio 0.5"


@pytest.mark.parametrize(
    ("quality", "settings", "words"),
    [
        (QualityScore(0.2, 0.9, 31.2), GateSettings(threshold=50), "score 31.2, threshold 50"),
        (
            QualityScore(0.2, 0.9, 31.2),
            GateSettings(shift_at_most=0.15),
            "shift 0.2, shift_at_most 0.15",
        ),
        (None, GateSettings(), "the face could not be scored"),
    ],
)
def test_a_decision_is_explained_with_the_key_that_decided(quality, settings, words):
    assert decision_words(quality, settings) == words
