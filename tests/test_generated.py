"""Generated tests: no clock fails them, and CI repeats the same examples."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

SHOWN = "import tests.conftest, hypothesis; print(hypothesis.settings().derandomize)"


def test_no_clock_fails_a_generated_test():
    assert settings().deadline is None


@pytest.mark.parametrize(("ci", "derandomized"), [("true", "True\n"), ("", "False\n")])
def test_examples_are_the_same_each_time_in_ci_only(ci, derandomized):
    root, environment = Path(__file__).resolve().parents[1], os.environ | {"CI": ci}
    run = [sys.executable, "-c", SHOWN]
    shown = subprocess.run(
        run, cwd=root, env=environment, check=True, capture_output=True, text=True
    )
    assert shown.stdout == derandomized
