"""From a network to a pair that runs its plans, over a fake TensorRT that really computes."""

import re
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from rich.progress import Progress

from engines.build.build import build_pair
from engines.errors import BackendError, EnginesError, PairIntegrityError, PrecisionError
from engines.graph.fp16_gate import Fp16Limits
from engines.pair.execution import Execution
from engines.pair.manifest import read_manifest
from engines.pair.pair import open_pair
from engines.plans.check import plan_states
from engines.plans.device_check import DeviceCheck, check_on_device
from engines.plans.forecast import forecast
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import HALF_TOLERANCE, build_pair_with_plans
from engines.plans.workshop import Tools
from engines.tensorrt import backend
from engines.tensorrt.cuda.port import guarded
from engines.tensorrt.errors import BuildError, CudaError, PlanMismatchError
from engines.tensorrt.profile import BatchProfile
from engines.tensorrt.sidecar import read_sidecar
from tests.engines.overflowing import scaled
from tests.engines.tensorrt.fake_builder import plan_facts
from tests.engines.tensorrt.plans import LIMITS, World, on, tools_of
from tests.networks import TinyNetwork, loaded
from tests.pairs import request, synthetic_faces

OPTIONS = PlanOptions(profile=BatchProfile(smallest=1, usual=2, largest=4), limits=LIMITS)

JOINED = replace(OPTIONS, prelu="joined")
TINY = TinyNetwork(channels=16, embedding_length=16)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def world():
    return World()


@pytest.fixture
def asked(tmp_path):
    return request(loaded(tmp_path, TINY), form="fused")


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """Build a pair of a form, with plans or without, only once."""
    folder = tmp_path_factory.mktemp("once")
    network = loaded(folder, TINY)

    @cache
    def built(form, plans):
        out, asked = folder / f"{form}-{plans}", request(network, form=form)
        if plans:
            build(asked, out, World())
        else:
            build_pair(asked, out)
        return out

    return built


@pytest.fixture
def put(once, tmp_path):
    """Leave a finished pair in a folder, as `build` does."""

    def puts(name="pair", form="fused", *, plans=True):
        shutil.copytree(once(form, plans), tmp_path / name)
        return read_manifest(tmp_path / name)

    return puts


def build(asked, out, world, options=OPTIONS, **changes):
    quiet = Progress(disable=True)
    return build_pair_with_plans(asked, out, options, quiet, tools_of(world, **changes))


@pytest.mark.parametrize("form", ["fused", "separate"])
def test_a_pair_with_plans_scores_as_the_same_pair_without(put, tmp_path, world, form):
    put("plans", form)
    put("plain", form, plans=False)
    faces = synthetic_faces(subjects=9, each=1, seed=5).images
    with open_pair(tmp_path / "plans", execution=on(world)) as fast:
        found = fast.assess(faces)
    with open_pair(tmp_path / "plain") as slow:
        wanted = slow.assess(faces)
    np.testing.assert_allclose(found.shift, wanted.shift, atol=HALF_TOLERANCE.shift_absolute)
    np.testing.assert_allclose(found.embeddings, wanted.embeddings, atol=5e-3)


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0", "11.4.0.106"])
def test_every_generation_builds_and_opens_a_pair(asked, tmp_path, version):
    world = World(version)
    manifest = build(asked, tmp_path / "pair", world)
    with open_pair(tmp_path / "pair", execution=on(world)) as pair:
        assert pair.pair_id == manifest.pair_id


def test_plans_of_rtx_are_built_without_a_device_and_not_opened(asked, tmp_path):
    world = World("rtx1.7", driver=False)
    options = replace(OPTIONS, flavour="rtx", compute_capability="SM86")
    manifest = build(asked, tmp_path / "pair", world, options)
    assert manifest.backend == "rtx"
    assert "rtx1.7-sm8.6" in manifest.plans["fused"].name


