"""Both forms of PRelu are built and timed on the device, and the pair gets the faster."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.progress import Progress

from engines.graph.network import load_network
from engines.pair.manifest import read_manifest
from engines.pair.pair import open_pair
from engines.plans.device_check import DeviceCheck
from engines.plans.faster_form import Bench, verify_on_device
from engines.tensorrt.errors import BuildError
from engines.tensorrt.sidecar import read_sidecar
from tests.engines.plans.test_pair_plans import OPTIONS, build
from tests.engines.tensorrt.plans import LIMITS, World, on, tools_of
from tests.networks import TinyNetwork, face_network, loaded, specification, write
from tests.pairs import request


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def world():
    return World()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a pair whose plans have each PRelu spelled out."""
    folder = tmp_path_factory.mktemp("built")
    asked = request(loaded(folder, TinyNetwork(channels=16, embedding_length=16)), form="fused")
    options = replace(OPTIONS, timing_cache=folder / "own.timing")
    build(asked, folder / "pair", World(), options)
    return folder / "pair"


@pytest.fixture
def pair(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "pair"))


def bench(world: World, *milliseconds: float, **changes) -> Bench:
    """Time one set of plans after the other as given."""
    times = iter(milliseconds)

    def runtime(flavour):
        took = next(times)
        port = replace(world.gpu.port(), elapsed_ms=lambda *_: took)
        return world.runtime(flavour=flavour, cuda=lambda: port)

    how = DeviceCheck(runtime, timed_runs=2, limits=LIMITS)
    return Bench(how, tools_of(world, **changes), Progress(disable=True))


def sidecars(folder):
    return [read_sidecar(folder / each.name) for each in read_manifest(folder).plans.values()]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_slower_form_is_told_and_not_kept(pair, world):
    before = read_manifest(pair)
    accepted = verify_on_device(pair, None, bench(world, 1.0, 2.0))
    assert read_manifest(pair) == before
    assert accepted.latency_p50_ms == 1.0
    assert accepted.other_form is not None
    assert (accepted.other_form.prelu, accepted.other_form.latency_p50_ms) == ("joined", 2.0)
    assert [each.acceptance for each in sidecars(pair)] == [accepted]


def test_a_faster_form_takes_the_place_of_the_pairs_plans(pair, world):
    before = read_manifest(pair)
    accepted = verify_on_device(pair, None, bench(world, 2.0, 1.0))
    after = read_manifest(pair)
    (sidecar,) = sidecars(pair)
    assert (sidecar.source.prelu, sidecar.acceptance) == ("joined", accepted)
    assert accepted.other_form is not None
    assert (accepted.other_form.prelu, accepted.other_form.latency_p50_ms) == ("spelled", 2.0)
    assert after.pair_id != before.pair_id
    assert not (pair / before.plans["fused"].name).exists()
    assert sidecar.profile == OPTIONS.profile
    open_pair(pair, execution=on(world)).close()


def test_forms_of_equal_speed_leave_the_pair_as_it_is(pair, world):
    before = read_manifest(pair)
    verify_on_device(pair, None, bench(world, 1.0, 1.0))
    assert read_manifest(pair) == before


def test_once_both_were_timed_later_checks_build_nothing(pair, world):
    verify_on_device(pair, None, bench(world, 1.0, 2.0))
    again = verify_on_device(pair, None, bench(world, 1.5, api=_untouchable))
    assert (again.latency_p50_ms, again.other_form is None) == (1.5, False)


def test_where_the_other_form_cannot_be_built_the_pair_stays_and_the_log_says_so(
    pair, world, caplog
):
    before = files(pair)
    accepted = verify_on_device(pair, None, bench(world, 1.0, api=_untouchable))
    assert (accepted.passed, accepted.other_form) == (True, None)
    assert "timed in one form only: no TensorRT" in caplog.text
    assert files(pair).keys() == before.keys()
    assert [each.name for each in pair.parent.iterdir() if each.name.startswith(".pair")] == []


def test_a_network_without_prelu_is_timed_once(tmp_path, world):
    model = face_network(TinyNetwork(channels=16, embedding_length=16))
    (activation,) = (node for node in model.graph.node if node.op_type == "PRelu")
    activation.op_type = "Relu"
    del activation.input[1]
    network = load_network(write(model, tmp_path), specification())
    build(request(network, form="fused"), tmp_path / "pair", world)
    assert verify_on_device(tmp_path / "pair", None, bench(world, 1.0)).other_form is None


def _untouchable(_flavour):
    raise BuildError("no TensorRT")
