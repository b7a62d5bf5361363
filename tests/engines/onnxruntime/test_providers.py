"""Options of ONNX Runtime's providers; and that the library itself falls back without a word."""

from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from engines.graph.shapes import state_shape
from engines.onnxruntime.providers import tensorrt_options, with_options
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.profile import BatchProfile, ShapeProfile
from tests.networks import TinyNetwork, loaded

ORIN = Fingerprint("tensorrt", "10.3.0", "aarch64", device="Orin Nano", l4t="36.4.3")
PROFILE = BatchProfile(smallest=1, usual=2, largest=4)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))


def test_one_profile_covers_every_batch_size(tmp_path):
    found = tensorrt_options(loaded(tmp_path).model, ORIN, PROFILE)
    assert found["trt_profile_min_shapes"] == "input:1x3x20x16"
    assert found["trt_profile_max_shapes"] == "input:4x3x20x16"


@pytest.mark.parametrize("change", [{"tensorrt": "10.7.0"}, {"device": "AGX"}, {"l4t": "36.5"}])
def test_another_machine_has_another_cache_folder(tmp_path, change):
    model = loaded(tmp_path).model
    here, there = (
        Path(tensorrt_options(model, each, PROFILE)["trt_engine_cache_path"])
        for each in (ORIN, replace(ORIN, **change))
    )
    assert here != there
    assert here.is_dir()
    assert there.is_dir()


def test_other_providers_get_no_options():
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert with_options(names, b"") == [(name, {}) for name in names]


def test_the_providers_keep_their_order(tmp_path):
    content = loaded(tmp_path).model.SerializeToString()
    names = ["TensorrtExecutionProvider", "CPUExecutionProvider"]
    assert [name for name, _ in with_options(names, content, ORIN)] == names


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_onnx_runtime_itself_goes_on_with_the_cpu_which_is_why_we_ask(tmp_path):
    content = loaded(tmp_path, TinyNetwork(batch_norm=False)).model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["TensorrtExecutionProvider"])
    assert session.get_providers() == ["CPUExecutionProvider"]


SEVERAL = ShapeProfile(smallest=(1, 3, 12, 12), usual=(1, 3, 20, 16), largest=(1, 3, 99, 98))


def test_a_network_that_takes_images_of_several_sizes_gets_one_profile_for_all(tmp_path):
    model = loaded(tmp_path).model
    state_shape(model.graph.input[0], (1, 3, "height", "width"))
    found = tensorrt_options(model, ORIN, PROFILE, SEVERAL)
    assert found["trt_profile_min_shapes"] == "input:1x3x12x12"
    assert found["trt_profile_opt_shapes"] == "input:1x3x20x16"
    assert found["trt_profile_max_shapes"] == "input:1x3x99x98"


def test_a_network_that_no_golden_vectors_prove_is_not_run_in_fp16(tmp_path):
    model = loaded(tmp_path).model
    assert tensorrt_options(model, ORIN, PROFILE)["trt_fp16_enable"] == "1"
    assert tensorrt_options(model, ORIN, PROFILE, SEVERAL)["trt_fp16_enable"] == "0"


def test_an_input_of_one_size_gets_no_profile(tmp_path):
    model = loaded(tmp_path).model
    state_shape(model.graph.input[0], (1, 3, 20, 16))
    found = tensorrt_options(model, ORIN, PROFILE, SEVERAL)
    assert not [name for name in found if "profile" in name]
