"""What the code asks of TensorRT exists in every version it claims to run on, read from wheels."""

import ast
import inspect
from pathlib import Path

import pytest

from engines.plans.builder.typing_mode import network_flags
from engines.tensorrt import api
from engines.tensorrt.api import ALWAYS, OPTIONAL, describe
from tests.engines.tensorrt import fake_builder, fake_runtime
from tests.engines.tensorrt.api_table import VERSIONS, members, names_of
from tests.engines.tensorrt.fake_tensorrt import ENUMS, fake_tensorrt

SOURCES = sorted(
    path
    for package in ("tensorrt", "plans")
    for path in (Path(inspect.getfile(api)).parents[1] / package).rglob("*.py")
)

EXPECTED = {
    "8.6.1": {"explicit_batch", "weak_typing"},
    "10.0.1": {"explicit_batch", "weak_typing", "strong_typing", "progress", "node_names"},
    "10.3.0": {"explicit_batch", "weak_typing", "strong_typing", "progress", "node_names"},
    "10.7.0": {"explicit_batch", "weak_typing", "strong_typing", "progress", "node_names"},
    "10.13.3.9": {"explicit_batch", "weak_typing", "strong_typing", "progress", "node_names"},
    "10.16.1.11": {"explicit_batch", "weak_typing", "strong_typing", "progress", "node_names"},
    "11.0.0.114": {"strong_typing", "progress", "node_names"},
    "11.4.0.106": {"strong_typing", "progress", "node_names"},
    "rtx1.4": {
        "explicit_batch",
        "strong_typing",
        "progress",
        "node_names",
        "compute_capability",
    },
    "rtx1.7": {"strong_typing", "progress", "node_names", "compute_capability"},
}


def flavour_of(version: str) -> api.Flavour:
    return "rtx" if version.startswith("rtx") else "tensorrt"


def used() -> set[str]:
    """Every name of the two tables, as `Class.member` or `Class`."""
    always = {f"{owner}.{name}".lstrip(".") for owner, names in ALWAYS.items() for name in names}
    return always | {name for names in OPTIONAL.values() for name in names}


def words_in_the_code() -> set[str]:
    """Attributes and strings of the package, without the tables themselves."""
    words = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        if path.name == "api.py":
            tree.body = [n for n in tree.body if not isinstance(n, ast.AnnAssign)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                words.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.FunctionDef):
                words.add(node.name)
    return words


def methods_and_members() -> set[str]:
    """Every member name of the classes in the table, in any version, that has its own meaning."""
    found = {name.partition(".")[2] for version in VERSIONS for name in names_of(version)}
    ours = {  # of logging, numpy, dict, rich, onnx and our own values
        "DEBUG",
        "INFO",
        "clear",
        "compute_capability",
        "engine",
        "file",
        "finish",
        "flags",
        "logger",
        "metadata",
        "name",
        "nbytes",
        "register",
        "reset",
        "shape",
        "step",
        "type",
        "update",
    }
    return {name for name in found if name} - ours


@pytest.mark.parametrize("version", VERSIONS)
def test_every_name_used_without_asking_exists(version):
    needed = {f"{owner}.{n}".lstrip(".") for owner, names in ALWAYS.items() for n in names}
    assert needed - names_of(version) == set()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("feature", OPTIONAL)
def test_a_feature_is_there_with_all_its_names_or_not_used(version, feature):
    present = [name in names_of(version) for name in OPTIONAL[feature]]
    if feature in EXPECTED[version]:
        assert all(present)
    else:
        assert not all(present) or (feature == "weak_typing" and version == "rtx1.4")


@pytest.mark.parametrize("version", VERSIONS)
def test_features_are_found_by_name_as_each_version_has_them(version):
    found = describe(fake_tensorrt(version), flavour_of(version)).features
    assert found == EXPECTED[version]


def test_the_code_asks_tensorrt_for_nothing_outside_the_tables():
    listed = {name.rpartition(".")[2] for name in used()}
    assert (words_in_the_code() & methods_and_members()) - listed == set()


def test_the_tables_list_nothing_that_the_code_does_not_ask_for():
    listed = {name.rpartition(".")[2] for name in used()}
    assert listed - words_in_the_code() == set()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_fakes_have_no_name_that_the_real_version_lacks(version):
    world = fake_tensorrt(version)
    extra = {
        f"{owner}.{name}"
        for owner in (*fake_builder.CLASSES, *fake_runtime.CLASSES, *ENUMS)
        if hasattr(world, owner)
        for name in vars(getattr(world, owner))
        if not name.startswith("_") and name not in members(owner, version)
    }
    assert extra == set()


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_of_the_fakes_gain_no_public_name_either(version):
    world = fake_tensorrt(version)
    config = world.IBuilderConfig()
    assert {n for n in vars(config) if not n.startswith("_")} == set()


@pytest.mark.parametrize(
    ("version", "typing", "bits"),
    [
        ("8.6.1", "weak", 0b01),
        ("10.3.0", "weak", 0b01),
        ("10.3.0", "strong", 0b10),
        ("11.4.0.106", "strong", 0b01),
    ],
)
def test_the_strongly_typed_bit_is_taken_by_name_because_it_moved(version, typing, bits):
    described = describe(fake_tensorrt(version), "tensorrt")
    assert network_flags(described, typing) == bits
