"""How generated tests run: as long as they take, and in CI always over the same examples."""

import gc
import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.longest import LONGEST

# No clock decides: a busy machine makes no test fail.
settings.register_profile(
    "patient", deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("repeated", settings.get_profile("patient"), derandomize=True)
# A mutant needs no smallest example; see tests/mutate.py.
settings.register_profile(
    "mutants",
    settings.get_profile("repeated"),
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("repeated" if os.environ.get("CI") else "patient")

# Images of Python often set it. Hundreds of processes are started, and each would compile the
# project anew: half of the time of their start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Until all tests are collected: what they import stays, and was looked through again and again.
gc.disable()


def pytest_collection_finish() -> None:
    """
    Leave what exists for as long as the tests run out of every later collection of garbage.

    A pair that is opened or closed collects (see `engines.onnxruntime.heap`), and went through
    all modules and tests each time.
    """
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, in whatever order they and the others are."""
    items.sort(key=lambda item: item.path not in LONGEST)
