"""The doctor's findings: facts without judgement, and problems with what to run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.__main__ import main
from edge.diagnosis.device_nodes import DeviceNode
from edge.diagnosis.doctor import (
    library_findings,
    machine_findings,
    node_findings,
    openvino_finding,
    pair_findings,
)
from edge.diagnosis.jetson import Jetson, read_jetson
from edge.diagnosis.power_modes import PowerMode
from engines.openvino.api import INSTALL, NoOpenVinoError
from engines.pair.execution import Execution
from engines.tensorrt.cuda.port import CudaDevice
from engines.tensorrt.probe import Probe, probe
from tests.openvino_here import needs_openvino
from tests.pairs import put_pair

ORIN = CudaDevice("Orin", "8.7", 8, True, 4 << 30, 8 << 30, "12.6")
HEALTHY = Probe("cuda-python", ORIN, "", "10.3.0", "")
BARE = Probe(None, None, "CUDA: no driver: install it", None, "TensorRT: missing: apt install it")
SUPER = PowerMode(2, "MAXN_SUPER", 1.02e9, 0, 6, 1.7e6)
DESKTOP = Jetson(None, None, None, "Debian GNU/Linux 12", None)
NANO = Jetson("Orin Nano", "36.4.3", "6.2", "Ubuntu 22.04", "MAXN_SUPER", SUPER)
RELEASE = (
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, "
    "DATE: Wed Jan  8 01:49:37 UTC 2025\n"
)
STATUS = """\
Package: nvidia-jetpack-dev
Status: install ok installed
Version: 9.9

