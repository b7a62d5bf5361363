"""NVIDIA's real builder, on a CPU, takes the pairs of the zoo; see `tests.engines.tensorrt`."""

import json

import pytest

from tests.engines.tensorrt.foreign_packages import ROOT, installed_rtx, run_with
from tests.engines.zoo.zoo import UNOPENABLE, names

SCRIPT = str(ROOT / "tests/engines/zoo/rtx_zoo.py")
ALL = tuple(name for name in names() if name != UNOPENABLE)
EACH_ONCE = tuple(name for name in ALL if name.endswith(("dynamo-frozen", "tf2onnx-nhwc")))

pytestmark = pytest.mark.registry


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("1.7.1.116", ALL), ("1.4.0.76", EACH_ONCE)],
    ids=["API of TensorRT 11", "API of TensorRT 10"],
)
def test_a_plan_is_built_of_each_networks_fused_pair_in_half_precision(version, wanted):
    folder = installed_rtx(version)
    done = run_with(folder, SCRIPT, *wanted, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert tuple(found) == wanted
    assert {name: why for name, why in found.items() if isinstance(why, str)} == {}
