"""How generated tests run: as long as they take, and in CI always over the same examples."""

import gc
import os
import sys

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


class Heap:
    """
    What exists for as long as the tests run is left out of every later collection of garbage.

    A pair that is opened or closed collects (see `engines.onnxruntime.heap`), and went through
    all modules and tests each time: a fifth of the time of tests that do so.
    """

    def __init__(self) -> None:
        self._modules = 0

    def pytest_collection_finish(self) -> None:
        """Begin to look for garbage."""
        gc.enable()
        self._leave_out()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Leave out libraries that tests have loaded since, which most do when they are used."""
        if len(sys.modules) > self._modules + 20:
            self._leave_out()

    def _leave_out(self) -> None:
        gc.collect()
        gc.freeze()
        self._modules = len(sys.modules)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Heap())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, in whatever order they and the others are."""
    items.sort(key=lambda item: item.path not in LONGEST)
