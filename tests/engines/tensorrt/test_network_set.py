"""Several networks with inputs of their own, over a fake device that computes."""

import threading

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from rich.progress import Progress

from engines.errors import BackendError
from engines.plans.options import PlanOptions
from engines.plans.planned_detector import SetNetwork
from engines.plans.set_networks import prepare_set
from engines.plans.workshop import Tools, build_network_plan, open_workshop
from engines.tensorrt.backend import open_plan_set
from engines.tensorrt.errors import CudaError, PlanInterfaceError
from engines.tensorrt.profile import ShapeProfile
from engines.tensorrt.sidecar import read_sidecar, write_sidecar
from tests.engines.tensorrt.plans import World

SHAPES = {
    "images": ShapeProfile(smallest=(1, 3, 8, 8), usual=(1, 3, 9, 12), largest=(1, 3, 20, 16)),
    "rows": ShapeProfile(smallest=(1, 3, 8, 8), usual=(2, 3, 8, 8), largest=(4, 3, 8, 8)),
}


def model_file(folder, seed):
    float_, axes = onnx.TensorProto.FLOAT, ["batch", 3, "height", "width"]
    weights = np.random.default_rng(seed).normal(0, 0.1, (4, 3, 3, 3)).astype(np.float32)
    body = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["found"], kernel_shape=[3, 3])],
        "one convolution",
        [helper.make_tensor_value_info("image", float_, axes)],
        [helper.make_tensor_value_info("found", float_, list("abcd"))],
        [numpy_helper.from_array(weights, "w")],
    )
    path = folder / f"{seed}.onnx"
    opsets = [helper.make_opsetid("", 11)]
    onnx.save(helper.make_model(body, opset_imports=opsets, ir_version=6), path)
    return path, weights


@pytest.fixture
def world():
    return World()


@pytest.fixture
def weights(tmp_path):
    return {name: model_file(tmp_path, seed) for seed, name in enumerate(SHAPES)}


@pytest.fixture
def plans(world, weights, tmp_path):
    options = PlanOptions(precision="fp32", timing_cache=tmp_path / "kernels.timing")
    tools = Tools(world.gpu.port, world.api, world.here, lambda: 1 << 30)
    workshop = open_workshop(options, tools)
    networks = [SetNetwork(name, weights[name][0], SHAPES[name]) for name in SHAPES]
    found = {}
    for network in prepare_set(networks, options, workshop.typing):
        record = build_network_plan(tmp_path, network, None, workshop, Progress(disable=True))
        found[network.source.role] = tmp_path / record.name
    world.gpu.journal.clear()
    world.gpu.threads.clear()
    return found


@pytest.fixture
def opened(plans, world):
    network_set = open_plan_set(plans, world.runtime())
    yield network_set
    network_set.close()


def images(*shape):
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def convolved(inputs, weights):
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weights)


@pytest.mark.parametrize("size", [(8, 8), (9, 12), (20, 16), (8, 16), (13, 11)])
def test_images_of_any_size_of_the_profile_are_computed(opened, weights, size):
    inputs = images(1, 3, *size)
    (found,) = opened.networks["images"].run(inputs)
    np.testing.assert_allclose(found, convolved(inputs, weights["images"][1]), atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_rows_are_computed_in_batches(opened, weights, count):
    inputs = images(count, 3, 8, 8)
    (found,) = opened.networks["rows"].run(inputs)
    np.testing.assert_allclose(found, convolved(inputs, weights["rows"][1]), atol=1e-5)


def test_a_small_image_after_a_large_one_sees_nothing_of_it(opened, weights):
    opened.networks["images"].run(images(1, 3, 20, 16))
    inputs = images(1, 3, 8, 9)
    (found,) = opened.networks["images"].run(inputs)
    assert found.shape == (1, 4, 6, 7)
    np.testing.assert_allclose(found, convolved(inputs, weights["images"][1]), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 3, 7, 8), (1, 3, 21, 16), (1, 1, 8, 8), (3, 8, 8), ()])
def test_what_the_plan_does_not_take_is_refused_with_what_it_takes(opened, shape):
    with pytest.raises(BackendError, match=r"takes float32 smallest=.*largest="):
        opened.networks["images"].run(np.zeros(shape, np.float32))


def test_only_batches_are_replayed_from_graphs(opened, world):
    world.gpu.journal.clear()
    opened.networks["images"].run(images(1, 3, 9, 12))
    opened.networks["rows"].run(images(2, 3, 8, 8))
    assert [line.split()[0] for line in world.gpu.journal].count("launch") == 1


def test_one_thread_owns_the_device_of_all_networks(opened, world):
    callers = [
        threading.Thread(target=opened.networks[name].run, args=(images(1, 3, 8, 8),))
        for name in SHAPES
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(world.gpu.threads) == 1


def test_everything_goes_back_when_any_network_is_closed_and_closed_again(opened, world):
    opened.networks["rows"].close()
    opened.close()
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())
    with pytest.raises(BackendError, match="are closed"):
        opened.networks["images"].run(images(1, 3, 8, 8))


def test_a_lost_device_is_told_by_every_network_until_the_process_starts_anew(opened, world):
    def lost(_stream):
        raise CudaError("CUDA: unspecified launch failure (error 719)")

    world.gpu.synchronise = lost
    object.__setattr__(opened._device._port, "synchronise", lost)
    with pytest.raises(CudaError, match="719"):
        opened.networks["rows"].run(images(1, 3, 8, 8))
    with pytest.raises(BackendError, match="restart the process"):
        opened.networks["images"].run(images(1, 3, 8, 8))


def test_each_network_says_what_runs_it(opened):
    assert opened.networks["images"].engine == "TensorRT 10.3.0, fp32"


def test_times_are_those_of_the_devices_events(opened):
    assert opened.device_ms("images", images(1, 3, 8, 8), 3).tolist() == [1.5] * 3


def test_an_engine_of_other_sizes_than_its_manifest_says_is_refused(plans, world):
    sidecar = read_sidecar(plans["images"])
    larger = SHAPES["images"].model_copy(update={"largest": (1, 3, 21, 16)})
    write_sidecar(plans["images"], sidecar.model_copy(update={"shapes": larger}))
    with pytest.raises(PlanInterfaceError, match=r"in shapes .*\(1, 3, 20, 16\)"):
        open_plan_set(plans, world.runtime())
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())


def test_an_output_larger_than_its_buffer_is_never_written(plans, world):
    sidecar = read_sidecar(plans["images"])
    (output,) = sidecar.outputs
    small = output.model_copy(update={"largest": (1, 4, 8, 8)})
    write_sidecar(plans["images"], sidecar.model_copy(update={"outputs": (small,)}))
    with pytest.raises(BackendError):
        open_plan_set(plans, world.runtime())
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())