@pytest.mark.parametrize("form", ["fused", "separate"])
@pytest.mark.parametrize("options", [OPTIONS, JOINED], ids=["usual", "joined"])
def test_tensorrt_gets_prelu_spelled_out_unless_asked_otherwise(
    asked, tmp_path, world, form, options
):
    manifest = build(replace(asked, form=form), tmp_path / "pair", world, options)
    prelus = options.prelu == "joined"
    for record in manifest.plans.values():
        _, body = plan_facts((tmp_path / "pair" / record.name).read_bytes())
        nodes = onnx.load_model_from_string(body).graph.node
        assert any(node.op_type == "PRelu" for node in nodes) is prelus
        assert ("joined" in record.name) is prelus


def test_a_pair_with_other_plans_is_another_pair(asked, put, tmp_path):
    first = put("one")
    second = build(asked, tmp_path / "two", World("10.7.0"))
    plain = put("plain", plans=False)
    assert len({first.pair_id, second.pair_id, plain.pair_id}) == 3


def test_the_manifest_of_each_plan_has_the_figures_of_the_fp16_gate(asked, put, tmp_path):
    manifest = put()
    sidecar = read_sidecar(tmp_path / "pair" / manifest.plans["fused"].name)
    assert sidecar.fp16_gate is not None
    assert sidecar.fp16_gate.face_images == len(asked.golden.images)


def test_a_pair_that_fp16_blurs_is_refused_before_tensorrt_is_bothered(asked, tmp_path, world):
    strict = replace(OPTIONS, limits=Fp16Limits(rank_agreement=1.1))
    world.faults.add("build")
    with pytest.raises(PrecisionError, match="rank agreement"):
        build(asked, tmp_path / "pair", world, strict)


def test_fp32_plans_are_not_asked_the_fp16_gate(asked, tmp_path, world):
    exact = replace(OPTIONS, precision="fp32", limits=Fp16Limits(rank_agreement=1.1))
    manifest = build(asked, tmp_path / "pair", world, exact)
    sidecar = read_sidecar(tmp_path / "pair" / manifest.plans["fused"].name)
    assert (sidecar.fp16_gate, sidecar.source.half_weights) == (None, 0)


def test_fp32_plans_hold_weights_that_fp16_does_not(asked, tmp_path, world):
    tiny = TinyNetwork(channels=16, embedding_length=16, batch_norm=False)
    network = loaded(tmp_path, tiny)
    large = replace(network, model=scaled(network.model, "stem_w", 1e6))
    asked = replace(asked, network=large)
    with pytest.raises(PrecisionError, match="exceed 65504"):
        build(asked, tmp_path / "pair", world)
    build(asked, tmp_path / "pair", world, replace(OPTIONS, precision="fp32"))


@pytest.mark.parametrize("fault", ["build", "parse", "nan", "deserialise"])
def test_a_build_that_fails_leaves_the_old_pair_as_it_was(asked, put, tmp_path, world, fault):
    before = put()
    world.faults.add(fault)
    with pytest.raises(EnginesError):
        build(asked, tmp_path / "pair", world)
    world.faults.clear()
    with open_pair(tmp_path / "pair", execution=on(world)) as pair:
        assert pair.pair_id == before.pair_id
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_without_a_device_nothing_is_built_and_tensorrt_is_not_touched(asked, tmp_path, world):
    def no_driver():
        raise CudaError("CUDA: no driver (error 35)")

    port = replace(world.gpu.port(), device=no_driver)
    with pytest.raises(CudaError, match="error 35"):
        build(asked, tmp_path / "pair", world, cuda=lambda: port, api=_untouchable)
    assert not (tmp_path / "pair").exists()


