"""Pairs for OpenVINO: the real library decides on real, tiny networks."""

from dataclasses import replace

import numpy as np
import pytest
from rich.progress import Progress

from engines.build import openvino_pair
from engines.build.openvino_pair import BF16_TOLERANCE, build_openvino_pair
from engines.errors import BackendError, PrecisionError
from engines.graph.fp16_gate import Fp16Limits
from engines.openvino.api import NoOpenVinoError, load_openvino
from engines.pair.execution import Execution
from engines.pair.manifest import read_manifest
from engines.pair.pair import open_pair
from tests.networks import loaded
from tests.openvino_here import needs_openvino
from tests.pairs import request

QUIET = Progress(disable=True)
LAX = Fp16Limits(min_cosine=0.9, relative_shift_error=10, rank_agreement=-1)
STRICT = Fp16Limits(min_cosine=1.1)


@pytest.fixture
def wanted(tmp_path):
    return request(loaded(tmp_path))


@pytest.fixture
def bf16():
    if not load_openvino().has_bf16:
        pytest.skip("this processor does not compute bfloat16")


def limits(monkeypatch, chosen):
    monkeypatch.setattr(openvino_pair, "Fp16Limits", lambda: chosen)


@needs_openvino
def test_a_pair_in_f32_embeds_as_onnx_runtime_does(wanted, tmp_path):
    manifest, trial = build_openvino_pair(wanted, tmp_path / "pair", "f32", QUIET)
    assert (manifest.backend, manifest.precision, trial.precision) == ("openvino", None, "f32")
    assert manifest.versions["openvino"] == load_openvino().version
    faces = wanted.golden.images
    with open_pair(tmp_path / "pair") as pair:
        assert pair.engine == f"OpenVINO {load_openvino().version}, f32"
        found = pair.embed(faces)
    with open_pair(tmp_path / "pair", execution=Execution(backend="onnxruntime")) as other:
        assert other.engine.startswith("ONNX Runtime ")
        assert np.allclose(found, other.embed(faces), atol=1e-4)


@needs_openvino
@pytest.mark.usefixtures("bf16")
def test_bf16_that_keeps_the_order_of_faces_is_taken_and_said_in_the_manifest(
    wanted, tmp_path, monkeypatch
):
    limits(monkeypatch, LAX)
    plain, _ = build_openvino_pair(wanted, tmp_path / "plain", "f32", QUIET)
    monkeypatch.setattr(openvino_pair, "BF16_TOLERANCE", replace(BF16_TOLERANCE, **ROUGH))
    manifest, trial = build_openvino_pair(wanted, tmp_path / "pair", None, QUIET)
    assert (trial.precision, trial.why_not, trial.faces) == ("bf16", "", len(wanted.golden.images))
    assert manifest == read_manifest(tmp_path / "pair")
    assert (manifest.precision, manifest.pair_id == plain.pair_id) == ("bf16", False)
    with open_pair(tmp_path / "pair") as pair:
        assert pair.engine.endswith(", bf16")


ROUGH = {"minimum_cosine": 0.9, "shift_absolute": 0.2}
"""Random weights are no face recognition network: bfloat16 moves them further."""


@needs_openvino
@pytest.mark.usefixtures("bf16")
def test_bf16_that_misses_a_limit_is_not_taken_and_the_figure_is_told(
    wanted, tmp_path, monkeypatch
):
    limits(monkeypatch, STRICT)
    manifest, trial = build_openvino_pair(wanted, tmp_path / "pair", None, QUIET)
    assert (manifest.precision, trial.precision) == (None, "f32")
    assert "bfloat16 is refused: cosine to FP32 0.9" in trial.why_not
    assert trial.deviation is not None
    open_pair(tmp_path / "pair").close()


@needs_openvino
@pytest.mark.usefixtures("bf16")
def test_bf16_that_is_insisted_on_and_misses_a_limit_leaves_no_pair(wanted, tmp_path, monkeypatch):
    limits(monkeypatch, STRICT)
    with pytest.raises(PrecisionError, match=r"refused: cosine .*take --precision fp32"):
        build_openvino_pair(wanted, tmp_path / "pair", "bf16", QUIET)
    assert not (tmp_path / "pair").exists()


@needs_openvino
def test_a_processor_without_bf16_builds_in_f32_and_says_why(wanted, tmp_path, monkeypatch):
    without = replace(load_openvino(), has_bf16=False)
    monkeypatch.setattr(openvino_pair, "load_openvino", lambda: without)
    manifest, trial = build_openvino_pair(wanted, tmp_path / "pair", None, QUIET)
    assert manifest.precision is None
    assert trial.why_not == "this processor has no bfloat16"
    with pytest.raises(BackendError, match="does not compute bfloat16: take --precision fp32"):
        build_openvino_pair(wanted, tmp_path / "other", "bf16", QUIET)


def test_a_missing_package_is_told_before_anything_is_built(wanted, tmp_path, monkeypatch):
    def missing():
        raise NoOpenVinoError("it is missing")

    monkeypatch.setattr(openvino_pair, "load_openvino", missing)
    with pytest.raises(NoOpenVinoError):
        build_openvino_pair(wanted, tmp_path / "pair", None, QUIET)
    assert not (tmp_path / "pair").exists()
