"""What the packages offer to programs of somebody else's is there, complete, typed and lazy."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path

import pytest

import edge
import engines
from edge.monitoring.status import GateStatus
from tests.networks import loaded, specification
from tests.pairs import request

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (edge, engines)
HEAVY = ("numpy", "cv2", "onnx", "onnxruntime", "pydantic", "yaml", "av", "PIL", "rich")


def public(package):
    return [name for name in package.__all__ if not name.startswith("__")]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there_and_is_what_type_checkers_see(package):
    tree = ast.parse(Path(package.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert sorted(typed) == sorted(public(package))
    for name, module in typed.items():
        assert getattr(package, name) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_listed_once_in_order_and_shown_by_dir(package):
    assert package.__all__ == sorted(set(package.__all__))
    assert dir(package) == package.__all__


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_that_is_not_there_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("kind", ["text", "path"])
def test_a_path_may_be_given_as_text_everywhere(kind, tmp_path):
    given = {"text": str, "path": Path}[kind](tmp_path / "nothing")
    calls: list[Callable[[str | Path], object]] = [
        *(edge.Gate.open, edge.read_config, edge.read_image),
        *(engines.open_pair, engines.read_manifest, engines.verify_pair),
    ]
    for call in calls:
        with pytest.raises((edge.EdgeError, engines.EnginesError), match="nothing"):
            call(given)
    with pytest.raises(engines.NetworkError, match="nothing"):
        engines.load_network(given, specification())
    made = type(given)(tmp_path / "made")
    assert engines.build_pair(request(loaded(tmp_path)), made).pair_id


@pytest.mark.parametrize("package", PACKAGES)
def test_every_error_is_exported(package):
    errors = importlib.import_module(f"{package.__name__}.errors")
    raised = {name for name, found in vars(errors).items() if inspect.isclass(found)}
    assert raised <= set(package.__all__)


def _ours(annotation):
    """Yield the classes of ours that an annotation names."""
    for inner in typing.get_args(annotation):
        yield from _ours(inner)
    if inspect.isclass(annotation) and annotation.__module__.split(".")[0] in ("edge", "engines"):
        yield annotation


def _callables(found):
    if inspect.isclass(found):
        members = [each for name, each in vars(found).items() if not name.startswith("_")]
        if not is_dataclass(found):
            members.append(vars(found).get("__init__"))
        for each in members:
            function = getattr(each, "__func__", getattr(each, "fget", each))
            if inspect.isfunction(function):
                yield function
    elif inspect.isfunction(found):
        yield found


@pytest.mark.parametrize("package", PACKAGES)
def test_what_an_exported_function_takes_and_gives_is_exported_too(package):
    exported = {name for each in PACKAGES for name in each.__all__}
    missing = {
        f"{name}: {kind.__name__}"
        for name in public(package)
        for function in _callables(getattr(package, name))
        for annotation in typing.get_type_hints(function).values()
        for kind in _ours(annotation)
        if kind.__name__ not in exported
    }
    assert missing == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_function_and_class_is_documented(package):
    for name in public(package):
        found = getattr(package, name)
        assert not callable(found) or inspect.getdoc(found), name


@pytest.mark.parametrize("name", ["edge", "engines"])
def test_importing_a_package_imports_nothing_heavy(name):
    program = f"import sys, {name}; print([each for each in {HEAVY} if each in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_are_told_that_a_package_is_typed(package):
    assert Path(package.__file__).with_name("py.typed").exists()


def test_the_version_is_the_one_of_the_package():
    assert f'\nversion = "{edge.__version__}"\n' in (ROOT / "pyproject.toml").read_text()


def test_changelog_and_status_know_the_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(edge.__version__)}$", changes, re.MULTILINE)
    assert GateStatus.model_fields["version"].default == edge.__version__
