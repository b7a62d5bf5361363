"""The `engine` section: which library runs the pair, decided once and checked."""

import pytest

from edge.config.engine import GPU_TOGETHER, EngineSettings, execution_of, frames_together
from engines.errors import BackendError
from engines.pair.execution import Execution
from engines.pair.pair import open_pair
from tests.pairs import put_pair


def test_the_defaults_take_what_the_pair_is_made_for():
    assert execution_of(EngineSettings()) == Execution()


def test_every_setting_reaches_the_opening_of_the_pair():
    settings = EngineSettings(
        backend="plans", providers=("CUDAExecutionProvider",), fallback="onnxruntime"
    )
    found = execution_of(settings)
    assert (found.backend, found.providers, found.fallback) == (
        "plans",
        ("CUDAExecutionProvider",),
        "onnxruntime",
    )


def test_a_fallback_for_plans_that_are_not_used_is_refused():
    with pytest.raises(ValueError, match="fallback is for plans"):
        EngineSettings(backend="onnxruntime", fallback="stop")


def test_a_fallback_is_for_openvino_too():
    settings = EngineSettings(backend="openvino", fallback="onnxruntime")
    assert execution_of(settings) == Execution(backend="openvino", fallback="onnxruntime")


def test_a_provider_that_is_not_in_use_stops_the_gate(tmp_path):
    put_pair(tmp_path)
    asked = execution_of(EngineSettings(providers=("CUDAExecutionProvider",)))
    with pytest.raises(BackendError, match="no CUDAExecutionProvider"):
        open_pair(tmp_path / "pair", execution=asked)


def test_insisting_on_plans_stops_where_the_pair_has_none(tmp_path):
    put_pair(tmp_path)
    with pytest.raises(BackendError, match="has no TensorRT plans"):
        open_pair(tmp_path / "pair", execution=execution_of(EngineSettings(backend="plans")))


@pytest.mark.parametrize(
    ("backend", "provider", "made_for", "together"),
    [
        ("auto", "CPUExecutionProvider", "onnxruntime", 1),
        ("auto", "CPUExecutionProvider", "tensorrt", GPU_TOGETHER),
        ("onnxruntime", "CPUExecutionProvider", "tensorrt", 1),
        ("plans", "CPUExecutionProvider", "rtx", GPU_TOGETHER),
        ("onnxruntime", "CUDAExecutionProvider", "onnxruntime", GPU_TOGETHER),
        ("auto", "CPUExecutionProvider", "openvino", 1),
        ("openvino", "CUDAExecutionProvider", "tensorrt", 1),
    ],
)
def test_cameras_share_a_batch_only_where_it_pays(backend, provider, made_for, together):
    settings = EngineSettings(backend=backend, providers=(provider,))
    assert frames_together(settings, made_for) == together


def test_the_second_opinion_of_a_pair_is_one_key_away():
    assert execution_of(EngineSettings()).second_opinion
    assert not execution_of(EngineSettings(second_opinion=False)).second_opinion