@pytest.mark.parametrize("call", ["create_event", "record", "elapsed_ms", "copy_out"])
def test_a_binding_that_cannot_load_a_plan_costs_no_build(asked, tmp_path, world, call):
    def refuse(*_):
        raise AttributeError("'Event' object has no attribute 'handle'")

    port = guarded(replace(world.gpu.port(), **{call: refuse}))
    with pytest.raises(CudaError, match="no attribute 'handle'"):
        build(asked, tmp_path / "pair", world, cuda=lambda: port, api=_untouchable)
    assert not (tmp_path / "pair").exists()


def _untouchable(_flavour):
    raise AssertionError("TensorRT was touched")


def test_a_typing_the_library_lacks_is_refused_before_anything_is_built(asked, tmp_path):
    with pytest.raises(BuildError, match="no strong typing"):
        build(asked, tmp_path / "pair", World("8.6.1"), replace(OPTIONS, typing="strong"))
    assert not (tmp_path / "pair").exists()


def test_an_edited_plan_never_scores_a_face(put, tmp_path, world):
    manifest = put()
    plan = tmp_path / "pair" / manifest.plans["fused"].name
    plan.write_bytes(plan.read_bytes()[:-1] + b"\0")
    with pytest.raises(PairIntegrityError, match="swapped, edited or cut short"):
        open_pair(tmp_path / "pair", execution=on(world))


def test_the_plan_of_another_pair_never_scores_a_face(put, tmp_path, world):
    manifest = put()
    other = put("other", "separate")
    plan, stranger = manifest.plans["fused"].name, other.plans["dense"].name
    for ending in ("", ".json"):
        source = tmp_path / "other" / f"{stranger}{ending}"
        (tmp_path / "pair" / f"{plan}{ending}").write_bytes(source.read_bytes())
    with pytest.raises(PairIntegrityError):
        open_pair(tmp_path / "pair", execution=on(world))


def test_a_pair_built_elsewhere_stops_by_default(put, tmp_path):
    put()
    with pytest.raises(PlanMismatchError, match=r"built for TensorRT 10\.3\.0"):
        open_pair(tmp_path / "pair", execution=on(World("10.7.0")))


def test_a_pair_built_elsewhere_runs_its_onnx_files_where_that_was_chosen(put, tmp_path, caplog):
    put()
    there = on(World("10.7.0"), fallback="onnxruntime")
    with open_pair(tmp_path / "pair", execution=there) as pair:
        pair.assess(synthetic_faces(subjects=2, each=1).images)
    assert "instead of its plans" in caplog.text


def test_a_binding_that_raises_what_nobody_expected_runs_the_onnx_files_where_that_was_chosen(
    put, tmp_path, world, caplog
):
    def refuse():
        raise AttributeError("'Event' object has no attribute 'handle'")

    def plans(paths, flavour):
        port = replace(world.gpu.port(), create_event=refuse)
        return backend.open_plans(paths, world.runtime(flavour=flavour, cuda=lambda: port))

    put()
    there = Execution(plans=plans, fallback="onnxruntime")
    with open_pair(tmp_path / "pair", execution=there) as pair:
        pair.assess(synthetic_faces(subjects=2, each=1).images)
    assert "no attribute 'handle'" in caplog.text


def test_opening_a_pair_hashes_each_plan_once(put, tmp_path, world, monkeypatch):
    put()
    world.gpu.journal.clear()
    monkeypatch.setattr("engines.tensorrt.sidecar.sha256_of", None)  # the pair's manifest did it
    open_pair(tmp_path / "pair", execution=on(world)).close()
    assert world.gpu.journal


def test_onnx_runtime_can_be_insisted_on(put, tmp_path, world):
    put()
    world.gpu.journal.clear()
    open_pair(tmp_path / "pair", execution=on(world, backend="onnxruntime")).close()
    assert world.gpu.journal == []


def test_plans_can_be_insisted_on(put, tmp_path, world):
    put(plans=False)
    with pytest.raises(BackendError, match="has no TensorRT plans: run"):
        open_pair(tmp_path / "pair", execution=on(world, backend="plans"))


