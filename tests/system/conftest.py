import shutil

import pytest

from tests.pairs import tiny_pair
from tests.system import root_folder
from tests.system.box import Box
from tests.system.devices import CHECKOUT, USER, add_user, as_user, put_checkout
from tests.system.documented import packages, sections
from tests.system.gate import Gate
from tests.system.old_pip import put_old_pip
from tests.system.root_folder import RootFolder, registry
from tests.system.street import put_street


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/system" in item.path.as_posix():
            item.add_marker("system")


@pytest.fixture(scope="session")
def device():
    """Layers of a device with the packages that docs/service.md asks for, and nothing of ours."""
    root_folder.require()
    return root_folder.make(RootFolder(packages=(*packages(), "sudo")))


@pytest.fixture(scope="session")
def old_pip_device(device, tmp_path_factory):
    """Layers of a device with the pip and setuptools of JetPack 6, a user and a checkout."""
    folder = tmp_path_factory.mktemp("old-pip")
    with Box(device, folder / "box") as box:
        put_old_pip(box, folder)
        # As on a system without GPU and camera.
        box.sh("for group in render video; do groupdel $group 2>/dev/null || true; done")
        add_user(box)
        put_checkout(box)
    return box.layers


@pytest.fixture(scope="session")
def installed(old_pip_device, tmp_path_factory):
    """Layers of that device after the section 'Install' of docs/service.md."""
    with Box(old_pip_device, tmp_path_factory.mktemp("installed"), registry()) as box:
        for commands in sections()["Install"]:
            as_user(box, commands)
    return box.layers


@pytest.fixture(scope="session")
def configured(installed, tmp_path_factory):
    """Layers after the section 'Configure', with a pair of tiny networks."""
    folder = tmp_path_factory.mktemp("configured")
    tiny_pair(folder)
    with Box(installed, folder / "box", registry()) as box:
        pair = box.path(f"{CHECKOUT}/pairs/mobilefacenet512")
        shutil.copytree(folder / "pair", pair)
        box.run("chown", "-R", f"{USER}:", f"{CHECKOUT}/pairs")
        for commands in sections()["Configure"]:
            as_user(box, commands)
    return box.layers


@pytest.fixture(scope="session")
def enabled(configured, tmp_path_factory):
    """Layers after the section 'Start': the next boot starts the gate by itself."""
    with Box(configured, tmp_path_factory.mktemp("enabled")) as box:
        put_street(box)
        gate = Gate(box)
        gate.configure()
        box.start()
        for commands in sections()["Start"]:
            gate.type(commands)
        box.run("systemctl", "is-active", "edge-gate")
    return box.layers


@pytest.fixture
def gate(enabled, tmp_path):
    """A device that has booted, with a camera before which people walk by, and a receiver."""
    with Box(enabled, tmp_path / "box", registry()) as box, Gate(box) as running:
        yield running
