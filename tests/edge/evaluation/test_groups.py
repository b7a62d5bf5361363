"""Made faces of two groups, of which one was made to score lower."""

import io
import json
from dataclasses import asdict

import numpy as np
import pytest
from rich.console import Console

from edge.evaluation.curves import MeasuredFace, View
from edge.evaluation.group_list import Membership
from edge.evaluation.groups import judge_groups
from edge.evaluation.groups_report import group_tables
from edge.evaluation.pair_list import PairList
from edge.evaluation.score_bands import Scoring
from engines.errors import EvaluationError
from engines.quality.score_mapping import ScoreMapping

EACH, PICTURES = 60, 3
SCORING = Scoring("prefiqs", ScoreMapping(((0.0, 100.0), (2.0, 0.0))))
"""Quality 0.6 is score 60."""
LOWER = 0.1
"""Quality that one group lacks."""
THRESHOLD = 60.0


def made(lower=LOWER, blurred=0.0):
    """Faces whose quality is 0.65 +- 0.1; as many embeddings of a group are noise as `blurred`."""
    rng = np.random.default_rng(7)
    faces, members = {}, {}
    for group, less, noise in (("a", 0.0, 0.0), ("b", lower, blurred)):
        for person in range(EACH):
            own = rng.normal(size=32)
            for picture in range(PICTURES):
                name = f"{group}{person}/{picture}"
                towards = rng.normal(size=32) if rng.random() < noise else own
                embedding = towards / np.linalg.norm(towards)
                quality = float(np.clip(rng.normal(0.65 - less, 0.1), 0, 1))
                other = {"prefiqs": quality, "free": float(rng.normal())}
                faces[name] = MeasuredFace(embedding, other)
                members[name] = Membership(f"{group}{person}", group)
    return View(faces, {name: face.embedding for name, face in faces.items()}), members


def pairs_of(members):
    names = list(members)
    mated = [(names[i], names[i + 1]) for i in range(len(names) - 1) if (i + 1) % PICTURES]
    others = [(names[i], names[(i + 50) % len(names)]) for i in range(len(names))]
    listed = mated + others
    is_mated = np.arange(len(listed)) < len(mated)
    first, second = zip(*listed, strict=True)
    return PairList(first, second, is_mated, np.zeros(len(listed), np.intp))


def judged(view, members):
    return judge_groups(view, pairs_of(members), members, (SCORING, THRESHOLD), 0)


@pytest.fixture(scope="module")
def found():
    return judged(*made(blurred=0.2))


def test_a_planted_difference_shows_in_shares_quantiles_and_ratio(found):
    first, second = found.groups
    assert (first.group, first.people, first.images) == ("a", EACH, EACH * PICTURES)
    assert first.forwarded.low > second.forwarded.high
    assert first.scores[2] - second.scores[2] == pytest.approx(100 * LOWER, abs=3)
    ratio = found.measures["prefiqs"]
    assert ratio.ratio.high < 1
    assert (ratio.lowest, ratio.highest) == ("b", "a")


def test_a_measure_without_the_difference_has_a_ratio_near_one(found):
    free = found.measures["free"].ratio
    assert free.low < 1
    assert free.value > 0.85


def test_errors_are_counted_by_group_at_one_threshold(found):
    first, second = (group.errors[0] for group in found.groups)
    assert first.fmr == 0.01
    assert first.mated == second.mated == EACH * (PICTURES - 1)
    assert first.fnmr.value == 0
    assert second.fnmr.low > 0.1


def test_a_rate_that_cannot_be_measured_is_undefined(found):
    assert found.groups[0].errors[1].fmr == 0.001
    assert found.groups[0].errors[1].fnmr is None


def test_without_a_difference_the_shares_agree():
    first, second = judged(*made(lower=0.0)).groups
    assert first.forwarded.low < second.forwarded.high
    assert second.forwarded.low < first.forwarded.high


def test_quality_that_hangs_on_the_picture_alone_has_no_variance_between_people():
    between = judged(*made(lower=0.0)).measures["prefiqs"].variance_between
    assert between.low < 0 < between.high


def test_images_without_a_group_count_nowhere():
    view, members = made()
    some = {name: each for name, each in members.items() if not name.startswith("a1/")}
    found = judged(view, some)
    assert found.without_group == PICTURES
    assert found.groups[0].people == EACH - 1


def test_a_group_without_a_face_is_named():
    view, members = made()
    members["absent"] = Membership("c", "c")
    with pytest.raises(EvaluationError, match="of the group c"):
        judged(view, members)


def test_the_tables_say_shares_errors_and_what_is_undefined(found):
    console = Console(file=io.StringIO(), width=200, record=True)
    for table in group_tables(found):
        console.print(table)
    text = console.export_text()
    assert "score 60" in text
    assert "FNMR at FMR 0.01" in text
    assert "undefined" in text
    assert "prefiqs" in text


def test_figures_are_finite_in_json(found):
    json.dumps(asdict(found), allow_nan=False)
