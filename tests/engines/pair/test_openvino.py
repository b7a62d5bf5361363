"""Any pair run with OpenVINO; which precision, and what happens where it cannot be."""

import logging
from dataclasses import replace

import pytest

from engines.errors import PairIntegrityError
from engines.openvino import api
from engines.openvino.api import NoOpenVinoError, load_openvino
from engines.pair import execution
from engines.pair.execution import Execution, library_of
from engines.pair.manifest import Manifest, identified, read_manifest, write_manifest
from engines.pair.pair import open_pair
from tests.openvino_here import needs_openvino

OPENVINO = Execution(backend="openvino")


def say(folder, **changes):
    """Let the manifest say something else, as if it had been built so."""
    changed = read_manifest(folder).model_copy(update=changes)
    write_manifest(folder, identified(changed))


@pytest.fixture
def absent(monkeypatch):
    def missing():
        raise NoOpenVinoError(f"OpenVINO does not load (No module named 'x'): {api.INSTALL}")

    monkeypatch.setattr("engines.openvino.backend.load_openvino", missing)


@needs_openvino
def test_a_pair_of_onnx_runtime_runs_with_openvino_under_the_same_id(built):
    with open_pair(built) as plain, open_pair(built, execution=OPENVINO) as pair:
        assert pair.pair_id == plain.pair_id
        assert pair.engine == f"OpenVINO {load_openvino().version}, f32"


@needs_openvino
def test_what_is_built_for_openvino_runs_with_it_unless_told_otherwise(folder):
    say(folder, backend="openvino")
    with open_pair(folder) as pair:
        assert pair.engine.startswith("OpenVINO ")
    with open_pair(folder, execution=Execution(backend="onnxruntime")) as pair:
        assert pair.engine.startswith("ONNX Runtime ")


@needs_openvino
def test_bf16_on_a_processor_that_has_none_is_f32_and_the_log_says_so(folder, monkeypatch, caplog):
    say(folder, backend="openvino", precision="bf16")
    without = replace(load_openvino(), has_bf16=False)
    monkeypatch.setattr(execution, "load_openvino", lambda: without)
    with caplog.at_level(logging.WARNING), open_pair(folder) as pair:
        assert pair.engine.endswith(", f32")
    assert "in f32: this processor does not compute bfloat16" in caplog.text


@pytest.mark.usefixtures("absent")
def test_without_the_package_the_pair_does_not_open_and_the_error_has_the_command(built):
    with pytest.raises(NoOpenVinoError, match=r"pip install 'edge-gate\[openvino\]'"):
        open_pair(built, execution=OPENVINO)


@pytest.mark.usefixtures("absent")
def test_without_the_package_a_fallback_runs_onnx_runtime_and_warns(built, caplog):
    wanted = replace(OPENVINO, fallback="onnxruntime")
    with caplog.at_level(logging.WARNING), open_pair(built, execution=wanted) as pair:
        assert pair.engine.startswith("ONNX Runtime ")
    assert "with ONNX Runtime instead of OpenVINO" in caplog.text


@pytest.mark.parametrize(
    ("backend", "made_for", "library"),
    [
        ("auto", "onnxruntime", "onnxruntime"),
        ("auto", "openvino", "openvino"),
        ("auto", "rtx", "plans"),
        ("openvino", "tensorrt", "openvino"),
        ("onnxruntime", "openvino", "onnxruntime"),
        ("plans", "openvino", "plans"),
    ],
)
def test_the_user_decides_before_the_manifest(backend, made_for, library):
    assert library_of(backend, made_for) == library


def test_a_precision_of_another_backend_is_refused(folder):
    manifest = folder / "pair.yaml"
    manifest.write_text(f"{manifest.read_text(encoding='utf-8')}precision: bf16\n")
    with pytest.raises(PairIntegrityError, match="precision: bf16 needs backend openvino"):
        read_manifest(folder)


def test_a_pair_without_a_precision_keeps_its_id(built):
    said = read_manifest(built)
    assert "precision" not in (built / "pair.yaml").read_text(encoding="utf-8")
    assert Manifest.model_validate(said.model_dump(by_alias=True)).pair_id == said.pair_id
