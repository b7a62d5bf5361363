"""What would keep the service from starting, or from its files, is found before it is started."""

import os
import tempfile
from pathlib import Path

import pytest

from edge.diagnosis.device_nodes import DeviceNode, drop_in
from edge.diagnosis.service_findings import service_findings

GPU = (DeviceNode("/dev/nvmap", "gpu", "video", usable=True),)
DROP_INS = "etc/systemd/system/edge-gate.service.d"


@pytest.fixture
def root(tmp_path):
    """A device on which the service is installed and everything is right."""
    before = os.umask(0o022)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o755)  # pytest keeps its folders to itself
    for folder in ("usr/lib/systemd/system", DROP_INS, "var/cache/edge-gate"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/systemd/system/edge-gate-csi.service.d").mkdir()
    (tmp_path / "usr/lib/systemd/system/edge-gate.service").touch()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nedge-gate:x:997:996::/:/\n")
    (tmp_path / "etc/group").write_text("edge-gate:x:996:\nrender:x:995:\nvideo:x:44:\n")
    yield tmp_path
    os.umask(before)


def problems(root, nodes=(), reads=()):
    found = service_findings(nodes, reads, root)
    return {each.topic: each.remedy for each in found if each.state == "problem"}


def test_a_device_where_everything_is_right_has_no_problem(root):
    assert problems(root) == {}


def test_a_machine_without_the_service_is_told_where_to_read(tmp_path):
    (found,) = service_findings(root=tmp_path)
    assert (found.state, found.remedy) == ("note", "see docs/service.md")


@pytest.mark.parametrize("left", ["edge-gate:x:996:\nvideo:x:44:\n", ""])
def test_a_missing_group_is_made_by_sysusers(root, left):
    (root / "etc/group").write_text(left)
    assert problems(root)["service user"] == "sudo systemd-sysusers"


def test_a_missing_user_is_made_by_sysusers(root):
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    assert problems(root)["service user"] == "sudo systemd-sysusers"


def test_a_missing_drop_in_folder_is_made_by_tmpfiles(root):
    (root / DROP_INS).rmdir()
    assert problems(root)["drop-in folders"] == "sudo systemd-tmpfiles --create"


def test_a_gpu_needs_a_drop_in_that_is_up_to_date(root):
    remedy = problems(root, GPU)["drop-in"]
    assert remedy.startswith("edge-gate doctor --device-dropin | sudo tee ")
    written = root / DROP_INS / "devices.conf"
    written.write_text("[Service]\nDeviceAllow=/dev/nvhost-gpu rw\n")
    stale = next(each for each in service_findings(GPU, (), root) if each.topic == "drop-in")
    assert (stale.state, stale.remedy) == ("note", remedy)
    written.write_text(drop_in(GPU))
    fresh = next(each for each in service_findings(GPU, (), root) if each.topic == "drop-in")
    assert fresh.state == "ok"


def test_what_root_fetched_for_itself_the_service_may_not_read(root):
    network = root / "var/cache/edge-gate/networks/detector.onnx"
    network.parent.mkdir()
    network.touch()
    assert problems(root) == {}
    network.chmod(0o600)
    assert str(network) in problems(root)["rights"]
    network.chmod(0o644)
    network.parent.chmod(0o700)
    assert str(network.parent) in problems(root)["rights"]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
def test_rights_of_owner_and_group_count(root):
    configuration = root / "etc/gate.yaml"
    configuration.touch()
    configuration.chmod(0o640)
    assert "rights" in problems(root, reads=[configuration])
    os.chown(configuration, 0, 996)
    assert problems(root, reads=[configuration]) == {}
    os.chown(configuration, 997, 0)
    configuration.chmod(0o044)
    assert "rights" in problems(root, reads=[configuration])


def test_a_folder_above_that_is_closed_is_named(root):
    (root / "closed/pair").mkdir(parents=True)
    (root / "closed").chmod(0o700)
    assert str(root / "closed ") in problems(root, reads=[root / "closed/pair"])["rights"]


def test_what_is_not_there_is_told(root):
    assert problems(root, reads=[root / "gone"])["rights"] == f"make {root / 'gone'}"
    (root / "var/cache/edge-gate").rmdir()
    assert problems(root)["rights"] == "sudo systemd-tmpfiles --create"
