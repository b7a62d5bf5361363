from dataclasses import replace

import numpy as np
import pytest

from engines.biometrics.bootstrap import Estimate
from engines.biometrics.comparisons import Comparisons
from engines.biometrics.edc import Question, error_versus_discard, partial_area
from engines.calibration.faces import CalibrationFaces
from engines.calibration.self_made import FALSE_MATCH_RATES, KINDS, SelfMade
from engines.errors import CalibrationError
from engines.pair.merit import Merit

PEOPLE, PHOTOGRAPHS, COPIES = 12, 2, 3
SIZE = PEOPLE * PHOTOGRAPHS * (1 + COPIES)


def faces(known=True):
    each = np.arange(SIZE)
    return CalibrationFaces(
        np.zeros((SIZE, 1, 1, 3), np.uint8),
        (each % (1 + COPIES) > 0).astype(np.intp),
        each // (1 + COPIES),
        each // (PHOTOGRAPHS * (1 + COPIES)),
        np.full(SIZE, known),
    )


@pytest.fixture
def noise():
    random = np.random.default_rng(3)
    return np.where(faces().clean, 0.1, random.uniform(0.2, 2.0, SIZE))


@pytest.fixture
def embeddings(noise):
    """The noisier a face, the further from what its person looks like."""
    random = np.random.default_rng(4)
    centres = random.normal(size=(PEOPLE, 16)).repeat(SIZE // PEOPLE, axis=0)
    raw = centres + noise[:, None] * random.normal(size=centres.shape)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def brute_force_area(embeddings, quality, draw=None):
    """Every comparison by itself, its people repeated as drawn, through the curve for reports."""
    known = faces()
    times = np.ones(PEOPLE, int) if draw is None else draw
    areas = []
    for kind in KINDS:
        scores, mated, paired = [], [], []
        copies = {True: 9, False: 2}  # 0.6 to 0.4 / 3, as whole numbers
        for a in range(SIZE):
            for b in range(a + 1, SIZE):
                person, other = known.subject[a], known.subject[b]
                same = known.photograph[a] == known.photograph[b]
                wanted = same and known.clean[a] != known.clean[b]
                if kind == "other photograph":
                    wanted = not same and person == other
                if person == other and not wanted:
                    continue
                count = times[person] if person == other else times[person] * times[other]
                if person == other and kind == "other photograph":
                    count *= copies[bool(known.clean[a])] * copies[bool(known.clean[b])]
                scores += [float(embeddings[a] @ embeddings[b])] * count
                mated += [bool(person == other)] * count
                paired += [min(quality[a], quality[b])] * count
        compared = Comparisons(np.array(scores), np.array(mated))
        for fmr in FALSE_MATCH_RATES:
            curve = error_versus_discard(compared, np.array(paired, float), Question(fmr))
            areas.append(partial_area(curve, 0.3))
    return np.mean(areas)


def test_the_figure_of_merit_is_the_mean_area_of_both_kinds_and_rates(embeddings, noise):
    made = SelfMade(faces(), embeddings)
    random = np.random.default_rng(0).random(SIZE).round(1)  # with ties
    for quality in (-noise, random):
        assert made.area(quality) == pytest.approx(brute_force_area(embeddings, quality))
    assert made.area(-noise) < made.area(random)


def test_a_draw_counts_people_as_often_as_they_were_drawn(embeddings, noise, monkeypatch):
    draw = np.random.default_rng(5).multinomial(PEOPLE, np.full(PEOPLE, 1 / PEOPLE))
    made = SelfMade(faces(), embeddings)
    monkeypatch.setattr(SelfMade, "_draws", lambda _: [draw.astype(float)] * 400)
    merit = made.merit(-noise, noise)
    expected = brute_force_area(embeddings, -noise, draw)
    assert merit.area.low == merit.area.high == pytest.approx(expected)


def test_a_measure_beside_itself_has_the_ratio_one_in_every_draw(embeddings, noise):
    ratio = SelfMade(faces(), embeddings).merit(-noise, -noise).ratio
    assert (ratio.low, ratio.value, ratio.high) == (1, 1, 1)


def test_a_merit_says_how_much_of_the_variance_lies_between_people(embeddings):
    person = faces().subject.astype(float)
    shares = np.random.default_rng(8).random(SIZE)
    merit = SelfMade(faces(), embeddings).merit(person, shares)
    assert merit.between == pytest.approx(1)
    assert merit.norm_between is not None
    assert merit.norm_between < 0.5


def test_a_good_measure_beside_its_opposite_is_better_and_the_other_way_round_worse(
    embeddings, noise
):
    made = SelfMade(faces(), embeddings)
    assert made.merit(-noise, noise).verdict == "better"
    assert made.merit(noise, -noise).verdict == "worse"
    nearly = -noise + np.random.default_rng(7).normal(0, 1e-3, SIZE)
    assert made.merit(nearly, -noise).verdict == "alike"


def test_a_little_better_is_not_told_from_the_norm():
    """The recipe was chosen by the same figure, which flatters it."""
    some = Estimate(0.5, 0.4, 0.6)
    assert Merit(some, some, Estimate(0.85, 0.8, 0.89)).verdict == "better"
    assert Merit(some, some, Estimate(0.85, 0.8, 0.91)).verdict == "alike"


def test_strangers_are_compared_with_their_own_copies_only(embeddings):
    made = SelfMade(faces(), embeddings)
    strange = replace(faces(), known=np.arange(SIZE) < SIZE // 2)
    alone = replace(
        strange, subject=np.where(strange.known, strange.subject, 100 + np.arange(SIZE))
    )
    assert SelfMade(alone, embeddings).comparisons < made.comparisons
    assert SelfMade(strange, embeddings).comparisons == made.comparisons


def test_faces_of_nobody_known_set_no_threshold(embeddings):
    with pytest.raises(CalibrationError, match="two known subjects"):
        SelfMade(faces(known=False), embeddings)


def test_a_network_without_an_error_cannot_be_calibrated_on():
    perfect = np.eye(PEOPLE).repeat(SIZE // PEOPLE, axis=0)
    with pytest.raises(CalibrationError, match="hardly any self-made comparison fails"):
        SelfMade(faces(), perfect)
