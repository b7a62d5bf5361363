"""TensorRT reports failure by None, False, -1 or a line in its log; each becomes one error."""

import os
import signal
import threading

import pytest
from rich.progress import Progress

from engines.plans.builder.build import build_plan
from engines.plans.builder.typing_mode import choose_typing
from engines.tensorrt.api import describe, load_api
from engines.tensorrt.errors import BuildError, ParseError
from engines.tensorrt.profile import BatchProfile
from tests.engines.tensorrt.api_table import VERSIONS
from tests.engines.tensorrt.fake_builder import plan_facts
from tests.engines.tensorrt.fake_gpu import FakeGpu
from tests.engines.tensorrt.fake_tensorrt import fake_tensorrt
from tests.engines.tensorrt.plans import World, build, request_for, tiny_model


@pytest.fixture
def model(tmp_path):
    return tiny_model(tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_builds_with_the_typing_it_offers(version, model):
    api = World(version).api()
    typing = choose_typing(api, "auto")
    graph = model.SerializeToString() if typing == "weak" else request_for(model).onnx
    built = build(api, request_for(model, typing=typing, onnx=graph))
    shapes = plan_facts(built.content)[0]["shapes"]
    assert shapes == [[count, 3, 20, 16] for count in (1, 2, 4)]


def test_strong_typing_is_preferred_where_both_exist():
    assert choose_typing(World("10.3.0").api(), "auto") == "strong"


def test_weak_typing_is_used_where_strong_does_not_exist():
    assert choose_typing(World("8.6.1").api(), "auto") == "weak"


@pytest.mark.parametrize(("version", "wanted"), [("8.6.1", "strong"), ("11.4.0.106", "weak")])
def test_a_typing_that_the_version_lacks_is_refused(version, wanted):
    with pytest.raises(BuildError, match=f"offers no {wanted} typing"):
        choose_typing(World(version).api(), wanted)


def test_rtx_1_4_lists_the_fp16_flag_but_is_never_given_it():
    with pytest.raises(BuildError, match="offers no weak typing"):
        choose_typing(World("rtx1.4").api(), "weak")


def test_weak_typing_sets_the_fp16_flag_and_pins_the_last_layer_to_fp32(model):
    request = request_for(model, typing="weak", onnx=model.SerializeToString())
    built = build(World("8.6.1").api(), request)
    assert built.flags == ("FP16", "OBEY_PRECISION_CONSTRAINTS")
    assert "embedding_raw" in plan_facts(built.content)[0]["pinned"]


def test_weak_typing_that_can_pin_no_layer_is_refused(model):
    request = request_for(
        model, typing="weak", onnx=model.SerializeToString(), kept_fp32=("elsewhere",)
    )
    with pytest.raises(BuildError, match="no layer of elsewhere"):
        build(World("8.6.1").api(), request)


def test_an_fp32_plan_gets_no_fp16_flag(model):
    request = request_for(
        model, typing="weak", precision="fp32", onnx=model.SerializeToString(), kept_fp32=()
    )
    assert build(World("8.6.1").api(), request).flags == ()


def test_garbage_that_the_parser_calls_parsed_is_refused(model):
    with pytest.raises(ParseError, match="inputs none and outputs none, expected input"):
        build(World().api(), request_for(model, onnx=b"hello"))


def test_every_complaint_of_the_parser_is_shown_with_its_node(model):
    with pytest.raises(ParseError) as caught:
        build(World(faults={"parse"}).api(), request_for(model))
    assert "node stem: no importer for Conv" in str(caught.value)
    assert "node activated: no importer for PRelu" in str(caught.value)


def test_tensorrt_8_knows_only_node_numbers_and_the_name_is_looked_up(model):
    request = request_for(model, typing="weak", onnx=model.SerializeToString())
    with pytest.raises(ParseError, match=r"node activated \(PRelu\): no importer"):
        build(World("8.6.1", faults={"parse"}).api(), request)


def test_a_plan_of_none_is_an_error_with_tensorrts_own_words(model):
    with pytest.raises(BuildError, match="built no plan: Error Code 9"):
        build(World(faults={"build"}).api(), request_for(model))


def test_a_profile_index_of_minus_one_is_an_error(model):
    wrong = BatchProfile(smallest=4, usual=2, largest=1)
    with pytest.raises(BuildError, match=r"refused batch sizes \(4, 2, 1\)"):
        build(World().api(), request_for(model, profile=wrong))


def test_a_workspace_that_was_not_taken_is_an_error(model):
    with pytest.raises(BuildError, match="refused a workspace"):
        build(World(faults={"workspace"}).api(), request_for(model))


def test_a_flag_that_was_not_taken_is_an_error(model):
    with pytest.raises(BuildError, match="refused the flag SPARSE_WEIGHTS"):
        build(World(faults={"flag"}).api(), request_for(model, sparse=True))


def test_a_setting_refused_only_in_the_log_is_an_error(model):
    module = fake_tensorrt("10.3.0", FakeGpu())
    create = module.Builder.create_builder_config

    def grumbling(builder):
        builder._logger.log(1, "Error Code 3: API Usage Error")
        return create(builder)

    module.Builder.create_builder_config = grumbling
    with pytest.raises(BuildError, match="refused a setting: Error Code 3"):
        build(describe(module, "tensorrt"), request_for(model, sparse=True))


def test_a_builder_without_a_driver_is_an_error_that_says_so(model):
    with pytest.raises(BuildError, match="no usable CUDA driver"):
        build(World(driver=False).api(), request_for(model))


def test_the_timing_cache_of_an_earlier_build_is_used_and_returned(model):
    built = build(World().api(), request_for(model, timings=b"earlier"))
    assert built.timings == b"earlier+timings"


# TensorRT says False to the first, and gives None for the second.
@pytest.mark.parametrize("content", [b"other device", b"damaged"])
def test_a_timing_cache_that_cannot_be_used_is_replaced_by_a_new_one(model, content):
    built = build(World().api(), request_for(model, timings=content))
    assert built.timings == b"+timings"


def test_where_tensorrt_gives_no_timing_cache_at_all_the_plan_is_built_without(model):
    built = build(World(faults={"no cache"}).api(), request_for(model, timings=b""))
    assert (len(built.content) > 0, built.timings) == (True, None)


def test_without_a_timing_cache_none_is_kept(model):
    assert build(World().api(), request_for(model)).timings is None


def test_an_rtx_plan_can_be_made_for_a_device_that_is_not_here(model):
    built = build(
        World("rtx1.7", driver=False).api(), request_for(model, compute_capability="SM86")
    )
    assert built.content[:4] == b"vtrt"


def test_an_unknown_compute_capability_is_refused_with_those_that_exist(model):
    with pytest.raises(BuildError, match=r"no compute capability SM87 .* SM86"):
        build(World("rtx1.7", driver=False).api(), request_for(model, compute_capability="SM87"))


def test_plain_tensorrt_builds_for_no_other_device(model):
    with pytest.raises(BuildError, match="only for the GPU it runs on"):
        build(World().api(), request_for(model, compute_capability="SM86"))


def test_setting_the_event_cancels_a_build(model):
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(KeyboardInterrupt):
        build_plan(World().api(), request_for(model), Progress(disable=True), cancelled)


def test_ctrl_c_cancels_a_build_at_its_next_step_and_is_itself_again_afterwards(model):
    module = fake_tensorrt("10.3.0", FakeGpu())

    build_anyway = module.Builder.build_serialized_network

    def interrupted(builder, network, config):
        os.kill(os.getpid(), signal.SIGINT)
        return build_anyway(builder, network, config)

    module.Builder.build_serialized_network = interrupted
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        build(describe(module, "tensorrt"), request_for(model))
    assert signal.getsignal(signal.SIGINT) == before


def test_a_library_that_is_not_installed_is_an_error_that_says_how_to_install_it():
    with pytest.raises(BuildError, match="python3-libnvinfer"):
        load_api("tensorrt")
