import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from engines.calibrate import Signals, Sweep
from engines.calibrate_pairs import LabelledPairs, choose_by_pairs, halves
from engines.calibration_report import draw_sweep, sweep_table
from engines.candidates import Candidate
from engines.errors import CalibrationError
from engines.recipe import Recipe

PEOPLE, FACES = 60, 4


@pytest.fixture
def people():
    """Faces of 60 people: noise on each, and the noisier a face the shorter its embedding."""
    random = np.random.default_rng(0)
    noise = random.uniform(0.2, 3.0, PEOPLE * FACES)
    centres = random.normal(size=(PEOPLE, 128)).repeat(FACES, axis=0)
    raw = centres + noise[:, None] * random.normal(size=centres.shape)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True), noise


def pairs(folds=4):
    random = np.random.default_rng(1)
    rows = []
    for person in range(PEOPLE):
        fold = person * folds // PEOPLE
        inside = [p for p in range(PEOPLE) if p * folds // PEOPLE == fold and p != person]
        for face in range(FACES):
            index = person * FACES + face
            rows += [(index, person * FACES + other, 1, fold) for other in range(face)]
            others = random.choice(inside, 4)
            rows += [(index, int(p) * FACES + face, 0, fold) for p in others]
    first, second, mated, fold = np.array(rows).T
    return LabelledPairs(first, second, mated.astype(bool), fold)


def signals(shift, **changes):
    candidate = Candidate("last layer", "last layer", Recipe(), 1.01)
    values = {"separation": 0.5, "agreement": 1.0, "median_shift": 0.1, **changes}
    return Signals(candidate, shift=shift.astype(np.float32), **values)


@pytest.fixture
def found(people):
    embeddings, noise = people
    random = np.random.default_rng(2)
    good, useless = signals(noise), signals(random.random(noise.size), separation=0.9)
    collapsed = signals(noise, agreement=0.0)
    norms = 1 / (1 + random.random(noise.size))
    return Sweep(embeddings, norms, 0.5, (useless, collapsed, good))


def test_labels_choose_the_candidate_that_finds_the_errors_not_the_one_that_separates(found):
    assert choose_by_pairs(found, pairs()).chosen is found.signals[2]


def test_of_candidates_that_labels_do_not_tell_apart_the_cheapest_is_chosen(found):
    good = found.signals[2]
    dearer = replace(good, candidate=replace(good.candidate, cost=1.5))
    nudged = replace(good, shift=good.shift + np.float32(0.01) * (good.shift > 2.9))
    both = replace(found, signals=(dearer, found.signals[0], nudged))
    assert choose_by_pairs(both, pairs()).chosen is nudged


def test_the_report_comes_from_the_other_half_and_names_the_difference_to_the_norm(found):
    verdict = choose_by_pairs(found, pairs())
    tuning, other = halves(pairs())
    assert (verdict.tuning_pairs, verdict.report_pairs) == (len(tuning.mated), len(other.mated))
    areas = verdict.report[1e-2]
    assert not isinstance(areas, str)
    assert areas["recipe"].difference.high < 0
    assert areas["recipe"].area.value < areas["norm"].area.value


def test_too_few_pairs_for_a_rate_give_a_reason_and_no_figure(found):
    verdict = choose_by_pairs(found, pairs())
    reason = verdict.report[1e-3]
    assert isinstance(reason, str)
    assert "non-mated" in reason


def test_halves_have_no_fold_and_no_image_in_common():
    mixed = pairs()
    mixed.second[-3:] = 0  # an image of the first fold
    tuning, other = halves(mixed)
    assert set(tuning.fold) == {0, 1}
    assert set(other.fold) == {2, 3}
    images = [set(half.first) | set(half.second) for half in (tuning, other)]
    assert not images[0] & images[1]
    assert len(tuning.fold) + len(other.fold) == len(mixed.fold) - 3


def test_pairs_of_one_fold_cannot_be_divided():
    with pytest.raises(CalibrationError, match="two folds or more"):
        halves(pairs(folds=1))


def test_pairs_without_an_error_say_so(found):
    easy = replace(found, embeddings=np.eye(PEOPLE).repeat(FACES, axis=0))
    with pytest.raises(CalibrationError, match="the pairs to choose on say nothing"):
        choose_by_pairs(easy, pairs())


def printed(found, chosen, verdict=None, width=160):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(sweep_table(found, chosen, verdict))
    return console.export_text()


def test_the_table_marks_the_chosen_one_and_puts_unfit_ones_last(found):
    rows = [
        line for line in printed(found, found.signals[2]).splitlines() if "last layer, " in line
    ]
    assert [("→" in row, "!" in row) for row in rows] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def test_with_labels_the_table_is_ordered_by_area_and_followed_by_the_report(found):
    verdict = choose_by_pairs(found, pairs())
    text = printed(found, verdict.chosen, verdict)
    first = next(line for line in text.splitlines() if "last layer, " in line)
    assert "→" in first
    assert str(verdict.report[1e-3]) in text
    assert "difference -" in text


def test_no_figure_of_the_table_is_cut_on_80_columns(found):
    verdict = choose_by_pairs(found, pairs())
    text = printed(found, verdict.chosen, verdict, width=80)
    assert "…" not in text
    assert "last layer, magnitude 0.1" in text


def test_a_chosen_one_far_down_is_shown_all_the_same(found):
    many = replace(
        found, signals=(*(replace(found.signals[0]) for _ in range(30)), found.signals[2])
    )
    assert "→" in printed(many, many.signals[-1])


@pytest.mark.parametrize("labelled", [False, True])
def test_the_picture_is_a_png(found, tmp_path, labelled):
    verdict = choose_by_pairs(found, pairs()) if labelled else None
    draw_sweep(found, found.signals[2], tmp_path / "sweep.png", verdict)
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"
