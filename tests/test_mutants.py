"""The mutants that `python -m tests.mutate` makes."""

import ast
from pathlib import Path

import pytest

from tests.mutants import mutants_of
from tests.mutate import ROOT, Target, outcome_of

PATIENCE_S = 300.0
"""Only a defect waits as long."""


def changes(source):
    return [mutant.change for mutant in mutants_of(source)]


def test_a_comparison_moves_its_boundary_and_turns_round():
    assert changes("x = a < b") == ["a < b  ->  a <= b", "a < b  ->  a >= b"]


def test_a_condition_loses_each_of_its_parts():
    assert changes("x = a and b") == ["a and b  ->  a or b", "a and b  ->  b", "a and b  ->  a"]


def test_statements_are_dropped_and_results_are_forgotten():
    source = "def f(self):\n    self.x = y\n    go()\n    return z"
    assert changes(source) == ["self.x = y  ->  pass", "go()  ->  pass", "return z  ->  return"]


def test_a_query_moves_its_boundary():
    assert changes("q = 'SELECT a FROM b WHERE c <= 1'") == [
        "'SELECT a FROM b WHERE c <= 1'  ->  'SELECT a FROM b WHERE c < 1'"
    ]


@pytest.mark.parametrize(
    "source",
    ["'''Say 1 < 2.'''", "log.info('%d', 1)", "x: Literal[1]", "@f(1)\nclass A:\n    b: int"],
)
def test_what_makes_no_difference_to_a_program_stays(source):
    assert changes(source) == []


def test_each_mutant_differs_from_the_module_in_one_place():
    source = "def f(a, b):\n    if a > 0 and not b:\n        return a + 1\n    return min(a, 2)"
    whole = ast.unparse(ast.parse(source)).splitlines()
    for mutant in mutants_of(source):
        lines = ast.unparse(mutant.tree).splitlines()
        assert sum(one != other for one, other in zip(whole, lines, strict=True)) == 1


def test_a_mutant_is_killed_by_the_tests_of_its_module_and_the_module_is_not():
    target = Target(Path("edge/backoff.py"))
    source = (ROOT / target.path).read_text()
    first = next(mutants_of(source))
    assert outcome_of(target, ast.parse(source), (), PATIENCE_S) == "passed"
    assert outcome_of(target, first.tree, (), PATIENCE_S) == "failed"


def test_a_mutant_that_does_not_end_is_told_from_one_that_survives():
    endless = ast.parse("while True:\n    pass")
    assert outcome_of(Target(Path("edge/backoff.py")), endless, (), 1.0) == "endless"
