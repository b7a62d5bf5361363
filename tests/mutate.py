"""
Change the program a little, in every place where that is possible, and see whether a test notices.

    python -m tests.mutate edge/gate edge/delivery/outbox.py
    python -m tests.mutate edge/gate/tracker.py:40-80 -- -k "not broker"

Each change (a mutant) runs in a forked process against the tests that mirror the module: first
its own file, then those of its folder. What comes after `--` is for pytest. A mutant is killed by a
failing test, or by one that no longer ends; one that survives shows a line that no test holds, or
one that makes no difference. Exit code 1 when one survives.

Files are never changed: the mutated module exists only in the memory of its process.
"""

import argparse
import ast
import gc
import importlib.abc
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
PRELOADED = (
    "numpy",
    "cv2",
    "onnx",
    "onnxruntime",
    "pydantic",
    "hypothesis.extra.numpy",
    "yaml",
    "tests.edge.conftest",
    "tests.engines.conftest",
)
"""Imported once, before the forks; of this project's own modules what they bring along stays."""
LONGEST = 4.0
"""A mutant that needs so many times the seconds of the unchanged module does not end."""
GRACE_S = 20.0
"""On top: the machine may have other things to do."""


HOUSES = ("edge", "engines", "tests")


@dataclass(frozen=True, slots=True)
class Target:
    """A module, and the lines of it that are changed."""

    path: Path
    """Below `ROOT`."""
    first: int = 1
    last: int = sys.maxsize

    @property
    def module(self) -> str:
        """Its name for `import`."""
        return ".".join(self.path.with_suffix("").parts)

    @property
    def tests(self) -> list[str]:
        """The tests that mirror it, its own file first."""
        folder = ROOT / "tests" / self.path.parent
        own = f"test_{self.path.name}"
        beside = sorted(folder.glob("test_*.py"), key=lambda path: (path.name != own, path.name))
        return [str(path.relative_to(ROOT)) for path in beside]


class Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from code that is in memory."""

    def __init__(self, target: Target, code: CodeType) -> None:
        self._target, self._code = target, code

    def find_spec(
        self, fullname: str, _path: object, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the one module only."""
        if fullname != self._target.module:
            return None
        return spec_from_file_location(fullname, ROOT / self._target.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutated code."""
        exec(self._code, module.__dict__)


def outcome_of(target: Target, tree: ast.Module, more: Sequence[str], limit_s: float) -> str:
    """Return what became of the tests: "passed", "failed", or "endless"."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os._exit(_run_tests(target, tree, more))
    watch = os.pidfd_open(child)
    ended, _, _ = select.select([watch], [], [], limit_s)
    os.close(watch)
    _kill_group(child)
    _, status = os.waitpid(child, 0)
    if not ended:
        return "endless"
    return "passed" if os.waitstatus_to_exitcode(status) == 0 else "failed"


def _kill_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it ended, and all that it had started
        return


def _run_tests(target: Target, tree: ast.Module, more: Sequence[str]) -> int:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    where = str(ROOT / target.path)
    for name in [name for name in sys.modules if name.partition(".")[0] in HOUSES]:
        del sys.modules[name]  # whoever has imported the module has the unchanged one
    sys.meta_path.insert(0, Replaced(target, compile(tree, where, "exec", dont_inherit=True)))
    quiet = [
        "-x",
        "-q",
        "--assert=plain",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:benchmark",
    ]
    return int(pytest.main([*quiet, "--hypothesis-profile=mutants", *more, *target.tests]))


def targets(words: Sequence[str]) -> Iterator[Target]:
    """Yield the modules that are named: files, files with lines, or folders."""
    for word in words:
        name, _, lines = word.partition(":")
        path = Path(name)
        if (ROOT / path).is_dir():
            inside = sorted((ROOT / path).glob("*.py"))
            yield from (Target(one.relative_to(ROOT)) for one in inside if one.stem != "__init__")
            continue
        first, _, last = lines.partition("-")
        yield Target(path, int(first or 1), int(last or first or sys.maxsize))


def survivors(target: Target, more: Sequence[str]) -> Iterator[Mutant]:
    """Yield the mutants of a module that no test kills."""
    source = (ROOT / target.path).read_text()
    begin_s = time.monotonic()
    if outcome_of(target, ast.parse(source), more, 3600.0) != "passed":
        sys.exit(f"{target.path}: the tests of the unchanged module fail: {target.tests}")
    limit_s = LONGEST * (time.monotonic() - begin_s) + GRACE_S
    found = [one for one in mutants_of(source) if target.first <= one.line <= target.last]
    for number, mutant in enumerate(found, 1):
        outcome = outcome_of(target, mutant.tree, more, limit_s)
        print(f"\r{target.path} {number}/{len(found)} ", end="", file=sys.stderr, flush=True)
        if outcome == "passed":
            yield mutant
    print(f"\r{target.path}: {len(found)} mutants", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Mutate what is named; return the exit code."""
    own, _, more = _split(arguments)
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutate", description=__doc__.splitlines()[1] if __doc__ else ""
    )
    parser.add_argument("module", nargs="+", help="a file, FILE:FIRST-LAST, or a folder")
    chosen = list(targets(parser.parse_args(own).module))
    os.chdir(ROOT)
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # what is there before the forks is not looked through in each of them
    left = 0
    for target in chosen:
        for mutant in survivors(target, more):
            left += 1
            print(f"\r{target.path}:{mutant.line}: {mutant.change}", flush=True)
    print(f"{left} survive")
    return int(left > 0)


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], str, Sequence[str]]:
    if "--" not in arguments:
        return arguments, "", ()
    at = list(arguments).index("--")
    return arguments[:at], "--", arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
