"""docs/architecture.md is held to the folders that exist, and the houses to their size."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
HOUSES = ("edge", "engines")
MOST_MODULES = 20


def packages(house):
    """Yield the folders with code right below a house."""
    return {
        path.parent.relative_to(ROOT).as_posix() for path in (ROOT / house).glob("*/__init__.py")
    }


@pytest.mark.parametrize("house", HOUSES)
def test_every_package_stands_on_a_floor_of_the_page(house):
    floors = PAGE.partition("## The floors")[2].partition("## How a frame flows")[0]
    assert set(re.findall(rf"`({house}/\w+)`", floors)) == packages(house)


def test_whatever_the_page_names_exists():
    named = set(re.findall(r"`((?:edge|engines|tests)/[\w/.]+)`", PAGE))
    assert {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("house", HOUSES)
def test_no_folder_holds_more_than_twenty_modules(house):
    folders = {path.parent for path in (ROOT / house).rglob("*.py")}
    sizes = {
        folder: sum(module.name != "__init__.py" for module in folder.glob("*.py"))
        for folder in folders
    }
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


@pytest.mark.parametrize("house", HOUSES)
def test_every_package_says_what_it_is_for(house):
    heads = list((ROOT / house).rglob("__init__.py"))
    for head in heads:
        first = head.read_text(encoding="utf-8").lstrip('"').strip().partition("\n")[0]
        assert len(first.split()) > 3, f"{head}: say what the package is for"


WATCHED_OTHERWISE = {
    "edge/watched_thread.py": "watches the others",
    "edge/pipeline/worker.py": "its failure ends the process",
    "edge/sources/live.py": "grabbers, which their keeper watches",
    "edge/sinks/http_connection.py": "ends with the exchange that it cuts",
    "edge/page/server.py": "one for each connection, which ends with it",
    "edge/service/supervisor.py": "a reload, whose failure is told by the page and the log",
}


def test_every_thread_of_the_gate_is_watched():
    """A thread that dies or gets stuck in silence takes its work with it."""
    begun = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "edge").rglob("*.py")
        if re.search(r"\bThread\(", path.read_text(encoding="utf-8"))
    }
    assert begun == set(WATCHED_OTHERWISE)
