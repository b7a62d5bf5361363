"""The Debian package: what the section 'From a package' of docs/service.md promises."""

import shutil
import subprocess

import pytest

from edge import __version__
from tests.pairs import put_pair
from tests.system.box import Box
from tests.system.debian_package import newer, package
from tests.system.devices import CHECKOUT, add_user, as_user
from tests.system.documented import block
from tests.system.gate import CONFIGURATION, DROP_INS, PAIR, Gate
from tests.system.root_folder import registry
from tests.system.street import put_street

HEAD = "From a package"
UNITS = ("edge-gate", "edge-gate-csi")


@pytest.fixture(scope="module")
def built(device, tmp_path_factory):  # noqa: ARG001 -- skips where there are no boxes
    return package(tmp_path_factory.mktemp("built"), "amd64")


@pytest.fixture(scope="module")
def packaged(device, built, tmp_path_factory):
    """Layers of a device on which the package has been installed as the page says."""
    with Box(device, tmp_path_factory.mktemp("packaged"), registry()) as box:
        add_user(box)
        box.path(CHECKOUT).mkdir()
        shutil.copy(built, box.path(CHECKOUT))
        as_user(box, block(HEAD, "--version"))
    return box.layers


@pytest.fixture(scope="module")
def configured_package(packaged, tmp_path_factory):
    """Layers after that with a pair, the detector's files, a token and a configuration."""
    folder = tmp_path_factory.mktemp("configured-package")
    put_pair(folder)
    with Box(packaged, folder / "box", registry()) as box:
        shutil.copytree(folder / "pair", box.path(PAIR))
        box.run("chown", "-R", "edge-gate:", PAIR)
        as_user(box, block("Configure", "models fetch").splitlines()[-1])
        put_street(box)
        Gate(box).configure()
        drop_in = "[Service]\nLoadCredential=http_token:/etc/edge-gate/http_token\n"
        box.path("/etc/edge-gate/http_token").write_text("token\n")
        box.path(f"{DROP_INS}/token.conf").write_text(drop_in)
    return box.layers


def test_it_installs_what_runs_and_enables_nothing(packaged, tmp_path):
    with Box(packaged, tmp_path / "box") as box:
        said = as_user(box, "cd /tmp && edge-gate --version").stdout
        assert said == f"edge-gate {__version__}\n"
        for unit in UNITS:
            enabled = box.run("systemctl", "is-enabled", unit, check=False).stdout
            assert enabled == "disabled\n"
        lacking = "find /usr/lib/edge-gate -name '*.so*' -exec ldd {} + | grep 'not found' || true"
        assert box.sh(lacking).stdout == ""
        box.sh("test -r /usr/lib/edge-gate/edge/__pycache__/__init__.cpython-311.pyc")


def test_it_serves_is_upgraded_removed_and_purged(configured_package, built, tmp_path):
    with Box(configured_package, tmp_path / "box", registry()) as box, Gate(box) as gate:
        assert gate.property("ActiveState") == "inactive"
        gate.systemctl("enable", "--now")
        assert gate.receive().face()["login"] == "Bearer token"

        before, kept = gate.property("MainPID"), f"cat {CONFIGURATION} {DROP_INS}/*; ls {PAIR}"
        users = box.sh(kept).stdout
        box.sh(f"rm {CHECKOUT}/*.deb")
        shutil.copy(newer(built, tmp_path, "9.8.7+py311"), box.path(CHECKOUT))
        gate.type(block(HEAD, "# upgrade"), online=True)
        assert gate.property("MainPID") not in {before, "0"}
        assert box.run("edge-gate", "--version").stdout == "edge-gate 9.8.7+py311\n"
        assert box.sh(kept).stdout == users
        assert gate.receive().face()["key"]

        gate.type(block(HEAD, "remove"))
        assert gate.property("LoadState") == "not-found"
        assert box.sh(kept).stdout == users
        assert box.run("ls", "/usr/lib/edge-gate", check=False).returncode != 0

        gate.type(block(HEAD, "purge"))
        found = "find / -xdev -name '*edge-gate*' -not -path '/home/*' -not -path '/tmp/*'"
        assert box.sh(f"{found} -not -path '/var/log/*'").stdout == ""
        assert box.run("id", "edge-gate", check=False).returncode != 0


def test_lintian_finds_no_error(built):
    if shutil.which("lintian") is None:
        pytest.skip("lintian is missing; 'make services' installs it")
    # Those of `make deb` are compressed.
    tags = (f"uses-no-compression-for-{part}-tarball" for part in ("control", "data"))
    words = ["lintian", "--allow-root", "--suppress-tags", ",".join(tags)]
    words += ["--fail-on", "error", built]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
