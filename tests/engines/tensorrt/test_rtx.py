"""
NVIDIA's real builder, on a CPU: TensorRT-RTX 1.4 speaks the API of TensorRT 10, 1.7 that of 11.

It makes no plans for Jetson, but it is NVIDIA's parser, validator and Python API.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engines.pair.detector_plans import read_detector_plans
from engines.pair.manifest import read_manifest
from engines.tensorrt.host import installed_version
from tests.engines.tensorrt.foreign_packages import (
    RTX_VERSIONS,
    fork_with,
    installed_rtx,
    run_with,
)

pytestmark = pytest.mark.registry


@pytest.fixture(params=RTX_VERSIONS)
def rtx(request):
    """The version and the folder it is installed in."""
    version = request.param
    return version, installed_rtx(version)


@cache
def all_facts(folder: Path) -> dict[str, Any]:
    """One process for all cases of a version, because most of its time is its start."""
    done = fork_with(folder, "tests.engines.tensorrt.rtx_facts")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def facts(rtx, case: str) -> dict[str, Any]:
    return all_facts(rtx[1])[case]


@pytest.mark.parametrize("case", ["dense", "pruned", "fused", "batch_norm_kept", "fp32"])
def test_a_real_plan_is_built_and_its_header_is_read(rtx, case):
    found = facts(rtx, case)
    assert (found["flavour"], found["version"]) == ("rtx", rtx[0])


def test_a_network_with_two_four_layers_is_built_with_sparse_weights(rtx):
    found = facts(rtx, "sparse")
    assert (found["flags"], found["two_four"]) == (["SPARSE_WEIGHTS"], ["embedding_raw"])


def test_a_prelu_spelled_out_is_one_kernel_with_its_convolution_and_as_an_operator_its_own(rtx):
    found = facts(rtx, "prelu")
    spelled, joined = (found[form]["layers"] for form in ("spelled", "joined"))
    assert len(joined) - len(spelled) == found["prelus"] > 0
    assert sum("CorrMulMulReluAdd" in layer for layer in spelled) == found["prelus"]
    assert sum("MulLtSele" in layer for layer in joined) == found["prelus"]
    assert found["spelled"]["bytes"] < found["joined"]["bytes"]


def test_the_parser_calls_garbage_parsed_and_we_do_not(rtx):
    found = facts(rtx, "garbage")
    assert (found["parser_says"], found["error"]) == (True, "ParseError")


def test_a_contradictory_profile_is_refused(rtx):
    assert "refused batch sizes (8, 4, 1)" in facts(rtx, "profile")["message"]


def test_an_operator_it_does_not_know_is_named_with_its_node(rtx):
    assert "node activated: " in facts(rtx, "unsupported")["message"]


def test_fp32_weights_in_an_fp16_convolution_are_refused_by_the_parser(rtx):
    assert facts(rtx, "mixed_types")["error"] == "ParseError"


def test_the_fp16_flag_that_rtx_lists_builds_nothing_and_is_never_used(rtx):
    found = facts(rtx, "fp16_flag")
    assert found["offered"] is False
    assert found["listed"] == (rtx[0] == "1.4.0.76")
    assert "built no plan" in found.get("forced", "built no plan")


def test_building_for_the_gpu_that_is_not_here_is_an_error(rtx):
    assert facts(rtx, "current_device")["error"] == "BuildError"


def test_progress_is_nested_and_leaves_no_bar_behind(rtx):
    found = facts(rtx, "progress")
    assert found["steps"] > 10
    assert found["nested"]
    assert found["left"] == 0


def test_a_build_is_cancelled_from_within(rtx):
    assert facts(rtx, "cancel")["cancelled"] is True


def test_ctrl_c_while_building_ends_the_build_and_nothing_else(rtx):
    assert facts(rtx, "ctrl_c") == {"interrupted": True, "restored": True, "left": 0}


def test_the_installed_version_is_found_without_importing_it(rtx):
    done = run_with(
        rtx[1],
        "-c",
        "import sys; from engines.tensorrt.host import installed_version; "
        "print(installed_version('rtx'), 'tensorrt_rtx_bindings' in sys.modules)",
    )
    assert done.stdout.split() == [rtx[0], "False"]


def test_the_default_network_is_built_from_the_command_line_and_verified_without_a_gpu(
    rtx, tmp_path
):
    pair = str(tmp_path / "pair")
    # Every detector's networks are built with both versions in tests/edge/detection.
    form, detector = {"1.4.0.76": ("separate", "none"), "1.7.1.116": ("fused", "mtcnn")}[rtx[0]]
    device = ("--backend", "rtx", "--compute-capability", "SM86")
    options = (*device, "--form", form, "--detector", detector)
    built = fork_with(rtx[1], "tests.few_faces", "build", *options, "--out", pair)
    assert built.returncode == 0, built.stderr
    manifest = read_manifest(tmp_path / "pair")
    assert manifest.plans.keys() == manifest.files.keys()
    plans = read_detector_plans(tmp_path / "pair", manifest)
    assert ("none" if plans is None else plans.detector) == detector
    assert ("landmarks moved" in built.stdout) is (detector != "none")
    assert all(f"rtx{rtx[0]}-sm8.6.plan" in record.name for record in manifest.plans.values())
    assert not [record.name for record in manifest.plans.values() if "joined" in record.name]
    verified = fork_with(rtx[1], "edge", "pair", "verify", pair)
    assert verified.returncode == 0, verified.stderr
    for figure in ("largest activation", "lowest cosine", "shift off by", "rank agreement"):
        assert f"  {figure}" in verified.stdout
    run = fork_with(rtx[1], "edge", "pair", "verify", pair, "--device")
    assert (run.returncode, "CUDA" in run.stderr) == (1, True), run.stderr


def test_here_no_plain_tensorrt_is_installed_and_none_is_found():
    assert installed_version("tensorrt") is None
