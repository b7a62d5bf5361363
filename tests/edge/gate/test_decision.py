import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from edge.config.model import GateSettings
from edge.detection.session import DETECTION_FLOOR
from edge.gate.decision import Features, decide, features, precheck
from edge.samples import Box, DetectedFace, QualityScore, Reason, Verdict

FACE = Features(
    detector_score=0.9,
    inter_eye_distance=40.0,
    box=Box(20, 10, 80, 90),
    landmarks=np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], np.float32),
    frame_width=100,
    frame_height=100,
)
"""Upright, frontal; the nearest landmarks are 20 px, half an eye distance, from the border."""
QUALITY = QualityScore(shift=0.2, quality=0.9, score=60.0)
DEFAULT = GateSettings()


def with_nose_at(x: float, y: float) -> Features:
    landmarks = FACE.landmarks.copy()
    landmarks[2] = (x, y)
    return replace(FACE, landmarks=landmarks)


def verdict_on(face: Features, quality: QualityScore | None, settings: GateSettings) -> Verdict:
    return precheck(face, settings) or decide(quality, settings)


TWELFTH = np.array([[math.cos(math.pi / 6), 0.5], [-0.5, math.cos(math.pi / 6)]])
TURNED_30 = ((FACE.landmarks - 50) @ TWELFTH + 50).astype(np.float32)

DECIDING = {
    "threshold": (60.0, 60.1, FACE, Reason.LOW_QUALITY),
    "shift_at_most": (0.2, 0.19, FACE, Reason.LOW_QUALITY),
    "min_detector_score": (0.9, 0.91, FACE, Reason.LOW_DETECTION),
    "min_inter_eye_distance": (40.0, 40.1, FACE, Reason.TOO_SMALL),
    "border_margin": (0.5, 0.51, FACE, Reason.TRUNCATED),
    "max_roll": (30.01, 29.99, replace(FACE, landmarks=TURNED_30), Reason.POSE),
    "max_yaw_ratio": (0.25, 0.24, with_nose_at(60, 60), Reason.POSE),
    "max_pitch_ratio": (0.5, 0.49, with_nose_at(50, 70), Reason.POSE),
    "max_dark": (0.5, 0.49, replace(FACE, dark=0.5), Reason.TOO_DARK),
    "max_light": (0.5, 0.49, replace(FACE, light=0.5), Reason.OVEREXPOSED),
}  # fmt: skip
"""For each key: the strictest value that forwards the face, one that discards it, and why."""


def test_every_value_of_the_detector_score_that_can_be_written_has_an_effect():
    """Below the floor of the detectors it would have none."""
    with pytest.raises(ValidationError):
        GateSettings(min_detector_score=np.nextafter(DETECTION_FLOOR, 0))
    assert GateSettings(min_detector_score=DETECTION_FLOOR).min_detector_score == DETECTION_FLOOR


def test_each_key_has_a_decision_of_its_own():
    explaining = {"components"}
    assert set(DECIDING) == set(GateSettings.model_fields) - explaining


@pytest.mark.parametrize("key", DECIDING)
def test_each_key_changes_a_decision_at_its_limit(key):
    enough, too_strict, face, reason = DECIDING[key]
    neutral = {} if key in {"threshold", "shift_at_most"} else {"threshold": 0}
    lenient = GateSettings.model_validate({**neutral, key: enough})
    strict = GateSettings.model_validate({**neutral, key: too_strict})
    assert verdict_on(face, QUALITY, lenient) == Verdict(forward=True, reason=Reason.FORWARDED)
    assert verdict_on(face, QUALITY, strict) == Verdict(forward=False, reason=reason)


def test_shift_at_most_replaces_the_threshold():
    hopeless = QualityScore(shift=0.1, quality=0.95, score=0.0)
    assert decide(hopeless, GateSettings(shift_at_most=0.2)).forward
    assert not decide(hopeless, GateSettings(threshold=1)).forward


def test_the_first_failing_check_is_the_reason():
    """Spoil one figure after the other, from the last check to the first."""
    strict = GateSettings(threshold=100)
    face = FACE
    reasons = [verdict_on(face, QUALITY, strict).reason]
    face = with_nose_at(100, 60)  # a profile, and on the border, where no face is small enough
    reasons.append(verdict_on(face, QUALITY, GateSettings(border_margin=0)).reason)
    reasons.append(verdict_on(face, QUALITY, DEFAULT).reason)
    face = replace(face, inter_eye_distance=3.0)
    reasons.append(verdict_on(face, QUALITY, DEFAULT).reason)
    face = replace(face, detector_score=0.1)
    reasons.append(verdict_on(face, QUALITY, DEFAULT).reason)
    face = replace(face, inter_eye_distance=math.nan)
    reasons.append(verdict_on(face, QUALITY, DEFAULT).reason)
    assert reasons == [
        Reason.LOW_QUALITY,
        Reason.POSE,
        Reason.TRUNCATED,
        Reason.TOO_SMALL,
        Reason.LOW_DETECTION,
        Reason.ASSESSMENT_FAILED,
    ]


