"""NVIDIA's real builder makes plans of each detector's networks: TensorRT-RTX 1.4 and 1.7."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.edge.detection.test_open import yunet_file
from tests.engines.tensorrt.foreign_packages import ROOT, RTX_VERSIONS, installed_rtx, run_with

SCRIPT = str(ROOT / "tests/edge/detection/rtx_detectors.py")

NETWORKS = [
    ("mtcnn", "pnet", [3, -1, -1], [1, 3, 1152, 1152], [[4, -1, -1], [2, -1, -1]]),
    ("mtcnn", "rnet", [3, 24, 24], [16, 3, 24, 24], [[4], [2]]),
    ("mtcnn", "onet", [3, 48, 48], [16, 3, 48, 48], [[10], [4], [2]]),
    ("ultraface68", "fr_detect", [3, 240, 320], [16, 3, 240, 320], [[4420, 2], [4420, 4]]),
    ("ultraface68", "fr_landmark", [1, 64, 64], [16, 1, 64, 64], [[136]]),
    (
        "yunet",
        "yunet",
        [3, -1, -1],
        [1, 3, 1920, 1920],
        [[-1, length] for length in (1, 1, 4, 10) for _ in range(3)],
    ),
]

pytestmark = pytest.mark.registry


@pytest.fixture(params=RTX_VERSIONS)
def rtx(request):
    """The version and the folder it is installed in."""
    version = request.param
    return version, installed_rtx(version)


@cache
def all_facts(folder: Path) -> dict[str, Any]:
    """One process for all detectors of a version."""
    try:
        yunet = [str(yunet_file())]
    except pytest.skip.Exception:  # its own tests say so
        yunet = []
    done = run_with(folder, SCRIPT, *yunet, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
@pytest.mark.parametrize("case", NETWORKS, ids=[case[1] for case in NETWORKS])
def test_a_plan_of_each_network_takes_all_shapes_that_occur(rtx, case, precision):
    detector, network, takes, largest, gives = case
    if detector == "yunet":
        yunet_file()
    found = all_facts(rtx[1])[detector][network][precision]
    assert (found["version"], found["input"], found["largest"]) == (rtx[0], takes, largest)
    assert list(found["outputs"].values()) == gives
    assert bool(found["half_weights"]) is (precision == "fp16")


def test_the_name_of_a_plan_says_what_it_takes_and_where_it_runs(rtx):
    found = all_facts(rtx[1])["mtcnn"]
    names = [found[network]["fp16"]["plan"] for network in ("pnet", "rnet")]
    library = f"-rtx{rtx[0]}-sm8.6.plan"
    assert [name.partition("-fp16-")[2] for name in names] == [
        f"to3x1152x1152{library}",
        f"b1_16_16{library}",
    ]


def test_outputs_that_were_not_expected_are_refused(rtx):
    assert "TensorRT parsed inputs input and outputs" in all_facts(rtx[1])["beyond"]