def test_the_timings_of_one_build_serve_the_next(asked, tmp_path, world):
    cache = tmp_path / "own.timing"
    build(asked, tmp_path / "pair", world, replace(OPTIONS, timing_cache=cache))
    first = cache.read_bytes()
    build(asked, tmp_path / "pair", world, replace(OPTIONS, timing_cache=cache))
    assert cache.read_bytes().startswith(first)
    assert len(cache.read_bytes()) > len(first)


def test_acceptance_on_the_device_is_written_into_each_manifest(asked, put, tmp_path, world):
    manifest = put(form="separate")
    how = DeviceCheck(lambda flavour: world.runtime(flavour=flavour), timed_runs=3, limits=LIMITS)
    accepted = check_on_device(tmp_path / "pair", asked.golden.images, how)
    assert (accepted.passed, accepted.latency_p50_ms) == (True, 1.5)
    assert accepted.faces_per_second == pytest.approx(4000 / 1.5)
    for record in manifest.plans.values():
        assert read_sidecar(tmp_path / "pair" / record.name).acceptance == accepted


def test_a_device_that_computes_something_else_is_not_accepted(put, tmp_path, world):
    put(form="separate")
    strict = Fp16Limits(min_cosine=1.1)
    how = DeviceCheck(lambda flavour: world.runtime(flavour=flavour), 3, strict)
    assert not check_on_device(tmp_path / "pair", None, how).passed


def test_a_pair_stays_whole_after_its_acceptance_was_written(put, tmp_path, world):
    put()
    how = DeviceCheck(lambda flavour: world.runtime(flavour=flavour), 3, LIMITS)
    check_on_device(tmp_path / "pair", None, how)
    open_pair(tmp_path / "pair", execution=on(world)).close()


def test_the_state_of_each_plan_is_told_without_a_device(put, tmp_path, world):
    manifest = put()
    here, there = world.here(), World("10.7.0").here()
    assert [state.fault for state in plan_states(tmp_path / "pair", manifest, here)] == [""]
    (elsewhere,) = plan_states(tmp_path / "pair", manifest, there)
    assert "built for TensorRT 10.3.0" in elsewhere.fault
    assert elsewhere.sidecar is not None


def test_a_forecast_names_the_plans_and_builds_nothing(asked, world):
    found = forecast(asked, OPTIONS, Progress(disable=True), tools_of(world))
    (plan,) = found.plans
    assert re.fullmatch(
        r"fused-[0-9a-f]{8}-fp16-b1_2_4-trt10\.3\.0-sm8\.7x8\.plan", plan.name or ""
    )
    assert (found.typing, found.obstacles) == ("strong", ())
    assert found.workspace_bytes == 1 << 30


def test_a_forecast_without_a_device_says_so_and_still_has_the_figures(asked):
    def no_cuda():
        raise CudaError("CUDA: no driver (error 35)")

    found = forecast(asked, OPTIONS, Progress(disable=True), Tools(cuda=no_cuda))
    assert "error 35" in found.obstacles[0]
    assert found.figures is not None


def test_a_forecast_names_convolutions_with_uneven_channels(tmp_path, world):
    asked = replace(request(loaded(tmp_path, TinyNetwork(channels=6))), form="separate")
    found = forecast(asked, OPTIONS, Progress(disable=True), tools_of(world))
    assert found.plans[0].uneven_layers[0][1] == 6


def test_a_forecast_of_what_fp16_does_not_hold_is_an_obstacle(asked, world):
    strict = replace(OPTIONS, limits=Fp16Limits(min_cosine=1.1))
    found = forecast(asked, strict, Progress(disable=True), tools_of(world))
    assert "FP16 is refused" in found.obstacles[0]


def test_the_manifest_in_the_folder_names_the_plans(asked, tmp_path, world):
    manifest = build(asked, tmp_path / "pair", world)
    assert read_manifest(tmp_path / "pair").plans == manifest.plans
