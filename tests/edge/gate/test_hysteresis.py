from dataclasses import replace

import pytest

from edge.config.model import GateSettings
from edge.gate.hysteresis import Hysteresis, limit_of
from edge.samples import Assessment, QualityScore, Reason, Verdict
from engines.quality.score_mapping import ScoreMapping
from tests.edge.assessments import Given, assessment

LIMIT, BY = 60.0, 10.0


def face(score: float, reason: Reason = Reason.LOW_QUALITY) -> Assessment:
    verdict = Verdict(forward=reason is Reason.FORWARDED, reason=reason)
    quality = QualityScore(0.2, 0.9, score)
    return replace(assessment(Given()), quality=quality, verdict=verdict, detail="as decided")


@pytest.fixture
def passed():
    """A track one of whose faces reached the limit."""
    hysteresis = Hysteresis(BY)
    assert hysteresis.decided(1, face(80, Reason.FORWARDED), LIMIT).detail == "as decided"
    return hysteresis


@pytest.mark.parametrize(("score", "forward"), [(59.9, True), (50.0, True), (49.9, False)])
def test_after_one_face_the_others_of_its_track_pass_so_far_below_the_limit(passed, score, forward):
    decided = passed.decided(1, face(score), LIMIT)
    assert decided.verdict.forward is forward
    assert (decided.detail == "as decided, hysteresis 10") is forward


def test_another_track_has_to_pass_by_itself(passed):
    assert not passed.decided(2, face(59.9), LIMIT).verdict.forward


def test_a_face_that_passes_by_hysteresis_does_not_carry_others_further_down(passed):
    passed.decided(1, face(50), LIMIT)
    assert not passed.decided(1, face(49), LIMIT).verdict.forward


def test_only_a_low_quality_is_forgiven(passed):
    turned = face(99, Reason.POSE)
    assert passed.decided(1, turned, LIMIT) is turned


def test_a_face_that_could_not_be_scored_does_not_pass(passed):
    unscored = replace(face(0), quality=None)
    assert passed.decided(1, unscored, LIMIT) is unscored


def test_the_limit_of_a_shift_is_its_score():
    mapping = ScoreMapping(((0.0, 100.0), (2.0, 0.0)))
    assert limit_of(GateSettings(threshold=40), mapping) == 40
    assert limit_of(GateSettings(shift_at_most=0.5), mapping) == pytest.approx(75)
