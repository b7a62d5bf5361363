"""Pages of gates, served and ended with the test."""

import pytest

from tests.edge.looked_at import NEEDS_A_TOKEN, looked_at


@pytest.fixture
def gate(tmp_path):
    with looked_at(tmp_path) as served:
        yield served


@pytest.fixture
def guarded(tmp_path):
    """Return one that asks for a token."""
    with looked_at(tmp_path, NEEDS_A_TOKEN) as served:
        yield served
