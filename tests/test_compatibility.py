"""Each row of docs/compatibility.md names a test that is there."""

import re

import pytest

from tests.documents import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
LINES = PAGE.read_text(encoding="utf-8").splitlines()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in LINES
    if line.startswith("| ") and not line.startswith("| condition |")
]
VERSION = re.compile(r"Unreleased|\d+\.\d+\.\d+")
TEST = re.compile(r"\[`(\w+)`\]\(\.\./(tests/\S+\.py)\)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_its_version_and_a_test_that_is_there(row):
    _, _, _, since, test = row
    assert VERSION.fullmatch(since)
    named = TEST.fullmatch(test)
    assert named is not None
    assert f"\ndef test_{named[1]}(" in (ROOT / named[2]).read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_report_is_cited_by_project_and_number(row):
    for name, address in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", row[1]):
        issue = re.fullmatch(r"https://github\.com/[^/]+/([^/]+)/issues/(\d+)", address)
        assert issue is None or name == f"{issue[1]}#{issue[2]}"


def test_no_condition_is_listed_twice():
    conditions = [row[0] for row in ROWS]
    assert len(set(conditions)) == len(conditions) > 50
