import subprocess
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest
import trustme

from engines.pair.pair import open_pair
from tests.edge import recordings
from tests.edge.chromium import Tab, chromium
from tests.edge.looked_at import looked_at, observation
from tests.edge.running_gate import write_walks
from tests.pairs import put_pair


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


@pytest.fixture(scope="session")
def authority():
    """Signs certificates; who trusts it alone trusts nothing else of this machine."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of an engine pair of tiny networks; nobody writes there."""
    made = tmp_path_factory.mktemp("pair")
    put_pair(made)
    return made / "pair"


@pytest.fixture(scope="session")
def pair(folder):
    with open_pair(folder) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def serve(tmp_path):
    """Serve pages of gates that have seen faces; they end after the tabs."""
    with ExitStack() as ending:

        def start(faces=(), keys=""):
            gate = ending.enter_context(looked_at(tmp_path, keys))
            for number, face in enumerate(faces):
                gate.show(observation((face,), number=number))
            return gate

        yield start


@pytest.fixture(scope="session")
def window(browser):
    """A tab that each test finds empty: most of the time of a new one goes into its process."""
    with closing(Tab(browser)) as opened:
        yield opened


@pytest.fixture
def any_tab(window, serve):  # noqa: ARG001 -- a page whose gate is gone complains, rightly
    """One that may complain."""
    yield window
    window.empty()


@pytest.fixture
def tab(any_tab):
    yield any_tab
    assert any_tab.complaints == []
    assert len({urlsplit(url).netloc for url in any_tab.requested} - {""}) == 1


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """A folder with an engine pair of tiny networks, and a video of two people walking by."""
    folder = tmp_path_factory.mktemp("material")
    put_pair(folder)
    write_walks(folder / "walks.mp4")
    return folder


@pytest.fixture(scope="session")
def default_pair(tmp_path_factory):
    """The folder of the engine pair that `pair build` makes unless told; nobody writes there."""
    return recordings.default_pair(tmp_path_factory.mktemp("default") / "pair")
