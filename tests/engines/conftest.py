"""A cache of its own for each test, and clients that talk to this machine only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.packages import Server, serving


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGE_GATE_CACHE", str(folder))
    return folder


@pytest.fixture
def web(cache: Path) -> Iterator[Server]:
    assert not cache.exists()
    with serving() as server:
        yield server


@pytest.fixture
def npm_registry(web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("npm_config_registry", web.url)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    return web


@pytest.fixture
def pip_folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which pip, and only from which pip, takes packages."""
    assert not cache.exists()
    folder = tmp_path / "packages"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder
