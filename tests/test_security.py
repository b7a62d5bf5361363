"""The table of attacks names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| (?P<attack>[^|]+) \| [^|]+ \| `(?P<file>[^:`|]+)::(?P<name>\w+)` \|$")


def attacks():
    text = (ROOT / "docs/security.md").read_text()
    table = text.partition("\n## Attacks\n")[2].split("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("|")][2:]


def test_there_are_attacks():
    assert len(attacks()) > 10


@pytest.mark.parametrize("row", attacks())
def test_each_attack_has_a_test_that_exists(row):
    found = ROW.fullmatch(row)
    assert found is not None, row
    parsed = ast.parse((ROOT / found["file"]).read_text())
    assert found["name"] in {
        node.name for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef)
    }
