"""The plan of a second opinion, over a fake TensorRT that really computes."""

from dataclasses import replace

import numpy as np
import pytest
import yaml
from rich.progress import Progress

from engines.catalogue.catalogue import find_entry
from engines.errors import BackendError, PairError, PairIntegrityError
from engines.pair.carried_threshold import carried_threshold
from engines.pair.execution import Execution
from engines.pair.manifest import identified, read_manifest, write_manifest
from engines.pair.pair import open_pair
from engines.plans import second_opinion_plan
from engines.plans.check import plan_states
from engines.plans.forecast import forecast
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import build_pair_with_plans
from engines.plans.second_opinion_plan import HALF_TOLERANCE, OpinionInHalf, measure_half
from engines.tensorrt.profile import BatchProfile
from engines.tensorrt.sidecar import read_sidecar
from tests.engines.tensorrt.plans import LIMITS, World, on, tools_of
from tests.networks import TinyNetwork, loaded
from tests.pairs import request, synthetic_faces
from tests.quality_networks import write_brightness

OPTIONS = PlanOptions(profile=BatchProfile(smallest=1, usual=2, largest=4), limits=LIMITS)


def lit(seed=3, count=60):
    """Faces of every brightness."""
    images = synthetic_faces(subjects=count, each=1, seed=seed).images
    light = np.linspace(0.1, 1.0, count)[:, None, None, None]
    return np.random.default_rng(seed).permutation((images * light).astype(np.uint8))


def asked_of(scratch):
    plain = request(loaded(scratch, TinyNetwork(channels=16, embedding_length=16)), form="fused")
    images = lit()
    return replace(
        plain,
        reference=images,
        second_opinion=find_entry(str(write_brightness(scratch))),
    )


def build(out, world, options=OPTIONS):
    scratch = out.parent
    own = replace(options, timing_cache=scratch / "kernels.timing")
    return build_pair_with_plans(
        asked_of(scratch), out, own, Progress(disable=True), tools_of(world)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planned") / "pair"
    build(folder, World())
    return folder


def test_the_plans_that_a_forecast_names_are_those_that_a_build_makes(folder, tmp_path):
    manifest = read_manifest(folder)
    record = manifest.second_opinion
    assert record is not None
    made = [*manifest.plans.values(), record.plan]
    found = forecast(asked_of(tmp_path), OPTIONS, Progress(disable=True), tools_of(World()))
    assert [plan.name for plan in found.plans] == [each.name for each in made if each]
    assert {plan.role for plan in found.plans} == {"fused", "opinion"}


def refused(*_):
    raise BackendError("no device")


def test_the_plan_gives_the_scores_of_the_network(folder):
    images = lit(seed=8, count=11)
    opened = []

    def watched(paths, flavour):
        opened.append(sorted(paths))
        return on(World()).plan_set(paths, flavour)

    with open_pair(folder, execution=replace(on(World()), plan_set=watched)) as fast:
        found = fast.assess(images)
    with open_pair(folder, execution=Execution(backend="onnxruntime")) as slow:
        wanted = slow.assess(images)
        scores = slow.mapping.score(wanted.shift)
    assert opened == [["opinion"]]
    np.testing.assert_allclose(slow.mapping.score(found.shift), scores, atol=3)


def test_the_manifest_names_the_plan_and_its_tolerance_and_reports_see_it(folder):
    record = read_manifest(folder).second_opinion
    assert record is not None
    assert record.plan is not None
    sidecar = read_sidecar(folder / record.plan.name)
    assert (sidecar.source.role, sidecar.source.precision) == ("opinion", "fp16")
    paths = [state.path.name for state in plan_states(folder, read_manifest(folder))]
    assert record.plan.name in paths
    known = record.tolerance / HALF_TOLERANCE
    assert record.shares.knots[-1][0] - record.shares.knots[0][0] > 50 * known


def test_a_plan_that_says_something_else_of_the_golden_faces_is_refused(folder):
    manifest = read_manifest(folder)
    record = manifest.second_opinion
    assert record is not None
    other = record.model_copy(update={"golden": tuple(each + 0.3 for each in record.golden)})
    changed = identified(manifest.model_copy(update={"second_opinion": other}))
    try:
        write_manifest(folder, changed)
        with pytest.raises(PairIntegrityError, match="second opinion brightness is off by"):
            open_pair(folder, execution=on(World()))
    finally:
        write_manifest(folder, manifest)


def test_without_its_device_the_network_runs_on_the_cpu_only_where_that_was_allowed(folder, caplog):
    images = lit(seed=8, count=3)
    gone = on(World(), plan_set=refused)
    with pytest.raises(BackendError, match="no device"):
        open_pair(folder, execution=gone)
    with open_pair(folder, execution=replace(gone, fallback="onnxruntime")) as pair:
        assert pair.assess(images).shift.shape == (3,)
    assert "running brightness with ONNX Runtime, not its plan: no device" in caplog.text
    with open_pair(folder, execution=replace(gone, second_opinion=False)) as pair:
        assert pair.manifest.second_opinion is None


def test_a_network_that_half_precision_moves_stays_in_fp32(tmp_path, monkeypatch):
    moved = OpinionInHalf(error=1.01, rank_agreement=1.0)
    assert not moved.passed
    assert not OpinionInHalf(error=0.1, rank_agreement=0.98).passed
    monkeypatch.setattr(second_opinion_plan, "measure_half", lambda *_: moved)
    record = build(tmp_path / "pair", World()).second_opinion
    assert record is not None
    assert record.plan is not None
    assert read_sidecar(tmp_path / "pair" / record.plan.name).source.precision == "fp32"


def test_half_precision_is_measured_in_what_the_plan_may_be_off(folder):
    found = measure_half(folder, read_manifest(folder), lit(seed=9), OPTIONS)
    assert 0 < found.error < 1
    assert found.passed


def test_a_threshold_is_carried_over_whatever_runs_the_second_opinion(folder):
    manifest = read_manifest(folder)
    record = manifest.second_opinion
    assert record is not None
    unplanned = record.model_copy(update={"plan": None, "tolerance": 0.1})
    plain = identified(manifest.model_copy(update={"second_opinion": unplanned}))
    assert carried_threshold(50, plain, manifest).new == pytest.approx(50, abs=0.1)
    other = record.model_copy(update={"source_sha256": "0" * 64})
    with pytest.raises(PairError, match="not the same second opinion"):
        carried_threshold(50, manifest.model_copy(update={"second_opinion": other}), manifest)


def test_a_pair_without_a_plan_of_it_says_nothing_of_one(folder):
    manifest = read_manifest(folder)
    record = manifest.second_opinion
    assert record is not None
    scratch = folder.parent / "unplanned"
    scratch.mkdir()
    unplanned = manifest.model_copy(
        update={"second_opinion": record.model_copy(update={"plan": None})}
    )
    write_manifest(scratch, identified(unplanned))
    written = yaml.safe_load((scratch / "pair.yaml").read_text())
    assert "plan" not in written["second_opinion"]
    assert read_manifest(scratch) == identified(unplanned)
