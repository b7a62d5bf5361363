"""An engine pair of tiny networks, to be read by everybody or to be spoilt by one test."""

import shutil

import pytest

from tests.pairs import put_pair


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Its folder; nobody writes there."""
    folder = tmp_path_factory.mktemp("built")
    put_pair(folder)
    return folder / "pair"


@pytest.fixture
def folder(built, tmp_path):
    """A copy of it."""
    return shutil.copytree(built, tmp_path / "pair")
