"""The bill of materials names what is installed, once, and the same each time."""

import json
import subprocess
import sys
from importlib.metadata import distributions, version
from pathlib import Path

from install.sbom import bill

ROOT = Path(__file__).resolve().parents[2]


def found():
    return bill(distributions())


def test_the_program_is_the_subject_and_its_libraries_are_the_components():
    made = found()
    assert made["metadata"]["component"]["name"] == "edge-gate"
    versions = {each["name"].lower(): each["version"] for each in made["components"]}
    assert versions["numpy"] == version("numpy")
    assert "edge-gate" not in versions


def test_references_are_unique_and_every_dependency_is_a_component():
    made = found()
    names = [each["bom-ref"] for each in made["components"]]
    assert len(names) == len(set(names))
    known = {*names, made["metadata"]["component"]["bom-ref"]}
    for each in made["dependencies"]:
        assert {each["ref"], *each["dependsOn"]} <= known
    ours = {each["ref"]: each["dependsOn"] for each in made["dependencies"]}
    assert f"pkg:pypi/onnx@{version('onnx')}" in ours[made["metadata"]["component"]["bom-ref"]]


def test_every_component_has_a_package_url_and_most_a_licence():
    parts = found()["components"]
    assert all(each["purl"] == each["bom-ref"] for each in parts)
    assert sum("licenses" in each for each in parts) > 0.9 * len(parts)


def test_a_folder_gives_the_same_bytes_each_time(tmp_path):
    library = tmp_path / "Some_Library-1.2.dist-info"
    library.mkdir()
    text = "Metadata-Version: 2.4\nName: Some_Library\nVersion: 1.2\nLicense-Expression: MIT\n"
    (library / "METADATA").write_text(text)
    words = [sys.executable, ROOT / "install" / "sbom.py", tmp_path]
    first, second = (subprocess.run(words, capture_output=True, check=True) for _ in range(2))
    assert first.stdout == second.stdout
    (part,) = json.loads(first.stdout)["components"]
    assert part["purl"] == "pkg:pypi/some-library@1.2"
    assert part["licenses"] == [{"expression": "MIT"}]
