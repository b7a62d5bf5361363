import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigError, TuningError
from edge.history.file import HistoryFile
from edge.history.tables import Mark, put_mark
from edge.tuning.marked import agreement, mark_steps, marks_in, suggest_for_marks


def mark(score, wanted, track="a", pair_id="pair"):
    return Mark("door", pair_id, track, float(score), wanted, 0.0)


def suggested(marks, current=None):
    return suggest_for_marks(marks, current, np.random.default_rng(0))


CLEAR = [mark(score, score >= 40) for score in range(20, 60, 4)]


def test_the_threshold_lies_between_what_is_wanted_and_what_is_not():
    found = suggested(CLEAR)
    assert 36 < found.threshold <= 40
    assert found.achieved == 1
    assert found.interval.low <= found.threshold <= found.interval.high


@pytest.mark.parametrize(("current", "threshold"), [(38.5, 38.5), (50, 40), (10, 40)])
def test_the_threshold_in_effect_stays_when_it_decides_the_same(current, threshold):
    assert suggested(CLEAR, current).threshold == threshold


@given(
    st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=10, max_size=30),
    st.integers(0, 100),
)
def test_no_threshold_agrees_with_more_marks(told, current):
    marks = [mark(score, wanted) for score, wanted in told]
    wanted = sum(one.wanted for one in marks)
    if min(wanted, len(marks) - wanted) < 3:
        return
    best = agreement(marks, suggested(marks, current).threshold)
    for other in np.arange(0, 101.0):
        found = agreement(marks, other)
        assert found.passed + found.kept <= best.passed + best.kept


def test_the_curve_is_the_share_decided_as_marked():
    steps = mark_steps(CLEAR)
    for threshold, achieved in zip(steps.threshold, steps.achieved, strict=True):
        found = agreement(CLEAR, threshold)
        assert achieved == pytest.approx((found.passed + found.kept) / len(CLEAR))


@pytest.mark.parametrize("marks", [CLEAR[:9], [mark(n, n > 1) for n in range(20)]])
def test_too_few_marks_are_refused_with_the_way_to_more(marks):
    with pytest.raises(TuningError, match=r"10 are needed, 3 of each kind.*page\.history"):
        suggested(marks)


def test_a_file_that_may_not_be_looked_for_is_no_file_without_marks(tmp_path):
    path = tmp_path / ("n" * 256) / "history.sqlite"  # as in a folder that one may not enter
    with pytest.raises(ConfigError, match=r"history .*: File name too long"):
        marks_in(path)("door", "pair")


def test_only_marks_of_the_camera_and_the_pair_count(tmp_path):
    path = tmp_path / "history.sqlite"
    assert marks_in(path)("door", "pair") == marks_in(None)("door", "pair") == ()
    file = HistoryFile(path, lambda: 0.0)
    with file.changed() as database:
        for one in (mark(1, True, "a"), mark(2, False, "b", "other"), mark(3, False, "a")):
            put_mark(database, one)
    file.close()
    assert [one.score for one in marks_in(path)("door", "pair")] == [3]
    assert not marks_in(path)("yard", "pair")
