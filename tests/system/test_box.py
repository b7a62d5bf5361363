"""The box keeps its promises: real systemd, own network, nothing left behind."""

import pytest

from tests.system.box import Box, BoxError, cgroup_root


@pytest.fixture
def box(device, tmp_path):
    with Box(device, tmp_path / "box") as made:
        yield made


def test_what_is_changed_in_a_box_is_seen_in_it_and_in_those_made_from_it_only(
    box, device, tmp_path
):
    box.sh("echo changed > /etc/debian_version; rm /etc/issue")
    assert box.path("/etc/debian_version").read_text() == "changed\n"
    with Box(box.layers, tmp_path / "second") as second:
        assert second.run("cat", "/etc/debian_version").stdout == "changed\n"
        assert second.run("test", "-e", "/etc/issue", check=False).returncode == 1
    with Box(device, tmp_path / "other") as other:
        assert other.run("cat", "/etc/debian_version").stdout.startswith("1")


def test_systemd_is_the_first_process_and_every_unit_of_the_system_works(box):
    box.start()
    assert box.run("cat", "/proc/1/comm").stdout == "systemd\n"
    failed = box.run("systemctl", "--failed", "--no-legend", "--plain").stdout
    assert failed == ""


def test_a_box_that_runs_reaches_itself_and_nobody_else(box):
    box.start()
    links = box.run("ls", "/sys/class/net").stdout.split()
    assert links == ["lo"]


def test_a_box_can_be_stopped_and_started_again_and_leaves_no_control_group(box):
    before = set(cgroup_root().iterdir())
    for _ in range(2):
        box.start()
        box.run("systemctl", "is-active", "dbus")
        box.stop()
    assert set(cgroup_root().iterdir()) == before


def test_a_command_that_fails_says_what_it_said(box):
    with pytest.raises(BoxError, match="no such thing"):
        box.sh("echo no such thing >&2; exit 3")
    assert box.sh("exit 3", check=False).returncode == 3
