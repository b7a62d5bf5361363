"""NVIDIA's real builder makes plans of quality networks: TensorRT-RTX 1.4 and 1.7."""

import json

import pytest
import yaml

from tests.engines.tensorrt.foreign_packages import ROOT, RTX_VERSIONS, installed_rtx, run_with
from tests.gate_data import gate_data
from tests.quality_networks import write_brightness

SCRIPT = str(ROOT / "tests/engines/plans/rtx_opinions.py")

pytestmark = pytest.mark.registry


def entries(folder):
    """A tiny network, and LightQNet where it is."""
    written = [write_brightness(folder)]
    try:
        file = gate_data("..", "models", "lightqnet-100.onnx")
    except pytest.skip.Exception:
        return written
    content = yaml.safe_load((ROOT / "configs/networks/lightqnet.yaml").read_text(encoding="utf-8"))
    content["files"][0]["file"] = str(file)
    (folder / "lightqnet.yaml").write_text(yaml.safe_dump(content))
    return [*written, folder / "lightqnet.yaml"]


@pytest.mark.parametrize("version", RTX_VERSIONS)
def test_a_plan_of_a_quality_network_takes_batches_and_gives_a_value_for_each(version, tmp_path):
    folder = installed_rtx(version)
    done = run_with(folder, SCRIPT, *map(str, entries(tmp_path)), timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    inputs = {"brightness": [24, 32, 3], "lightqnet": [96, 96, 3]}
    for name, by_precision in found.items():
        for precision, plan in by_precision.items():
            assert (plan["version"], plan["input"]) == (version, inputs[name])
            assert plan["largest"] == [8, *inputs[name]]
            assert plan["outputs"] == [[1]]
            assert precision == "fp16" or not plan["half_weights"]
    if "lightqnet" in found:
        assert found["lightqnet"]["fp16"]["half_weights"] > 10
