import os
import signal

import pytest
from rich.progress import Progress

from engines.build.build import build_pair
from engines.errors import BackendError, RecipeError
from engines.graph.fp16_gate import Fp16Limits
from engines.pair.manifest import read_manifest
from engines.plans import gate
from engines.plans.options import PlanOptions
from engines.plans.own_process import in_own_process
from engines.pruning.named_recipes import find_recipe
from engines.quality.preprocess import prepare
from tests.networks import loaded
from tests.pairs import request


def test_a_function_in_a_process_of_its_own_answers_or_raises_as_it_would_here():
    assert in_own_process("that tells its number", os.getpid) != os.getpid()
    with pytest.raises(RecipeError, match="no recipe 'none'"):
        in_own_process("that looks for a recipe", find_recipe, "mobilefacenet512", "none")


def test_a_process_that_was_killed_is_an_error_with_the_next_step():
    with pytest.raises(BackendError, match=r"that dies was killed, .* add swap"):
        in_own_process("that dies", signal.raise_signal, signal.SIGKILL)
    with pytest.raises(BackendError, match=r"that aborts ended .* \(exit code -6\)"):
        in_own_process("that aborts", os.abort)


def test_the_gate_of_a_large_pair_measures_elsewhere_what_it_would_measure_here(
    tmp_path, monkeypatch
):
    asked = request(loaded(tmp_path), form="fused")
    build_pair(asked, tmp_path / "pair", Progress(disable=True))
    options = PlanOptions(limits=Fp16Limits(0, 1e9, -1))
    inputs = prepare(asked.golden.images, read_manifest(tmp_path / "pair").specification)
    here = gate.gate_pair(tmp_path / "pair", options, inputs)
    monkeypatch.setattr(gate, "LARGE_BYTES", 0)
    asked_for = []

    def elsewhere(what, function, *arguments):
        asked_for.append(what)
        return in_own_process(what, function, *arguments)

    monkeypatch.setattr(gate, "in_own_process", elsewhere)
    assert gate.gate_pair(tmp_path / "pair", options, inputs) == here
    assert asked_for == ["that measured FP16"]
