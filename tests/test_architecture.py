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
