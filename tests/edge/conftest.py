import subprocess

import pytest

from engines.pair import open_pair
from tests.pairs import tiny_pair


@pytest.fixture
def small_file_system(tmp_path):
    """A real file system of 1 MiB, to be filled."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of an engine pair of tiny networks."""
    made = tmp_path_factory.mktemp("pair")
    tiny_pair(made)
    return made / "pair"


@pytest.fixture
def pair(folder):
    with open_pair(folder) as opened:
        yield opened
