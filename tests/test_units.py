"""The units as `make install` installs them, judged by systemd itself."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.delivery.dispatcher import STOP_GRACE_S
from edge.pipeline.daemon import WORKER_S
from edge.service.supervisor import DRAIN_S, RELOAD_S
from edge.shadow_log.writer import STOP_S as SHADOW_LOG_S
from edge.sources.live import STOP_S as SOURCE_S

ROOT = Path(__file__).resolve().parents[1]
UNITS = ("edge-gate.service", "edge-gate-csi.service")
MOST_EXPOSED = 20
"""Ten times the exposure level of systemd-analyze(1), 0 to 100, lower is better."""


@pytest.fixture(scope="session")
def analyze():
    found = shutil.which("systemd-analyze")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("systemd-analyze is missing: run 'make services'")
        pytest.skip("systemd-analyze is missing: install the Debian package systemd")
    return found


def make(target, destination):
    subprocess.run(
        ["make", target, f"DESTDIR={destination}", "PREFIX=/usr"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def installed(tmp_path):
    make("install-service", tmp_path)
    return tmp_path


@pytest.fixture
def units(installed):
    return installed / "usr/lib/systemd/system"


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(name, units, analyze, tmp_path):
    # systemd looks whether the program and the manual are there; here they are not installed.
    text = (units / name).read_text()
    unit = tmp_path / name
    text = re.sub(r"/usr/bin/edge-gate", "/bin/true", text)
    unit.write_text(re.sub(r"(?m)^Documentation=.*", "", text))
    checked = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    about_it = [line for line in checked.stderr.splitlines() if name in line]
    assert (checked.returncode, about_it) == (0, [])


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_exposed_no_more_than_a_camera_daemon_must_be(name, units, analyze):
    command = [analyze, "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager"]
    judged = subprocess.run([*command, units / name], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_and_checks_the_installed_program(name, units):
    text = (units / name).read_text()
    program = "/usr/bin/edge-gate"
    assert re.findall(r"(?m)^ExecStart=(\S+) run ", text) == [program]
    assert re.findall(r"(?m)^ExecReload=(\S+) check ", text) == [program]
    assert "@" not in re.sub(r"@system-service|@privileged|@resources", "", text)


def test_the_gate_ends_by_itself_before_systemd_kills_it(units):
    bounds_s = RELOAD_S + WORKER_S + 2 * SOURCE_S + DRAIN_S + STOP_GRACE_S + SHADOW_LOG_S
    patience = re.search("TimeoutStopSec=([0-9]+)", (units / UNITS[0]).read_text())
    assert patience is not None
    assert bounds_s < int(patience[1])


def test_wrong_configurations_are_not_started_again(units):
    for name in UNITS:
        assert "\nRestartPreventExitStatus=64 78\n" in (units / name).read_text()


def test_only_the_csi_unit_sees_the_socket_of_nvargus(units):
    assert ["PrivateTmp=yes" in (units / name).read_text() for name in UNITS] == [True, False]


def test_the_user_of_the_units_is_made_by_sysusers(installed, units):
    made = (installed / "usr/lib/sysusers.d/edge-gate.conf").read_text()
    assert "\nu edge-gate - " in made
    assert all("\nUser=edge-gate\n" in (units / name).read_text() for name in UNITS)


def test_the_groups_of_the_units_are_made_too(installed, units):
    made = (installed / "usr/lib/sysusers.d/edge-gate.conf").read_text()
    for name in UNITS:
        named = re.findall(r"(?m)^SupplementaryGroups=(.+)$", (units / name).read_text())
        assert all(f"\ng {group} - " in made for line in named for group in line.split())


def test_the_folders_of_drop_ins_are_made(installed):
    made = (installed / "usr/lib/tmpfiles.d/edge-gate.conf").read_text()
    assert all(f"\nd /etc/systemd/system/{name}.d 0755 root root -" in made for name in UNITS)


def test_a_reload_proves_the_networks_first(units):
    for name in UNITS:
        first = re.findall(r"(?m)^ExecReload=(.+)$", (units / name).read_text())[0]
        assert " check --prove " in first


def test_uninstalling_leaves_the_configuration_and_nothing_else(installed):
    configuration = installed / "etc/edge-gate/gate.yaml"
    configuration.write_text("pair: a\n")
    make("uninstall", installed)
    assert [path for path in installed.rglob("*") if path.is_file()] == [configuration]
