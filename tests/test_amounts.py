"""Whoever is told of one thing is told of "1 face", never of "1 faces"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.amounts import amount

ROOT = Path(__file__).parents[1]
NOUNS = (
    "camera channel comparison connection delivery device draw edge embedding event face failure "
    "file fold frame gate image input job layer letter level mark multiprocessor name packet pair "
    "people person photograph picture point recipe score second shift sink source thread token "
    "track vertex weight worker"
)
"""What is counted. Bytes, pixels and values are none: who is told of them is told of many."""
PLURALS = (
    "|".join(
        sorted(
            {
                noun.removesuffix("y") + "ies" if noun[-1] == "y" else noun + "s"
                for noun in NOUNS.split()
            }
        )
    )
    + "|people"
)
QUALITIES = "accepted|different|forwarded|golden|mated|non-mated|recorded|scored|such|wrong"
COUNTED = re.compile(rf"\0(?: (?:{QUALITIES}))? (?:{PLURALS})\b")
IN_SCRIPT = re.compile(r"\$\{[^{}]*\}")
NO_COUNTS = {"kind", "name", "self.name", "one.name"}
"""What stands before such a noun and says which ones."""


def is_whole(part: ast.FormattedValue) -> bool:
    """Tell whether a number may stand there that is 1; one in capitals is a limit, and is not."""
    spec = ast.unparse(part.format_spec) if part.format_spec else ""
    text = ast.unparse(part.value)
    return not (
        re.search(r"[efg%]['\"]$", spec)
        or text.isupper()
        or text in NO_COUNTS
        or text.endswith(".shape")
    )


def spelled(node: ast.AST) -> str:
    """Return a text with a NUL for each number that is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(spelled, node.values))
    if isinstance(node, ast.FormattedValue):
        return "\0" if is_whole(node) else "\N{BULLET}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.replace("%d", "\0")
    return ""


def bare(code: str) -> Iterator[str]:
    """Yield each text of a module in which a plural follows a number, whatever that number is."""
    for node in ast.walk(ast.parse(code)):
        found = COUNTED.search(spelled(node))
        if found:
            yield f"{getattr(node, 'lineno', 0)}: …{found[0]!r}"


@pytest.mark.parametrize("package", ["edge", "engines"])
def test_no_message_has_a_plural_behind_a_number_that_may_be_1(package):
    found = {
        f"{path.relative_to(ROOT)}:{each}"
        for path in (ROOT / package).rglob("*.py")
        for each in bare(path.read_text())
    }
    assert sorted(found) == []


@pytest.mark.parametrize("page", ["page", "fleet"])
def test_no_page_has_a_plural_behind_a_number_that_may_be_1(page):
    found = {
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "edge" / page / "static").glob("*.js")
        for line in path.read_text().splitlines()
        if COUNTED.search(IN_SCRIPT.sub("\0", line))
    }
    assert sorted(found) == []


@pytest.mark.parametrize(
    "code",
    ['f"{len(x)} faces are lost"', '"%d faces"', 'f"a {n:,} mated pairs"', 'f"{n} deliveries"'],
)
def test_a_plural_behind_a_number_is_found(code):
    assert list(bare(code))


@pytest.mark.parametrize(
    "code",
    [
        "f\"{amount(n, 'face')} lost\"",
        'f"{MOST} faces"',
        'f"{x:.1f} faces"',
        'f"{one.name} images"',
    ],
)
def test_what_is_no_number_of_things_is_not(code):
    assert not list(bare(code))


def test_one_thing_is_one_and_none_are_several():
    assert [amount(count, "face") for count in (1, 2, 0)] == ["1 face", "2 faces", "0 faces"]


def test_a_plural_of_its_own_is_taken():
    assert [amount(n, "person", "people") for n in (1, 2)] == ["1 person", "2 people"]