Package: nvidia-jetpack
Status: install ok installed
Priority: standard
Version: 6.2+b77
"""


def a_jetson(root: Path) -> Path:
    for name, text in {
        "etc/nv_tegra_release": RELEASE,
        "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n',
        "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
        "var/lib/dpkg/status": STATUS,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def states(findings):
    return {each.topic: each.state for each in findings}


def test_a_jetson_is_read_from_its_files(tmp_path):
    found = read_jetson(a_jetson(tmp_path))
    assert found.board == "NVIDIA Jetson Orin Nano Developer Kit"
    assert (found.l4t, found.jetpack, found.system) == ("36.4.3", "6.2+b77", "Ubuntu 22.04.5 LTS")


@pytest.mark.parametrize(("release", "jetpack"), [("R35", "5"), ("R36", "6"), ("R38", "7")])
def test_without_the_meta_package_the_release_tells_the_jetpack(tmp_path, release, jetpack):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text(RELEASE.replace("R36", release))
    assert read_jetson(tmp_path).jetpack == jetpack


def test_another_machine_is_no_jetson(tmp_path):
    found = read_jetson(tmp_path)
    assert (found.board, found.l4t, found.jetpack) == (None, None, None)


def test_a_desktop_without_a_gpu_has_no_problem():
    found = list(library_findings(BARE, DESKTOP, needs_plans=False))
    assert states(found) == {"ONNX Runtime": "ok", "CUDA": "note", "TensorRT": "note"}


def test_a_pair_with_plans_makes_a_missing_gpu_a_problem_with_its_remedy():
    cuda = next(f for f in library_findings(BARE, DESKTOP, needs_plans=True) if f.topic == "CUDA")
    assert (cuda.state, cuda.text, cuda.remedy) == ("problem", "CUDA: no driver", "install it")


def test_a_jetson_without_tensorrt_is_a_problem():
    assert states(library_findings(BARE, NANO, needs_plans=False))["TensorRT"] == "problem"


def test_a_healthy_jetson_is_ok():
    found = states(library_findings(HEALTHY, NANO, needs_plans=True))
    assert set(found.values()) == {"ok"}


def test_it_says_through_what_cuda_works_and_why_not_through_the_others():
    why = "cuda-python: CUDA: driver too old (error 35): pip install 'cuda-python<13'"
    taken = replace(HEALTHY, binding="libcudart", event_ms=0.25, passed_over=(why,))
    cuda = next(f for f in library_findings(taken, NANO, needs_plans=True) if f.topic == "CUDA")
    first, second = cuda.text.splitlines()
    assert first.startswith("12.6 through libcudart: Orin, compute capability 8.7")
    assert first.endswith("an event went there and back in 0.25 ms")
    assert second == f"not through {why}"


@pytest.mark.parametrize(("kilobytes", "state"), [(500_000, "problem"), (4_000_000, "ok")])
def test_little_memory_is_a_problem(tmp_path, kilobytes, state):
    (tmp_path / "meminfo").write_text(f"MemAvailable: {kilobytes} kB\n")
    assert states(machine_findings(DESKTOP, tmp_path / "meminfo"))["memory"] == state


def test_a_sandbox_that_hides_meminfo_is_told_which_setting_does(tmp_path):
    memory = list(machine_findings(DESKTOP, tmp_path / "meminfo"))[-1]
    assert "ProcSubset=all" in memory.remedy


def test_a_low_power_mode_is_told_with_the_way_out(tmp_path):
    found = list(machine_findings(replace(NANO, power_mode="7W"), tmp_path / "meminfo"))
    assert "sudo nvpmodel -m 2" in next(f for f in found if f.topic == "power mode").remedy


def test_the_fastest_power_mode_is_ok_and_without_a_table_none_is_advised(tmp_path):
    assert states(machine_findings(NANO, tmp_path / "meminfo"))["power mode"] == "ok"
    unknown = list(machine_findings(replace(NANO, fastest_mode=None), tmp_path / "meminfo"))
    mode = next(f for f in unknown if f.topic == "power mode")
    assert (mode.state, mode.remedy) == ("note", "")


def test_a_closed_device_file_names_the_group_to_join():
    node = DeviceNode("/dev/video0", "camera", "a-group-of-cameras", usable=False)
    found = next(each for each in node_findings((node,)) if each.topic == "cameras")
    assert "usermod -aG a-group-of-cameras" in found.remedy


def test_usable_device_files_are_ok():
    node = DeviceNode("/dev/video0", "camera", "video", usable=True)
    assert states(node_findings((node,)))["cameras"] == "ok"


def test_a_sound_pair_loads(tmp_path):
    put_pair(tmp_path)
    (found,) = pair_findings(tmp_path / "pair", Execution(), BARE)
    assert (found.state, "loads and meets" in found.text) == ("ok", True)


@needs_openvino
def test_a_pair_for_openvino_loads_and_tells_what_runs_it(tmp_path):
    put_pair(tmp_path)
    (found,) = pair_findings(tmp_path / "pair", Execution(backend="openvino"), BARE)
    assert (found.state, found.text.endswith(", f32")) == ("ok", True)
    assert "OpenVINO" in found.text
    assert openvino_finding(needed=True).state == "ok"


@pytest.mark.parametrize(("needed", "state"), [(True, "problem"), (False, "note")])
def test_openvino_that_is_missing_is_a_problem_only_where_it_is_needed(needed, state, monkeypatch):
    def missing():
        raise NoOpenVinoError(f"OpenVINO does not load (why): {INSTALL}")

    monkeypatch.setattr("edge.diagnosis.doctor.load_openvino", missing)
    found = openvino_finding(needed)
    assert found.state == state
    assert found.remedy == (INSTALL if needed else "")


def test_a_pair_for_openvino_without_the_package_names_the_command(tmp_path, monkeypatch):
    def missing():
        raise NoOpenVinoError(f"OpenVINO does not load (why): {INSTALL}")

    monkeypatch.setattr("engines.openvino.backend.load_openvino", missing)
    put_pair(tmp_path)
    (found,) = pair_findings(tmp_path / "pair", Execution(backend="openvino"), BARE)
    assert (found.state, found.text, found.remedy) == (
        "problem",
        "OpenVINO does not load (why)",
        INSTALL,
    )


def test_a_folder_without_a_pair_names_the_command_that_makes_one(tmp_path):
    (found,) = pair_findings(tmp_path, Execution(), BARE)
    assert found.remedy == f"edge-gate pair build --out {tmp_path}"


def test_an_edited_pair_is_a_problem(tmp_path):
    put_pair(tmp_path)
    (tmp_path / "pair" / "pruned.onnx").write_bytes(b"")
    (found,) = pair_findings(tmp_path / "pair", Execution(), BARE)
    assert found.state == "problem"


def test_the_probe_answers_from_a_process_of_its_own():
    found = probe()
    assert (found.device is None) == bool(found.cuda_error)
    assert (found.tensorrt is None) == bool(found.tensorrt_error)


def test_a_probe_that_crashes_is_an_answer_too(monkeypatch, tmp_path):
    crash = tmp_path / "python"
    crash.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crash.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(crash))
    assert "ended with exit code -11" in probe().cuda_error


def test_the_command_prints_every_finding_as_json(tmp_path, capsys):
    put_pair(tmp_path)
    code = main(["doctor", "--pair", str(tmp_path / "pair"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == int(any(each["state"] == "problem" for each in found))
    topics = [each["topic"] for each in found]
    assert {"Python", "pip", "service", "memory for tiny"} <= set(topics)
    assert topics[-2] == f"pair {tmp_path / 'pair'}"


def test_the_command_fails_where_a_pair_does_not_load(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")  # the path of the folder must not be broken
    assert main(["doctor", "--pair", str(tmp_path)]) == 1
    assert "no engine pair" in " ".join(capsys.readouterr().out.split())
