"""The systemd drop-in is written from the device files of the machine at hand."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edge.__main__ import main
from edge.diagnosis.device_nodes import DeviceNode, device_nodes, drop_in

JETPACK_6 = [
    "nvmap",
    "nvidia0",
    "nvidiactl",
    "nvgpu/igpu0/ctrl",
    "nvgpu/igpu0/power",
    "nvhost-ctrl-gpu",
    "nvsciipc",
    "host1x-fence",
    "dri/renderD128",
    "v4l2-nvdec",
    "video0",
    "null",
]


@pytest.fixture
def root(tmp_path) -> Path:
    for name in JETPACK_6:
        path = tmp_path / "dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_every_file_the_gpu_of_jetpack_6_needs_is_found(root):
    found = {node.path for node in device_nodes(root) if node.kind == "gpu"}
    assert found == {f"/dev/{name}" for name in JETPACK_6[:9]}


def test_other_device_files_are_not_ours(root):
    assert "/dev/null" not in {node.path for node in device_nodes(root)}


def test_the_drop_in_closes_all_but_these_files(root):
    lines = drop_in(device_nodes(root)).splitlines()
    assert "DevicePolicy=closed" in lines
    assert "DeviceAllow=/dev/nvgpu/igpu0/power rw" in lines
    assert "DeviceAllow=/dev/v4l2-nvdec rw" in lines


def test_cameras_are_allowed_as_a_kind_so_that_one_may_be_plugged_in_later(root):
    text = drop_in(device_nodes(root))
    assert "DeviceAllow=char-video4linux rw" in text
    assert "/dev/video0" not in text


def test_the_groups_that_own_the_files_are_joined():
    nodes = (
        DeviceNode("/dev/nvmap", "gpu", "video", usable=True),
        DeviceNode("/dev/dri/renderD128", "gpu", "render", usable=True),
        DeviceNode("/dev/nvsciipc", "gpu", "root", usable=True),
    )
    assert "SupplementaryGroups=render video" in drop_in(nodes)


def test_systemd_accepts_the_drop_in(root, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt install systemd")
    unit = tmp_path / "edge-gate.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    folder = tmp_path / "edge-gate.service.d"
    folder.mkdir()
    (folder / "devices.conf").write_text(drop_in(device_nodes(root)))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_prints_the_drop_in_and_nothing_else(capsys):
    assert main(["doctor", "--device-dropin"]) == 0
    assert capsys.readouterr().out == drop_in(device_nodes())
