import numpy as np
import pytest

from edge.evaluation.curves import MeasuredFace, Plan, View, judge_faults, judge_set
from edge.evaluation.pair_list import PairList
from engines.biometrics.degrade import Degradation
from engines.errors import EvaluationError

PLAN = Plan(("utility", "noise"), "noise", "fixed", seed=1)


def people(count=400, seed=0):
    """Mated pairs of one person and non-mated ones of two; faces of low utility are blurred."""
    rng = np.random.default_rng(seed)
    faces = {}
    for person in range(count):
        centre = rng.normal(size=16)
        for shot in "ab":
            utility = rng.uniform()
            vector = centre + rng.normal(size=16) * (2.5 - 2.3 * utility)
            unit = (vector / np.linalg.norm(vector)).astype(np.float32)
            faces[f"{person}{shot}"] = MeasuredFace(
                unit, {"utility": utility, "noise": rng.uniform()}
            )
    first = tuple(f"{i}a" for i in range(count)) * 2
    second = tuple(f"{i}b" for i in range(count)) + tuple(
        f"{(i + 1) % count}b" for i in range(count)
    )
    mated = np.arange(2 * count) < count
    pairs = PairList(first, second, mated, np.arange(2 * count) % 10)
    return pairs, faces


def embeddings(faces):
    return {name: face.embedding for name, face in faces.items()}


def view(faces):
    return View(faces, embeddings(faces))


def test_the_better_measure_has_the_smaller_area_at_every_rate_that_can_be_measured():
    pairs, faces = people()
    result = judge_set("clean", pairs, [view(faces)], PLAN)
    point = result.points[0]
    assert point.reason is None
    assert point.areas["utility"].difference.high < 0
    assert point.curves["utility"].fnmr[0] == point.fnmr


def test_a_rate_that_the_pairs_cannot_measure_says_why_and_gives_no_number():
    pairs, faces = people()
    point = judge_set("clean", pairs, [view(faces)], PLAN).points[1]
    assert (point.threshold, point.fnmr, point.areas) == (None, None, {})
    assert point.reason is not None
    assert "at least 1000" in point.reason


def test_pairs_with_a_face_not_found_are_left_out_and_counted():
    pairs, faces = people()
    del faces["3b"], faces["7a"]
    result = judge_set("clean", pairs, [view(faces)], PLAN)
    assert (result.pairs, result.mated, result.excluded) == (796, 398, 4)


def test_another_network_may_verify_what_this_one_judges():
    pairs, faces = people()
    shifted = np.roll(np.array(list(embeddings(faces).values())), 7, axis=0)
    mixed_up = dict(zip(faces, shifted, strict=True))
    own = judge_set("clean", pairs, [view(faces)], PLAN)
    other = judge_set("clean", pairs, [View(faces, mixed_up)], PLAN)
    assert own.accuracy is not None
    assert other.accuracy is not None
    assert own.accuracy.mean > 0.75
    assert other.accuracy.mean < 0.6  # embeddings of other people tell nothing


def test_an_image_only_one_network_could_read_is_left_out():
    pairs, faces = people()
    verifying = embeddings(faces)
    del verifying["0a"]
    assert judge_set("clean", pairs, [View(faces, verifying)], PLAN).excluded == 2


def test_views_are_pooled_and_each_pair_is_compared_once_in_each():
    pairs, faces = people()
    blurred = people(seed=1)[1]
    del blurred["3b"]  # in one mated and one non-mated pair
    result = judge_set("degraded", pairs, [view(faces), view(blurred)], PLAN)
    assert (result.pairs, result.comparisons, result.mated, result.excluded) == (800, 1598, 799, 2)
    alone = [judge_set("one", pairs, [view(each)], PLAN) for each in (faces, blurred)]
    low, high = sorted(fnmr_of(each) for each in alone)
    assert low <= fnmr_of(result) <= high


def fnmr_of(result):
    fnmr = result.points[0].fnmr
    assert fnmr is not None
    return fnmr


def test_several_views_reach_a_rate_that_one_cannot_measure():
    pairs, _ = people()
    point = judge_set("degraded", pairs, [view(people(seed=s)[1]) for s in range(3)], PLAN).points[
        1
    ]
    assert point.reason is None
    assert point.areas["utility"].area.low < point.areas["utility"].area.value


def test_the_same_view_again_and_again_reaches_no_lower_rate_and_narrows_no_interval():
    pairs, faces = people()
    once = judge_set("clean", pairs, [view(faces)], PLAN).points
    often = judge_set("clean", pairs, [view(faces)] * 3, PLAN).points
    assert often[1].reason is not None
    assert "400 different non-mated comparisons" in often[1].reason
    assert often[0].areas == once[0].areas


def test_no_pair_left_is_an_error():
    pairs, _ = people(5)
    with pytest.raises(EvaluationError, match="no pair remains"):
        judge_set("clean", pairs, [View({}, {})], PLAN)


def face(value):
    return MeasuredFace(np.ones(1, np.float32), {"good": value, "deaf": 1.0})


def test_quality_that_falls_with_every_step_correlates_at_minus_one():
    degraded = [(Degradation("jpeg", s), face(9.0), face(9.0 - s)) for s in (1, 2, 3, 4, 5)]
    jpeg = next(each for each in judge_faults(degraded, ["good"]) if each.fault == "jpeg")
    assert jpeg.images == 5
    assert jpeg.correlations["good"] == pytest.approx(-1)


def test_a_measure_deaf_to_a_fault_and_a_fault_without_images_have_no_correlation():
    degraded = [(Degradation("jpeg", s), face(9.0), face(1.0)) for s in (1, 2)]
    results = {each.fault: each for each in judge_faults(degraded, ["deaf"])}
    assert results["jpeg"].correlations["deaf"] is None
    assert results["defocus"].images == 0
    assert results["defocus"].correlations["deaf"] is None
