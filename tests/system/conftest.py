import pytest

from tests.system import root_folder
from tests.system.root_folder import RootFolder

DEVICE = RootFolder(
    packages=(
        *("make", "python3-pip", "python3-venv", "sudo"),
        *("gir1.2-gst-plugins-base-1.0", "gir1.2-gstreamer-1.0", "python3-gi"),
        *("gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good"),
    )
)
"""A device after the line of apt that docs/service.md begins with."""


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/system" in item.path.as_posix():
            item.add_marker("system")


@pytest.fixture(scope="session")
def device():
    """Layers of the root folder of a device on which nothing of ours is installed yet."""
    root_folder.require()
    return root_folder.make(DEVICE)
