import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from engines.calibration.faces import CalibrationFaces
from engines.calibration.files import draw_sweep, front, write_sweep
from engines.calibration.pairs import (
    LabelledPairs,
    PairsVerdict,
    choose_by_pairs,
    judge_by_pairs,
)
from engines.calibration.report import sweep_table
from engines.calibration.sweep import Signals, Sweep
from engines.errors import CalibrationError
from engines.pruning.candidates import Candidate
from engines.pruning.recipe import Recipe

PEOPLE, FACES = 60, 4


@pytest.fixture
def people():
    """Faces of 60 people: noise on each, and the noisier a face the shorter its embedding."""
    random = np.random.default_rng(0)
    noise = random.uniform(0.2, 3.0, PEOPLE * FACES)
    centres = random.normal(size=(PEOPLE, 128)).repeat(FACES, axis=0)
    raw = centres + noise[:, None] * random.normal(size=centres.shape)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True), noise


def pairs(half=0):
    """Of the first or the second thirty people."""
    random = np.random.default_rng(1)
    people = range(PEOPLE // 2 * half, PEOPLE // 2 * (half + 1))
    rows = []
    for person in people:
        for face in range(FACES):
            index = person * FACES + face
            rows += [(index, person * FACES + other, 1) for other in range(face)]
            others = random.choice([p for p in people if p != person], 4)
            rows += [(index, int(p) * FACES + face, 0) for p in others]
    first, second, mated = np.array(rows).T
    return LabelledPairs(first, second, mated.astype(bool), np.arange(len(rows)))


def verdict_of(found):
    choice = choose_by_pairs(found, pairs())
    return PairsVerdict(choice, judge_by_pairs(only(found, choice.chosen), pairs(half=1)))


def only(found, chosen):
    return replace(found, signals=(chosen,))


def signals(shift, **changes):
    candidate = Candidate("last layer", "last layer", Recipe(), 1.01)
    values = {"agreement": 1.0, "median_shift": 0.1, **changes}
    return Signals(candidate, shift=shift.astype(np.float32), **values)


def faces_of_people():
    """As many, of which half are copies of the photograph before."""
    size = PEOPLE * FACES
    people = np.repeat(np.arange(PEOPLE), FACES)
    return CalibrationFaces(
        np.zeros((size, 1, 1, 3), np.uint8),
        np.arange(size) % 2,
        np.arange(size) // 2,
        people,
        np.ones(size, bool),
    )


@pytest.fixture
def found(people):
    embeddings, noise = people
    random = np.random.default_rng(2)
    good, useless = signals(noise), signals(random.random(noise.size), ratio=0.5)
    collapsed = signals(noise, agreement=0.0)
    norms = 1 / (1 + random.random(noise.size))
    return Sweep(faces_of_people(), embeddings, norms, (useless, collapsed, good))


def test_labels_choose_the_candidate_that_finds_the_errors_not_a_lucky_one(found):
    assert choose_by_pairs(found, pairs()).chosen is found.signals[2]


def test_of_candidates_that_labels_do_not_tell_apart_the_cheapest_is_chosen(found):
    good = found.signals[2]
    dearer = replace(good, candidate=replace(good.candidate, cost=1.5))
    nudged = replace(good, shift=good.shift + np.float32(0.01) * (good.shift > 2.9))
    both = replace(found, signals=(dearer, found.signals[0], nudged))
    assert choose_by_pairs(both, pairs()).chosen is nudged


def test_the_report_names_the_difference_to_the_norm(found):
    report = judge_by_pairs(only(found, found.signals[2]), pairs(half=1))
    assert report.pairs == len(pairs(half=1).mated)
    areas = report.areas[1e-2]
    assert not isinstance(areas, str)
    assert areas["recipe"].difference.high < 0
    assert areas["recipe"].area.value < areas["norm"].area.value


def test_too_few_pairs_for_a_rate_give_a_reason_and_no_figure(found):
    reason = judge_by_pairs(only(found, found.signals[2]), pairs(half=1)).areas[1e-3]
    assert isinstance(reason, str)
    assert "non-mated" in reason


def test_comparing_the_same_again_does_not_make_a_rate_measurable(found):
    once = pairs(half=1)
    often = LabelledPairs(*(np.tile(values, 3) for values in columns(once)))
    report = judge_by_pairs(only(found, found.signals[2]), often)
    assert report.pairs == len(once.mated)
    assert "480 different non-mated comparisons" in str(report.areas[1e-3])


def columns(labelled):
    return labelled.first, labelled.second, labelled.mated, labelled.pair


def test_pairs_without_an_error_say_so(found):
    easy = replace(found, embeddings=np.eye(PEOPLE).repeat(FACES, axis=0))
    with pytest.raises(CalibrationError, match="the pairs to choose on say nothing"):
        choose_by_pairs(easy, pairs())


def test_the_front_never_rises():
    points = [(1.0, 0.5), (1.0, 0.7), (1.2, 0.6), (2.0, 0.4)]
    assert front(points) == [0.5, 0.5, 0.5, 0.4]


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
    verdict = verdict_of(found)
    text = printed(found, verdict.choice.chosen, verdict)
    first = next(line for line in text.splitlines() if "last layer, " in line)
    assert "→" in first
    assert str(verdict.report.areas[1e-3]) in text
    assert "difference -" in text


def test_no_figure_of_the_table_is_cut_on_80_columns(found):
    verdict = verdict_of(found)
    text = printed(found, verdict.choice.chosen, verdict, width=80)
    assert "…" not in text
    assert "last layer, magnitude 0.1" in text


def test_a_chosen_one_far_down_is_shown_all_the_same(found):
    many = replace(
        found, signals=(*(replace(found.signals[0]) for _ in range(30)), found.signals[2])
    )
    assert "→" in printed(many, many.signals[-1])


@pytest.mark.parametrize("labelled", [False, True])
def test_the_picture_is_a_png(found, tmp_path, labelled):
    verdict = verdict_of(found) if labelled else None
    draw_sweep(found, found.signals[2], tmp_path / "sweep.png", "tiny", verdict)
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"


def test_without_labels_the_table_says_what_the_chosen_one_is_worth(found):
    good = found.signals[2]
    text = " ".join(printed(found, good).split())
    assert "better than the norm" in text
    same = replace(good, shift=(2 - found.norms).astype(np.float32))
    assert "not told from the norm" in " ".join(printed(found, same).split())


def rows_of(found, tmp_path, verdict):
    write_sweep(found, tmp_path / "sweep.csv", verdict)
    with (tmp_path / "sweep.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_csv_holds_every_candidate_with_its_area_and_the_difference_to_the_norm(
    found, tmp_path
):
    verdict = verdict_of(found)
    rows = rows_of(found, tmp_path, verdict)
    assert [row["fit"] for row in rows] == ["yes", "collapsed", "yes"]
    areas = [float(row["pauc"]) for row in rows]
    assert areas == pytest.approx(verdict.choice.areas, abs=1e-4)
    differences = [float(row["pauc_minus_norm"]) for row in rows]
    norm = verdict.choice.norm_area
    assert differences == pytest.approx([area - norm for area in areas], abs=2e-4)


def test_without_labels_the_csv_has_no_area(found, tmp_path):
    assert {row["pauc"] for row in rows_of(found, tmp_path, None)} == {""}
