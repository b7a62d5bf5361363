from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.evaluation.measure_names import MEASURES
from edge.evaluation.measures import Measure, MeasureSettings, Sample, open_measures
from edge.evaluation.score_bands import quality_scores, scoring_of
from engines.build.build import build_pair
from engines.catalogue.catalogue import find_entry
from engines.pair.pair import open_pair
from engines.quality.shift import embedding_shift, quality_from_shift
from tests.edge.canned import upright_face
from tests.networks import loaded
from tests.pairs import request, synthetic_faces
from tests.quality_networks import write_brightness

SETTINGS = MeasureSettings(passes=12, copies=3)


def sample_of(pair, seed=5):
    face_image = synthetic_faces(subjects=2, each=1, seed=seed).images[:1]
    face = upright_face(scale=2.0, score=0.75)
    return Sample(np.zeros((300, 300, 3), np.uint8), face, face_image, *pair.embed(face_image))


def test_every_named_measure_opens_and_gives_a_finite_number(folder, pair):
    opened = open_measures(tuple(MEASURES), folder, pair, SETTINGS)
    values = {name: measure.quality(sample_of(pair)) for name, measure in opened.items()}
    assert tuple(values) == tuple(MEASURES)
    assert np.isfinite(list(values.values())).all()


def value(name, folder, pair, sample, settings=SETTINGS):
    return open_measures((name,), folder, pair, settings)[name].quality(sample)


def test_prefiqs_is_one_minus_half_the_shift(folder, pair):
    sample = sample_of(pair)
    shift = pair.assess(sample.face_image).shift
    assert value("prefiqs", folder, pair, sample) == pytest.approx(
        float(quality_from_shift(shift)[0])
    )


def test_norm_is_the_length_of_the_raw_embedding(folder, pair):
    sample = sample_of(pair)
    doubled = replace(sample, dense=sample.dense * 2)
    norm = value("norm", folder, pair, sample)
    assert norm == pytest.approx(float(np.sqrt((sample.dense.astype(float) ** 2).sum())))
    assert value("norm", folder, pair, doubled) == pytest.approx(2 * norm)


def test_shift_over_norm_falls_with_the_shift_and_rises_with_the_norm(folder, pair):
    sample = sample_of(pair)
    longer = replace(sample, dense=2 * sample.dense)  # of the same direction
    plain = value("shift_over_norm", folder, pair, sample)
    assert plain < 0
    assert value("shift_over_norm", folder, pair, longer) == pytest.approx(plain / 2)
    assert value("shift_over_norm", folder, pair, replace(sample, pruned=-sample.dense)) < plain


def test_detector_score_and_inter_eye_distance_are_those_of_the_photograph(folder, pair):
    sample = sample_of(pair)
    assert value("detector", folder, pair, sample) == 0.75
    assert value("inter_eye", folder, pair, sample) == pytest.approx(2 * 35.238, abs=1e-2)


def test_laplacian_falls_when_the_face_image_is_blurred(folder, pair):
    sample = sample_of(pair)
    blurred = cv2.GaussianBlur(sample.face_image[0], (0, 0), 2)[None]
    assert value("laplacian", folder, pair, replace(sample, face_image=blurred)) < 0.5 * value(
        "laplacian", folder, pair, sample
    )


def test_agreement_is_the_mean_quality_over_the_copies(folder, pair):
    sample = sample_of(pair)
    one = value("agreement", folder, pair, sample, MeasureSettings(copies=2))
    moved = replace(sample, dense=-sample.dense)  # opposite: 1 - D/2 is nearly 0 for each copy
    assert one > 0.5
    assert value("agreement", folder, pair, moved, MeasureSettings(copies=2)) < 0.5


def test_agreement_and_spread_forget_an_earlier_sample(folder, pair):
    both = open_measures(("agreement", "spread"), folder, pair, SETTINGS)
    first, second = sample_of(pair, 5), sample_of(pair, 6)

    def values(sample: Sample) -> list[float]:
        return [each.quality(sample) for each in both.values()]

    before = values(first)
    assert values(second) != before
    assert values(first) == before


@pytest.mark.parametrize("name", ["serfiq", "agreement", "spread"])
def test_random_measures_repeat_exactly_and_depend_on_their_count(folder, pair, name):
    sample = sample_of(pair)
    first = value(name, folder, pair, sample)
    assert value(name, folder, pair, sample) == first
    assert value(name, folder, pair, sample, MeasureSettings(passes=5, copies=2)) != first


def test_counts_are_part_of_what_identifies_a_value(folder, pair):
    few: Measure = open_measures(("serfiq",), folder, pair, MeasureSettings(passes=5))["serfiq"]
    many: Measure = open_measures(("serfiq",), folder, pair, SETTINGS)["serfiq"]
    assert few.settings != many.settings


def test_copies_pruned_behind_one_trunk_are_other_copies(folder, pair):
    behind = MeasureSettings(copies=3, last_layers=2)
    tails = open_measures(("spread",), folder, pair, behind)["spread"]
    copies = open_measures(("spread",), folder, pair, SETTINGS)["spread"]
    assert tails.settings != copies.settings
    assert tails.quality(sample_of(pair)) != copies.quality(sample_of(pair))


def test_the_order_asked_for_is_kept(folder, pair):
    assert list(open_measures(("norm", "serfiq", "prefiqs"), folder, pair, SETTINGS)) == [
        "norm",
        "serfiq",
        "prefiqs",
    ]


def test_shift_of_a_pair_is_that_of_its_raw_embeddings(pair):
    sample = sample_of(pair)
    assert embedding_shift(sample.dense, sample.pruned) == pytest.approx(
        pair.assess(sample.face_image).shift
    )


def test_fused_is_what_the_pair_decides_by(folder, pair, tmp_path):
    sample = sample_of(pair)
    assert value("fused", folder, pair, sample) == value("prefiqs", folder, pair, sample)
    images = synthetic_faces(subjects=30, each=2, seed=4).images
    asked = request(loaded(tmp_path), form="fused")
    second = find_entry(str(write_brightness(tmp_path)))
    build_pair(replace(asked, reference=images, second_opinion=second), tmp_path / "pair")
    with open_pair(tmp_path / "pair") as both:
        sample = sample_of(both)
        (shift,) = both.assess(sample.face_image).shift
        fused = value("fused", tmp_path / "pair", both, sample)
        assert 2 * (1 - fused) == pytest.approx(shift)
        scoring = scoring_of(both.manifest)
        (score,) = quality_scores(np.array([fused]), scoring.mapping)
        assert score == pytest.approx(both.mapping.score(shift), rel=1e-4)
        assert scoring.measure == "fused"
    assert scoring_of(pair.manifest).measure == "prefiqs"