def test_an_upright_frontal_face_passes_the_strictest_limits_of_its_pose():
    assert precheck(FACE, GateSettings(max_roll=0, max_yaw_ratio=0, max_pitch_ratio=0)) is None


def test_a_face_that_could_not_be_scored_is_discarded_as_such():
    assert decide(None, GateSettings(threshold=0)).reason is Reason.ASSESSMENT_FAILED


LENIENT = GateSettings(
    threshold=0, min_detector_score=0.5, min_inter_eye_distance=0, border_margin=-10,
    max_roll=180, max_yaw_ratio=10, max_pitch_ratio=10,
)  # fmt: skip
NOT_FINITE = st.sampled_from([math.nan, math.inf, -math.inf])


@given(NOT_FINITE, st.sampled_from(["shift", "quality", "score"]))
def test_no_setting_forwards_a_quality_that_is_not_finite(figure, name):
    spoiled = replace(QUALITY, **{name: figure})
    for settings in (LENIENT, GateSettings(shift_at_most=2)):
        assert decide(spoiled, settings).reason is Reason.ASSESSMENT_FAILED


@given(NOT_FINITE, st.sampled_from(["detector_score", "inter_eye_distance", "box", "landmarks"]))
def test_no_setting_lets_features_that_are_not_finite_pass(figure, name):
    landmarks = FACE.landmarks.copy()
    landmarks[3, 1] = figure
    spoiled: dict[str, Any] = {"box": Box(0, 0, figure, 1), "landmarks": landmarks}
    face = replace(FACE, **{name: spoiled.get(name, figure)})
    verdict = precheck(face, LENIENT)
    assert verdict is not None
    assert verdict.reason is Reason.ASSESSMENT_FAILED


ANY_FLOAT = st.floats(width=32)
SCORES = st.floats(0, 100)
QUALITIES = st.none() | st.builds(QualityScore, shift=ANY_FLOAT, quality=ANY_FLOAT, score=ANY_FLOAT)
PLAUSIBLE = st.builds(QualityScore, shift=st.floats(0, 2), quality=st.floats(0, 1), score=SCORES)
FACES = st.builds(
    Features,
    detector_score=ANY_FLOAT | st.floats(0, 1),
    inter_eye_distance=ANY_FLOAT | st.floats(0, 100),
    box=st.just(FACE.box),
    landmarks=st.just(FACE.landmarks) | hnp.arrays(np.float32, (5, 2), elements=ANY_FLOAT),
    frame_width=st.integers(1, 200),
    frame_height=st.integers(1, 200),
)
RANGES = {
    "threshold": (0, 100), "min_detector_score": (0.5, 1), "min_inter_eye_distance": (0, 2000),
    "border_margin": (-10, 10), "max_roll": (0, 180), "max_yaw_ratio": (0, 10),
    "max_pitch_ratio": (0, 10),
    "max_dark": (0, 1),
    "max_light": (0, 1),
}  # fmt: skip
SETTINGS = st.fixed_dictionaries({}, optional={k: st.floats(*r) for k, r in RANGES.items()})


@given(FACES, QUALITIES, SETTINGS)
def test_every_face_gets_a_verdict_whose_reason_agrees_with_it(face, quality, keys):
    verdict = verdict_on(face, quality, GateSettings.model_validate(keys))
    assert verdict.forward == (verdict.reason is Reason.FORWARDED)


@given(st.lists(PLAUSIBLE | QUALITIES), SCORES, SCORES)
def test_raising_the_threshold_never_forwards_more(qualities, one, other):
    lenient, strict = (GateSettings(threshold=score) for score in sorted([one, other]))
    for quality in qualities:
        assert decide(quality, lenient).forward or not decide(quality, strict).forward


@given(st.lists(PLAUSIBLE | QUALITIES), st.floats(0, 2), st.floats(0, 2))
def test_lowering_shift_at_most_never_forwards_more(qualities, one, other):
    strict, lenient = (GateSettings(shift_at_most=shift) for shift in sorted([one, other]))
    for quality in qualities:
        assert decide(quality, lenient).forward or not decide(quality, strict).forward


@given(FACES, st.sampled_from(sorted(RANGES)), st.data())
def test_making_one_key_stricter_never_lets_more_faces_pass(face, key, data):
    low, high = sorted(data.draw(st.tuples(*[st.floats(*RANGES[key])] * 2)))
    lenient, strict = (high, low) if key.startswith("max") else (low, high)
    passes_strict = precheck(face, GateSettings.model_validate({key: strict})) is None
    assert not passes_strict or precheck(face, GateSettings.model_validate({key: lenient})) is None


def test_features_measure_the_distance_between_the_eyes():
    landmarks = np.array([(0, 0), (3, 4), (2, 4), (0, 5), (3, 6)], np.float32)
    face = DetectedFace(box=FACE.box, landmarks=landmarks, detector_score=0.8)
    seen = features(face, 640, 480)
    assert (seen.inter_eye_distance, seen.frame_width, seen.frame_height) == (5, 640, 480)
