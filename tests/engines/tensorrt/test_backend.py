"""Running plans over a fake device that computes: results, order of calls, and every failure."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from engines.errors import BackendError, EmbeddingError
from engines.graph.emulation import run_graph
from engines.graph.half_precision import half_precision
from engines.tensorrt.backend import open_plans
from engines.tensorrt.errors import CudaError, PlanError, PlanInterfaceError, PlanMismatchError
from engines.tensorrt.owner_thread import OwnerThread
from engines.tensorrt.profile import BatchProfile
from engines.tensorrt.sidecar import read_sidecar, write_sidecar
from tests.engines.graph.test_half_precision import two_branch_network
from tests.engines.tensorrt.fake_gpu import ORIN_NANO, FakeGpu
from tests.engines.tensorrt.plans import World, tiny_model


def faces(count: int = 3):
    return np.random.default_rng(count).normal(0, 1, (count, 3, 20, 16)).astype(np.float32)


@pytest.fixture
def models(tmp_path):
    return [tiny_model(tmp_path, seed) for seed in (1, 2)]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def plans(world, models, tmp_path):
    return [
        world.write(tmp_path / "pair", model, role)
        for model, role in zip(models, ("dense", "pruned"), strict=True)
    ]


def expected(models, inputs):
    return [run_graph(half_precision(model).model, inputs)[0] for model in models]


def assert_same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)  # FP16 of ONNX Runtime


@pytest.mark.parametrize("version", ["8.6.1", "10.0.1", "10.3.0", "10.16.1.11", "11.4.0.106"])
def test_dense_and_pruned_come_back_in_their_order_on_every_version(version, models, tmp_path):
    world = World(version)
    # The fake computes FP16 graphs whatever its version; only the calls differ.
    paths = [world.write(tmp_path / version, model) for model in models]
    with_network = open_plans(paths, world.runtime())
    assert_same(with_network.run(faces()), expected(models, faces()))
    with_network.close()


def test_more_faces_than_the_largest_batch_run_in_parts(world, plans, models):
    network = open_plans(plans, world.runtime())
    assert_same(network.run(faces(11)), expected(models, faces(11)))
    network.close()


def test_a_smaller_batch_after_a_larger_one_sees_none_of_its_rows(world, plans, models):
    network = open_plans(plans, world.runtime())
    network.run(faces(4))
    assert_same(network.run(faces(1)), expected(models, faces(1)))
    network.close()


def test_results_are_the_callers_own(world, plans):
    network = open_plans(plans, world.runtime())
    first = network.run(faces(1))[0]
    before = first.copy()
    network.run(faces(2))
    np.testing.assert_array_equal(first, before)
    network.close()


def test_a_separate_gpu_gets_copies_and_gives_the_same(models, tmp_path):
    world = World(gpu=FakeGpu(replace(ORIN_NANO, integrated=False)))
    paths = [world.write(tmp_path / "pair", model) for model in models]
    network = open_plans(paths, world.runtime())
    assert_same(network.run(faces()), expected(models, faces()))
    network.close()


def test_an_integrated_gpu_copies_nothing(world, plans):
    network = open_plans(plans, world.runtime())
    network.run(faces())
    network.close()
    assert not [line for line in world.gpu.journal if line.startswith("copy")]


def test_both_plans_read_one_input_and_the_second_waits_for_it(world, plans):
    network = open_plans(plans, world.runtime())
    world.gpu.journal.clear()
    network.run(faces(3))
    network.close()
    first = [line.split()[0] for line in world.gpu.journal[:6]]
    assert first == ["record", "wait", "execute", "execute", "synchronise", "synchronise"]


def test_batch_sizes_of_the_profile_are_replayed_from_a_graph(world, plans, models):
    network = open_plans(plans, world.runtime())
    world.gpu.journal.clear()
    assert_same(network.run(faces(2)), expected(models, faces(2)))
    network.close()
    assert [line.split()[0] for line in world.gpu.journal].count("launch") == 2


def test_where_recording_fails_plans_run_without_graphs(models, tmp_path):
    world = World(faults={"record"})
    paths = [world.write(tmp_path / "pair", model) for model in models]
    network = open_plans(paths, world.runtime())
    assert_same(network.run(faces(2)), expected(models, faces(2)))
    network.close()


@pytest.mark.parametrize(
    ("profile", "contexts"), [((1, 1, 1), 1), ((1, 2, 2), 2), ((1, 2, 3), 3), ((1, 2, 4), 4)]
)
def test_where_graphs_cover_every_size_no_context_is_kept_for_others(
    world, models, tmp_path, profile, contexts
):
    sizes = BatchProfile(**dict(zip(("smallest", "usual", "largest"), profile, strict=True)))
    path = world.write(tmp_path / "pair", models[0], profile=sizes)
    world.gpu.journal.clear()
    network = open_plans([path], world.runtime())
    assert world.gpu.journal.count("context") == contexts
    for count in range(1, sizes.largest + 1):
        assert_same(network.run(faces(count)), expected(models[:1], faces(count)))
    network.close()
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())


def test_where_the_last_graph_cannot_be_recorded_its_size_runs_plainly(models, tmp_path):
    world = World(faults={"record"})
    sizes = BatchProfile(smallest=1, usual=1, largest=1)
    path = world.write(tmp_path / "pair", models[0], profile=sizes)
    network = open_plans([path], world.runtime())
    assert_same(network.run(faces(3)), expected(models[:1], faces(3)))
    network.close()


def test_a_binding_without_graphs_runs_plainly(world, plans, models):
    without = replace(world.gpu.port(), capture=None)
    network = open_plans(plans, world.runtime(cuda=lambda: without))
    assert_same(network.run(faces(2)), expected(models, faces(2)))
    network.close()


def test_one_thread_alone_touches_cuda(world, plans):
    network = open_plans(plans, world.runtime())
    callers = [threading.Thread(target=network.run, args=(faces(),)) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    network.close()
    assert len(world.gpu.threads) == 1
    assert threading.get_ident() not in world.gpu.threads


def test_closing_returns_everything_and_gives_the_device_back_last(world, plans):
    network = open_plans(plans, world.runtime())
    network.run(faces())
    network.close()
    network.close()
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())
    assert world.gpu.journal[-1] == "close"


def test_graphs_go_before_memory_and_memory_before_streams(world, plans):
    network = open_plans(plans, world.runtime())
    world.gpu.journal.clear()
    network.close()
    kinds = [line.rsplit(" ", 1)[0] for line in world.gpu.journal]
    one_plan = ["destroy graph"] * 3 + ["free", "destroy stream"]
    assert kinds == [*one_plan, *one_plan, *["destroy event"] * 3, "free", "close"]


def test_a_closed_network_says_so(world, plans):
    network = open_plans(plans, world.runtime())
    network.close()
    with pytest.raises(BackendError, match="is closed"):
        network.run(faces())


@pytest.mark.parametrize(
    "inputs",
    [
        np.zeros((1, 3, 16, 20), np.float32),
        np.zeros((1, 3, 20, 16), np.float64),
        np.zeros((3, 20, 16), np.float32),
    ],
)
def test_other_inputs_are_refused_with_what_is_wanted(world, plans, inputs):
    network = open_plans(plans, world.runtime())
    with pytest.raises(BackendError, match="takes float32"):
        network.run(inputs)
    network.close()


def test_without_a_driver_cuda_is_asked_before_tensorrt_which_would_crash(world, plans):
    def no_driver():
        raise CudaError("CUDA: no driver (error 35)")

    world.driver = False
    asked: list[str] = []

    def api(flavour):
        asked.append(flavour)
        return world.api(flavour)

    port = replace(FakeGpu().port(), device=no_driver)
    runtime = world.runtime(cuda=lambda: port, api=api)
    with pytest.raises(CudaError, match="error 35"):
        open_plans(plans, runtime)
    assert asked == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("deserialise", PlanError, "does not load it: Serialization assertion"),
        ("context", BackendError, "refused an execution context"),
        ("address", BackendError, "refused the address of input"),
        ("shape", BackendError, "refused an input of"),
        ("execute", BackendError, "refused to run"),
        ("nan", EmbeddingError, "holds NaN or infinite values"),
        ("half_io", PlanInterfaceError, "another type"),
    ],
)
def test_what_fails_while_opening_is_an_error_and_leaves_nothing_allocated(
    world, plans, fault, error, words
):
    world.faults.add(fault)
    with pytest.raises(error, match=words):
        open_plans(plans, world.runtime())
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("shape", BackendError),
        ("execute", BackendError),
        ("execute raises", BackendError),
        ("nan", EmbeddingError),
    ],
)
def test_what_fails_while_running_is_an_error_and_the_next_run_may_succeed(
    world, plans, models, fault, error
):
    network = open_plans(plans, world.runtime())
    network.run(faces(4))
    world.faults.add(fault)
    with pytest.raises(error):
        network.run(faces(3))
    world.faults.clear()
    assert_same(network.run(faces(3)), expected(models, faces(3)))
    network.close()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("allocate_host", "out of memory"),
        ("create_stream", "out of memory"),
        ("create_event", "out of memory"),
    ],
)
def test_cuda_without_memory_while_opening_returns_what_it_had(world, plans, call, words):
    def refuse(*_):
        raise CudaError("CUDA: out of memory (error 2)")

    port = replace(world.gpu.port(), **{call: refuse})
    with pytest.raises(CudaError, match=words):
        open_plans(plans, world.runtime(cuda=lambda: port))
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())


def test_no_memory_on_a_separate_gpu_returns_the_page_locked_half(models, tmp_path):
    def refuse(_size):
        raise CudaError("CUDA: out of memory (error 2)")

    world = World(gpu=FakeGpu(replace(ORIN_NANO, integrated=False)))
    path = world.write(tmp_path / "pair", models[0])
    port = replace(world.gpu.port(), allocate=refuse)
    with pytest.raises(CudaError):
        open_plans([path], world.runtime(cuda=lambda: port))
    assert world.gpu.memory == {}


def test_a_lost_device_is_an_error_now_and_at_every_later_call(world, plans):
    lost: list[bool] = []

    def synchronise(stream):
        if lost:
            raise CudaError("CUDA: unspecified launch failure (error 719)")
        world.gpu.synchronise(stream)

    port = replace(world.gpu.port(), synchronise=synchronise)
    network = open_plans(plans, world.runtime(cuda=lambda: port))
    lost.append(True)
    with pytest.raises(CudaError, match="719"):
        network.run(faces())
    lost.clear()
    with pytest.raises(BackendError, match=r"failed before .* restart the process"):
        network.run(faces())
    network.close()
    assert world.gpu.journal[-1] == "close"


def test_a_device_that_does_not_answer_is_given_up(world, plans):
    answer = threading.Event()
    stuck: list[bool] = []

    def synchronise(stream):
        if stuck:
            answer.wait()
        world.gpu.synchronise(stream)

    port = replace(world.gpu.port(), synchronise=synchronise)
    network = open_plans(plans, world.runtime(cuda=lambda: port, answer_seconds=0.2))
    stuck.append(True)
    with pytest.raises(CudaError, match="gave no answer"):
        network.run(faces())
    network.close()
    answer.set()


def test_the_time_to_answer_is_for_one_batch_and_grows_with_their_number(world, plans, monkeypatch):
    allowed: list[float] = []

    def do(owner, work, seconds, original=OwnerThread.do):
        allowed.append(seconds)
        return original(owner, work, seconds)

    monkeypatch.setattr(OwnerThread, "do", do)
    network = open_plans(plans, world.runtime(answer_seconds=100.0))
    allowed.clear()
    for count in (1, 4, 5, 11):  # the largest batch is 4
        network.run(faces(count))
    assert allowed == [100.0, 100.0, 200.0, 300.0]
    network.close()


@pytest.mark.parametrize("call", ["create_event", "synchronise", "allocate_host"])
def test_whatever_a_binding_raises_while_opening_is_a_backend_that_refused(world, plans, call):
    def refuse(*_):
        raise AttributeError("'Event' object has no attribute 'handle'")

    port = replace(world.gpu.port(), **{call: refuse})
    with pytest.raises(BackendError, match="AttributeError: 'Event' object has no"):
        open_plans(plans, world.runtime(cuda=lambda: port))
    assert (world.gpu.memory, world.gpu.handles) == ({}, set())


def test_whatever_tensorrt_raises_is_a_backend_that_refused(world, plans):
    def api(_flavour):
        raise RuntimeError("module compiled against another numpy")

    with pytest.raises(BackendError, match="RuntimeError: module compiled against another numpy"):
        open_plans(plans, world.runtime(api=api))


def test_a_plan_for_another_device_is_not_loaded(world, plans):
    world.gpu.description = replace(ORIN_NANO, compute_capability="7.2")
    with pytest.raises(PlanMismatchError, match=r"8\.7, this machine has 7\.2"):
        open_plans(plans, world.runtime())
    assert "deserialise" not in world.gpu.journal


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("input", {"shape": (3, 16, 20)}, r"promises input input float32 \(3, 16, 20\)"),
        ("input", {"name": "image"}, "promises input image"),
        ("profile", {"largest": 8}, "1/2/8"),
    ],
)
def test_an_engine_unlike_its_manifest_is_refused(world, plans, part, change, words):
    sidecar = read_sidecar(plans[0])
    changed = getattr(sidecar, part).model_copy(update=change)
    write_sidecar(plans[0], sidecar.model_copy(update={part: changed}))
    with pytest.raises(PlanInterfaceError, match=words):
        open_plans(plans[:1], world.runtime())


def test_plans_with_different_batches_do_not_make_a_pair(world, plans):
    sidecar = read_sidecar(plans[1])
    profile = sidecar.profile.model_copy(update={"largest": 8})
    write_sidecar(plans[1], sidecar.model_copy(update={"profile": profile}))
    with pytest.raises(PlanInterfaceError, match="build both plans in one go"):
        open_plans(plans, world.runtime())


def test_a_fused_plan_gives_both_outputs(world, tmp_path):
    model = two_branch_network()
    path = world.write(tmp_path, model, "fused", (6,))
    network = open_plans([path], world.runtime())
    inputs = np.random.default_rng(0).normal(0, 1, (3, 6)).astype(np.float32)
    found = network.run(inputs)
    assert network.output_names == ("dense", "pruned")
    assert_same(found, run_graph(half_precision(model).model, inputs))
    network.close()


def test_tensorrts_own_words_about_the_layers_can_be_had(world, plans):
    network = open_plans(plans, world.runtime())
    assert len(network.layer_information()) == 2
    network.close()
