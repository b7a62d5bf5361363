"""
Processor time of the tests that two checkouts have in common, of each by its own tests, in turns.

    python -m tests.bench.suites --before CHECKOUT --now CHECKOUT [FOLDER…]

A test is common if its name, without its file, is there once in both; files have moved. FOLDERs
are where tests of now begin, such as tests/engines: each is a run of its own, and so is what is
left, in both checkouts one after the other, processes that tests start included.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.bench.lines import show

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--benchmark-disable")


def environment(checkout: Path) -> dict[str, str]:
    """Return ours, with what that checkout's tests need, and bytecode kept as Python does."""
    kept = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "CI": "true"}


def collected(checkout: Path) -> list[str]:
    """Return the ids of all its tests, in their order."""
    done = subprocess.run(
        [*PYTEST, "--collect-only"],
        cwd=checkout,
        env=environment(checkout),
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def in_common(before: Sequence[str], now: Sequence[str]) -> list[tuple[str, str]]:
    """Return the ids before and now of tests that are there once in both, in the order of now."""
    names = [Counter(map(_name, ids)) for ids in (before, now)]
    places = {_name(test): test for test in before}
    return [
        (places[name], test) for test in now if names[0][name := _name(test)] == 1 == names[1][name]
    ]


def _name(test: str) -> str:
    return test.partition("::")[2]


def processor_s(checkout: Path, tests: Sequence[str]) -> tuple[float, str]:
    """Run tests; return processor seconds, of all processes, and the last line of pytest."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"{test}\n" for test in tests))
        listed.flush()
        start = _used()
        done = subprocess.run(
            [*PYTEST, f"@{listed.name}"],
            cwd=checkout,
            env=environment(checkout),
            capture_output=True,
            text=True,
            check=False,
        )
        return _used() - start, (done.stdout.splitlines() or [done.stderr])[-1]


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--now", type=Path, required=True)
    parser.add_argument("folders", nargs="*")
    options = parser.parse_args()
    checkouts = (options.before.resolve(), options.now.resolve())
    common = in_common(*map(collected, checkouts))
    show(f"{len(common)} tests in common")
    for number, (folder, tests) in enumerate(groups(common, options.folders).items()):
        used = [0.0, 0.0]
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            used[side], last = processor_s(checkouts[side], [pair[side] for pair in tests])
            show(f"{folder} {('before', 'now')[side]}: {used[side]:.1f} s, {last}")
        show(f"{folder}: {used[1] / used[0]:.2f}")
    return 0


def groups(
    common: Sequence[tuple[str, str]], folders: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """Return the tests of each folder, and at last those of no folder."""
    found: dict[str, list[tuple[str, str]]] = {folder: [] for folder in [*folders, "the rest"]}
    for pair in common:
        place = next((each for each in folders if pair[1].startswith(each)), "the rest")
        found[place].append(pair)
    return {name: tests for name, tests in found.items() if tests}


if __name__ == "__main__":
    sys.exit(main())
