import logging

import pytest


@pytest.fixture(autouse=True)
def _log_as_before():
    """A service that runs in this process logs for good, to what is standard error of one test."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.level, root.handlers[:] = level, handlers
