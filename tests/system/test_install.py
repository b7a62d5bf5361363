"""`make install` on a device with the pip of JetPack 6, as docs/service.md has it."""

import re

import pytest

from edge import __version__
from tests.system.box import Box
from tests.system.devices import CHECKOUT, as_user
from tests.system.old_pip import VERSIONS
from tests.system.root_folder import registry


@pytest.fixture
def box(installed, tmp_path):
    with Box(installed, tmp_path / "box", registry()) as made:
        yield made


def test_this_is_the_old_pip(box):
    for name, version in VERSIONS.items():
        shown = box.run("python3", "-c", f"import {name}; print({name}.__version__)").stdout
        assert shown == f"{version}\n"


def test_any_user_runs_the_installed_program(box):
    said = box.run("su", "nobody", "-s", "/bin/sh", "-c", "cd / && edge-gate --version")
    assert said.stdout == f"edge-gate {__version__}\n"


def test_installing_as_root_leaves_nothing_in_the_checkout(box):
    assert box.sh(f"find {CHECKOUT} ! -user nano").stdout == ""


def test_the_program_sees_the_packages_of_the_system(box):
    place = "import sys; sys.path[0] = '/usr/local/lib/edge-gate'; "
    gstreamer = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst"
    box.run("python3", "-c", f"{place}import av, edge; {gstreamer}")
    as_user(box, f'.venv/bin/python -c "import av, edge; {gstreamer}"')


def test_an_installation_that_fails_leaves_the_version_before(box):
    as_user(box, "echo 'raise ImportError' >> edge/service/supervisor.py")
    failed = as_user(box, "sudo make install", check=False)
    assert failed.returncode != 0
    assert "does not start" in failed.stderr
    box.run("edge-gate", "schema")
    assert box.sh("ls /usr/local/lib | grep edge-gate").stdout == "edge-gate\n"


def test_a_venv_that_sees_the_system_needs_a_newer_pip_first_and_is_told_so(box):
    as_user(box, "rm -rf .venv && python3 -m venv --system-site-packages .venv")
    refused = as_user(box, ".venv/bin/pip install --no-deps .", check=False)
    assert refused.returncode != 0
    assert re.search(r"python -m pip install --upgrade pip", refused.stdout + refused.stderr)
    as_user(box, ".venv/bin/pip install --upgrade pip && .venv/bin/pip install --no-deps .")
    packages = as_user(box, ".venv/bin/pip list").stdout
    assert re.search(rf"(?m)^edge-gate +{re.escape(__version__)}$", packages)
