from types import SimpleNamespace
from typing import Any

from tests.conftest import pytest_collection_modifyitems
from tests.longest import LONGEST, TESTS


def test_every_file_that_is_begun_first_is_there():
    assert [file for file in LONGEST if not file.is_file()] == []


def test_the_longest_come_first_and_the_order_among_others_stays():
    long = min(LONGEST)
    others = [TESTS / "test_units.py", TESTS / "edge/test_backoff.py"]
    items: Any = [SimpleNamespace(path=path) for path in (*others, long)]
    pytest_collection_modifyitems(items)
    assert [each.path for each in items] == [long, *others]
